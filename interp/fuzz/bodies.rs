//! What the fuzz targets check, once: the targets next to it run it under libFuzzer, `tests/fuzz.rs` with bounded random inputs.

use instar_interp::code::{Binding, CodeUnit, Literal, SiteUnit, disassemble, verify};
use instar_interp::compiler::{Empty, compile_doit, compile_method};
use instar_interp::source::{SourceFile, read_files, tonel};
use instar_interp::syntax::{completeness, parse_doit, parse_method, render, tokens};

#[path = "../tests/support/dataflow.rs"]
mod dataflow;

/// Any text is parsed, or rejected with errors that can be shown.
pub fn parse(source: &str) {
    for errors in [parse_method(source).err(), parse_doit(source).err()].into_iter().flatten() {
        assert!(!render("source", source, &errors).is_empty());
    }
    completeness(source);
    assert!(tokens(source).all(|token| source.get(token.span.range()).is_some()));
}

/// A file's place decides the format in which it is read.
const PATHS: [&str; 4] =
    ["A.class.st", "A.st", "P.package/A.class/properties.json", "P.package/A.class/instance/x.st"];

/// Any text is read in each format, or rejected with errors that can be shown; what Tonel takes is read back the same.
pub fn read(text: &str) {
    for path in PATHS {
        match read_files(&[SourceFile::new(path, text.to_owned())]) {
            Err(errors) => assert!(!errors.to_string().is_empty()),
            Ok(packages) => packages.iter().for_each(|package| {
                let Ok(written) = tonel::write(package) else { return };
                let files: Vec<_> =
                    written.into_iter().map(|(path, text)| SourceFile::new(path, text)).collect();
                assert_eq!(read_files(&files).expect("what was written").first(), Some(package));
            }),
        }
    }
}

/// Any text compiles to code that the verifier accepts and that is sound, or is rejected with errors about the text.
pub fn compile(source: &str) {
    for result in [compile_method(source, &Empty), compile_doit(source, &Empty)] {
        match result {
            Ok(info) => {
                dataflow::check(&info.unit).unwrap_or_else(|error| panic!("{error}: {source}"));
                assert!(!disassemble(&info.unit, Some(source)).is_empty());
            }
            Err(errors) => {
                let is_ours = errors.iter().any(|error| error.message.contains("code that cannot run"));
                assert!(!is_ours, "{errors:?}");
                assert!(!render("source", source, &errors).is_empty());
            }
        }
    }
}

/// What the verifier is given besides the instructions: counts of registers, arguments and temporaries, and words with their heights.
pub type Noise = (u8, u8, u8, Vec<(u32, u8)>);

/// Any words and heights are rejected, or are sound by an independent check of all paths; either way they can be listed.
pub fn verify_any((registers, arguments, temporaries, code): Noise) {
    let unit = CodeUnit {
        words: code.iter().map(|(word, _)| *word).collect(),
        heights: code.iter().map(|(_, height)| *height).collect(),
        registers,
        arguments,
        temporaries,
        literals: vec![
            Literal::Symbol("foo:".to_owned()),
            Literal::Symbol("bar".to_owned()),
            Literal::Binding(Binding::Global("G".to_owned())),
            Literal::Integer(1),
        ],
        sites: vec![SiteUnit { selector: 0, arguments: 1 }, SiteUnit { selector: 1, arguments: 0 }],
        ..CodeUnit::default()
    };
    if verify(&unit).is_ok() {
        dataflow::check(&unit).unwrap_or_else(|error| panic!("{error}\n{unit:?}"));
    }
    let _ = disassemble(&unit, None);
}
