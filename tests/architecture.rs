//! What the compiler does not check: which crate may know which, where `unsafe` may stand, how long files grow.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;
use support::{files, root, text};

/// Each package and the packages of this workspace that it may know. Arrows point one way.
const MAY_KNOW: [(&str, &[&str]); 12] = [
    ("instar-heap", &[]),
    ("instar-gc", &["instar-heap"]),
    ("instar-become", &["instar-gc", "instar-heap"]),
    ("instar-interp", &["instar-become", "instar-gc", "instar-heap"]),
    ("instar-dsu", &["instar-gc", "instar-heap", "instar-interp"]),
    ("instar-espell", &["instar-gc", "instar-heap", "instar-interp"]),
    ("instar-web", &["instar-interp"]),
    ("instar-bench", &["instar-become", "instar-gc", "instar-heap", "instar-interp", "instar-load"]),
    ("instar-load", &[]),
    ("instar-observe", &["instar-gc", "instar-heap"]),
    ("instar-loom-tests", &["instar-become", "instar-gc", "instar-heap"]),
    (
        "instar",
        &[
            "instar-become",
            "instar-bench",
            "instar-dsu",
            "instar-espell",
            "instar-gc",
            "instar-heap",
            "instar-interp",
            "instar-load",
            "instar-observe",
            "instar-web",
        ],
    ),
];

/// Where the modules that may hold `unsafe` are listed.
const UNSAFE_LIST: &str = "docs/unsafe-modules.txt";

const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;

#[test]
fn dependencies_point_one_way() {
    let arguments = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names = |list: &Value, key: &str| -> Vec<String> {
        let items = list[key].as_array().unwrap().iter();
        items.map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    let packages: BTreeSet<String> = names(&metadata, "packages").into_iter().collect();
    assert_eq!(packages, MAY_KNOW.iter().map(|(name, _)| (*name).to_owned()).collect());
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let (_, allowed) = MAY_KNOW.iter().find(|(known, _)| *known == name).unwrap();
        for dependency in names(package, "dependencies") {
            let is_ours = packages.contains(&dependency);
            assert!(!is_ours || allowed.contains(&dependency.as_str()), "{name} must not know {dependency}");
        }
    }
}

#[test]
fn unsafe_stands_only_where_the_list_allows_it() {
    let listed: BTreeMap<String, String> = text(UNSAFE_LIST)
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (path, reason) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            (path.to_owned(), reason.trim().to_owned())
        })
        .collect();
    let mut complaints = Vec::new();
    for (path, reason) in &listed {
        if reason.is_empty() {
            complaints.push(format!("{UNSAFE_LIST}: {path} needs a reason"));
        }
        if !root().join(path).is_file() {
            complaints.push(format!("{UNSAFE_LIST}: there is no {path}"));
        }
    }
    for path in files("rs") {
        let code = code_of(&text(&path));
        let allows = code.contains("allow(unsafe_code)") || code.contains("expect(unsafe_code)");
        let uses = words(&code).any(|word| word == "unsafe");
        // A file without an `allow` of its own can have inherited it from the module above.
        match (listed.contains_key(&path), allows || uses) {
            (true, false) => complaints.push(format!("{path} is listed and has no unsafe")),
            (false, true) => {
                complaints.push(format!("{path} allows or holds unsafe and is not in {UNSAFE_LIST}"))
            }
            _ => {}
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// Long files and functions are listed, not forbidden: `cargo test --test architecture -- --nocapture lengths`.
#[test]
fn lengths_of_files_and_functions() {
    for path in files("rs").into_iter().filter(|path| !path.contains("tests/")) {
        let code = code_of(&text(&path));
        let lines: Vec<&str> = code.lines().collect();
        if lines.len() > FILE_LINES {
            println!("{path}: {} lines", lines.len());
        }
        for (first, length) in functions(&lines) {
            if length > FUNCTION_LINES {
                println!("{path}:{}: a function of {length} lines", first + 1);
            }
        }
    }
}

/// First line and length of each function with a body.
fn functions(lines: &[&str]) -> Vec<(usize, usize)> {
    let is_start = |line: &str| words(line).any(|word| word == "fn") && line.contains('(');
    let length = |first: usize| {
        let mut depth = 0_i32;
        for (offset, line) in lines[first..].iter().enumerate() {
            depth += line.matches('{').count() as i32 - line.matches('}').count() as i32;
            let ends = line.contains('}') || (offset == 0 || !line.contains('{')) && line.ends_with(';');
            if depth <= 0 && ends {
                return offset + 1;
            }
        }
        0
    };
    (0..lines.len()).filter(|&first| is_start(lines[first])).map(|first| (first, length(first))).collect()
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
}

/// The source with comments and the contents of strings blanked out, line by line as before.
fn code_of(source: &str) -> String {
    let letters: Vec<char> = source.chars().collect();
    let mut code = String::new();
    let mut at = 0;
    while at < letters.len() {
        let end = match token_at(&letters[at..]) {
            Token::Plain => {
                code.push(letters[at]);
                at + 1
            }
            Token::Blanked(length) => at + length,
        };
        code.extend(letters[at..end].iter().filter(|&&letter| letter == '\n' && end > at + 1));
        at = end;
    }
    code
}

enum Token {
    /// One letter of code.
    Plain,
    /// A comment or literal of so many letters.
    Blanked(usize),
}

fn token_at(rest: &[char]) -> Token {
    let starts =
        |text: &str| text.chars().enumerate().all(|(index, letter)| rest.get(index) == Some(&letter));
    let until = |from: usize, is_end: &dyn Fn(usize) -> bool| {
        (from..rest.len()).find(|&index| is_end(index)).unwrap_or(rest.len())
    };
    if starts("//") {
        return Token::Blanked(until(2, &|index| rest[index] == '\n'));
    }
    if starts("/*") {
        return Token::Blanked(until(2, &|index| rest[index - 1] == '*' && rest[index] == '/') + 1);
    }
    if starts("r\"") || starts("r#\"") {
        let hashes = usize::from(starts("r#"));
        let is_end = |index: usize| rest[index] == '"' && (hashes == 0 || rest.get(index + 1) == Some(&'#'));
        return Token::Blanked((until(2 + hashes, &is_end) + 1 + hashes).min(rest.len()));
    }
    if starts("\"") {
        let mut index = 1;
        while index < rest.len() && rest[index] != '"' {
            index += if rest[index] == '\\' { 2 } else { 1 };
        }
        return Token::Blanked((index + 1).min(rest.len()));
    }
    if starts("'") {
        // A character literal; anything else with this quote is a lifetime.
        let length = if rest.get(1) == Some(&'\\') { until(3, &|index| rest[index] == '\'') + 1 } else { 3 };
        if rest.get(length - 1) == Some(&'\'') {
            return Token::Blanked(length);
        }
    }
    Token::Plain
}

#[test]
fn comments_and_strings_are_no_code() {
    let code = code_of("a // unsafe\nb \"un\\\"safe\nunsafe\" /* unsafe */ 'x' '\\'' &'a r#\"unsafe\"# c");
    assert_eq!(words(&code).filter(|word| !word.is_empty()).collect::<Vec<_>>(), ["a", "b", "a", "c"]);
    assert_eq!(code.lines().count(), 3);
}
