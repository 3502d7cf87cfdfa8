//! The code that the compiler makes of the important shapes of source, as listings in `tests/code/`.
//!
//! A file holds cases: lines `environment NAME…` (names of instance variables `@x`, class variables `$X`, globals, constants `!X`),
//! the source, a line of dashes, the listing. With `INSTAR_WRITE_LISTINGS=1` the listings are written anew, to be read
//! before they are committed.

mod support;

use std::fs;
use std::path::Path;

use instar_interp::code::{disassemble, verify};
use instar_interp::compiler::{CompiledMethodInfo, compile_doit, compile_method};
use instar_interp::syntax::SyntaxError;
use support::environment::Names;

const SEPARATOR: &str = "--------";
const CASE: &str = "========";

fn compile(case: &str) -> Result<(CompiledMethodInfo, String), (Vec<SyntaxError>, String)> {
    let mut names = Names::default();
    let mut source = case.trim_end_matches('\n');
    let mut is_doit = false;
    loop {
        let (line, rest) = source.split_once('\n').unwrap_or((source, ""));
        if let Some(list) = line.strip_prefix("environment ") {
            list.split_whitespace().for_each(|name| names.add_marked(name));
        } else if line == "doit" {
            is_doit = true;
        } else {
            break;
        }
        source = rest;
    }
    let compiled = if is_doit { compile_doit(source, &names) } else { compile_method(source, &names) };
    compiled.map(|info| (info, source.to_owned())).map_err(|errors| (errors, source.to_owned()))
}

fn listing(case: &str) -> String {
    let (info, source) = match compile(case) {
        Ok(compiled) => compiled,
        Err((errors, source)) => {
            return errors.iter().map(|error| format!("error {}\n", full(error, &source))).collect();
        }
    };
    let mut text: String =
        info.warnings.iter().map(|warning| format!("warning {}\n", full(warning, &source))).collect();
    for pragma in &info.pragmas {
        text.push_str(&format!("pragma {} {:?}\n", pragma.selector, pragma.arguments));
    }
    text.push_str(&disassemble(&info.unit, Some(&source)));
    verify(&info.unit).unwrap_or_else(|rejection| panic!("{rejection}\n{source}\n{text}"));
    text
}

fn full(error: &SyntaxError, source: &str) -> String {
    match &error.help {
        Some(help) => format!("{} ({help})", error.brief(source)),
        None => error.brief(source),
    }
}

#[test]
fn listings_are_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/code");
    let is_writing = std::env::var_os("INSTAR_WRITE_LISTINGS").is_some();
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let mut rewritten = Vec::new();
        for case in text.split(&format!("{CASE}\n")) {
            let (input, expected) = case.split_once(&format!("{SEPARATOR}\n")).unwrap_or((case, ""));
            let found = listing(input);
            if !is_writing {
                assert_eq!(found, expected, "{}:\n{input}", path.display());
            }
            rewritten.push(format!("{}\n{SEPARATOR}\n{found}", input.trim_end()));
        }
        if is_writing {
            fs::write(&path, rewritten.join(&format!("{CASE}\n"))).unwrap();
        }
    }
}
