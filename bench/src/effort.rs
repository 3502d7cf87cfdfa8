//! `instar bench effort`, experiment E9: lines of code by component (Espell's Table 3), counted from a source tree.
//!
//! A line of code is one on which something stands besides white space and comments. In Rust, what follows `#[cfg(test)]` at the beginning of a line is not counted: by
//! convention the tests stand at the end of a file. In Smalltalk (Tonel), comments of classes and methods and the lines that name categories are none.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::csv_table::Table;
use crate::lang::options::Options;
use crate::lang::rows::{Error, Outcome, Rows, Session};
use crate::lang::steps::Steps;
use crate::plot;

/// The columns of `effort.csv`.
pub const COLUMNS: [&str; 8] =
    ["component", "paper_component", "paper_lines", "language", "files", "lines", "code_lines", "failure"];

/// A part of the system.
#[derive(Clone, Copy, Debug)]
pub struct Component {
    /// The name by which it is asked for.
    pub id: &'static str,
    /// What the paper calls the like, with its lines.
    pub paper: Option<(&'static str, u32)>,
    /// Files and folders, from the root of the tree.
    pub paths: &'static [&'static str],
}

const fn component(
    id: &'static str,
    paper: Option<(&'static str, u32)>,
    paths: &'static [&'static str],
) -> Component {
    Component { id, paper, paths }
}

/// All of them. Those that the paper has come first.
pub const COMPONENTS: [Component; 13] = [
    component(
        "spaces-runtime",
        Some(("Espell VM", 461)),
        &[
            "interp/src/spaces",
            "interp/src/primitives/mirror.rs",
            "interp/src/vm/image.rs",
            "interp/src/vm/rest.rs",
            "interp/src/vm/interrupt.rs",
            "heap/src/image.rs",
        ],
    ),
    component("espell-library", Some(("Espell Library", 4735)), &["espell/smalltalk/Espell", "espell/src"]),
    component("chester-updater", Some(("Chester Updater", 26)), &["espell/smalltalk/Chester"]),
    component(
        "chester-update-points",
        Some(("Chester UpdatePoints", 22)),
        &["espell/smalltalk/Chester-UpdatePoints"],
    ),
    component(
        "espell-cases-and-tests",
        None,
        &["espell/smalltalk/Chester-Cases", "espell/smalltalk/Espell-Tests"],
    ),
    component("heap", None, &["heap/src"]),
    component("collector", None, &["gc/src"]),
    component("become", None, &["become/src"]),
    component("interpreter", None, &["interp/src"]),
    component("kernel-library", None, &["interp/kernel"]),
    component("gdsu-engine", None, &["dsu/smalltalk/DSU-Core"]),
    component("gdsu-host", None, &["dsu/src"]),
    component("measurement", None, &["bench/src"]),
];

/// The tree that this program was built from.
#[must_use]
pub fn own_tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Source files.
    pub files: usize,
    /// All their lines.
    pub lines: usize,
    /// Lines of code.
    pub code: usize,
}

/// The languages that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Rust,
    Smalltalk,
}

impl Language {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "rs" => Some(Self::Rust),
            "st" => Some(Self::Smalltalk),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Smalltalk => "Smalltalk",
        }
    }
}

/// Counts, writes `effort.csv` and its manifest, and makes the table.
///
/// # Errors
/// If an option makes no sense, or a file cannot be written. A component that is not in the tree is a row, and listed in the outcome.
pub fn run(options: &Options, tree: &Path, steps: &Steps) -> Result<Outcome, Error> {
    options.check().map_err(Error::Refused)?;
    let components = || COMPONENTS.iter().filter(|component| options.wants(component.id));
    let mut counted = Vec::new();
    for component in components() {
        counted.push((
            component,
            [Language::Rust, Language::Smalltalk].map(|it| (it, count(tree, component, it))),
        ));
    }
    // The counts are what was found: another tree's are not mixed with them.
    let found: Vec<usize> = counted
        .iter()
        .flat_map(|(_, both)| both.iter().map(|(_, it)| it.as_ref().map_or(0, |it| it.code)))
        .collect();
    let session = Session::begin(options, json!({ "code lines": found }), &[], steps)?;
    let planned =
        components().flat_map(|it| ["Rust", "Smalltalk"].map(|name| vec![it.id.to_owned(), name.to_owned()]));
    let mut rows = Rows::open(&session.csv, &COLUMNS, &["component", "language"], &planned.collect())?;
    let mut outcome = Outcome::default();
    for (component, (language, result)) in
        counted.iter().flat_map(|(it, both)| both.iter().map(move |one| (it, one)))
    {
        if matches!(result, Ok(count) if count.files == 0) {
            continue;
        }
        if let Err(why) = result {
            outcome.failures.push(format!("{}: {why}", component.id));
        }
        if rows.has(&[component.id.to_owned(), language.name().to_owned()]) {
            outcome.skipped += 1;
            continue;
        }
        outcome.measured += 1;
        rows.push(&row(component, *language, result))?;
    }
    let csv = Table::read(&session.csv)?;
    plot::write(plot::effort(&csv).as_ref(), &options.out)
        .map_err(|error| Error::file(&options.out, error))?;
    outcome.table = table(&csv);
    session.end()?;
    Ok(outcome)
}

fn row(component: &Component, language: Language, result: &Result<Count, String>) -> [String; 8] {
    let (name, lines) =
        component.paper.map_or_else(Default::default, |(name, lines)| (name.to_owned(), lines.to_string()));
    let figures = match result {
        Ok(count) => [count.files, count.lines, count.code].map(|it| it.to_string()),
        Err(_) => Default::default(),
    };
    let [files, all, code] = figures;
    let failure = result.as_ref().err().cloned().unwrap_or_default();
    [component.id.to_owned(), name, lines, language.name().to_owned(), files, all, code, failure]
}

/// Each part in each language, beside the paper's.
pub(crate) fn table(csv: &Table) -> String {
    let line = |cells: [&str; 6]| {
        let [component, language, files, lines, code, paper] = cells;
        format!("{component:24}{language:>12}{files:>8}{lines:>9}{code:>9}   {paper}\n")
    };
    let mut out = line(["", "", "files", "lines", "code", "the paper's"]);
    for row in csv.rows() {
        let cell = |column: &str| row.get::<String>(column).unwrap_or_default();
        let component = cell("component");
        if !cell("failure").is_empty() {
            out += &format!("{component:24}{}\n", cell("failure"));
            continue;
        }
        let (name, lines) = (cell("paper_component"), cell("paper_lines"));
        let paper = if name.is_empty() { name } else { format!("{name}: {lines}") };
        out += &line([
            &component,
            &cell("language"),
            &cell("files"),
            &cell("lines"),
            &cell("code_lines"),
            &paper,
        ]);
    }
    out
}

fn count(tree: &Path, component: &Component, language: Language) -> Result<Count, String> {
    let mut count = Count::default();
    for path in component.paths {
        let mut waiting = vec![tree.join(path)];
        while let Some(path) = waiting.pop() {
            let problem = |error: std::io::Error| format!("{}: {error}", path.display());
            if fs::metadata(&path).map_err(problem)?.is_dir() {
                for entry in fs::read_dir(&path).map_err(problem)? {
                    waiting.push(entry.map_err(problem)?.path());
                }
            } else if Language::of(&path) == Some(language) {
                let text = fs::read_to_string(&path).map_err(problem)?;
                count.files += 1;
                count.lines += text.lines().count();
                count.code += match language {
                    Language::Rust => rust(&text),
                    Language::Smalltalk => smalltalk(&text),
                };
            }
        }
    }
    Ok(count)
}

/// Lines with something besides white space.
fn full_lines(text: &str) -> usize {
    text.lines().filter(|line| !line.trim().is_empty()).count()
}

/// Lines of code of a Rust file: without comments, and without the tests at its end.
fn rust(text: &str) -> usize {
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let taken = if rest.starts_with("//") {
            let end = rest.find('\n').unwrap_or(rest.len());
            rest = &rest[end..];
            continue;
        } else if rest.starts_with("/*") {
            rest = after_block_comment(rest, &mut out);
            continue;
        } else if let Some(length) = raw_string(rest) {
            length
        } else if first == '"' {
            quoted(rest, '"')
        } else if first == '\'' {
            character(rest)
        } else {
            first.len_utf8()
        };
        let (token, behind) = rest.split_at(taken);
        out.push_str(token);
        rest = behind;
    }
    full_lines(&out)
}

/// What follows a block comment, whose line ends are kept.
fn after_block_comment<'a>(text: &'a str, out: &mut String) -> &'a str {
    let (mut nesting, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (nesting, at) = (nesting + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (nesting, at) = (nesting - 1, at + 2);
            if nesting == 0 {
                break;
            }
        } else {
            let next = text[at..].chars().next().unwrap_or('\n');
            if next == '\n' {
                out.push('\n');
            }
            at += next.len_utf8();
        }
    }
    &text[at..]
}

/// The length of a literal between quotes, with escapes.
fn quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if character == quote => return at + quote.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal, or of the quote of a lifetime.
fn character(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), _) => quoted(text, '\''),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

/// The length of a raw string.
fn raw_string(text: &str) -> Option<usize> {
    let marks = text.strip_prefix('r')?;
    let hashes = marks.len() - marks.trim_start_matches('#').len();
    let inner = marks[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inner.find(&end).map_or(inner.len(), |at| at + end.len());
    Some(1 + hashes + 1 + length)
}

/// Lines of code of a Tonel file: without comments, and without the lines that name a method's category.
fn smalltalk(text: &str) -> usize {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(first) = characters.next() {
        match first {
            '"' => {
                let comment = characters.by_ref().take_while(|&it| it != '"');
                out.extend(comment.filter(|&it| it == '\n'));
            }
            '\'' => {
                out.push('\'');
                out.extend(characters.by_ref().take_while(|&it| it != '\''));
                out.push('\'');
            }
            '$' => {
                out.push('$');
                out.extend(characters.next());
            }
            other => out.push(other),
        }
    }
    let is_category = |line: &&str| line.starts_with("{ #category");
    full_lines(&out) - out.lines().filter(is_category).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang;

    #[test]
    fn comments_and_tests_of_rust_are_no_code() {
        let text = "//! Header.\n\n/* one\n /* two */ */\nfn f() -> char { // why\n    let s = \"// no comment\";\n    '\"'\n}\nconst A: &str = r#\"a \" // b\"#; /* c */\n\
                    fn g<'a>(_: &'a str) {} // \"\n#[cfg(test)]\nmod tests {\n    fn t() {}\n}\n";
        assert_eq!(rust(text), 6);
    }

    #[test]
    fn comments_and_categories_of_smalltalk_are_no_code() {
        let text = "\"\nI am a class.\n\"\nClass {\n\t#name : 'A'\n}\n\n{ #category : 'x' }\nA >> b [\n\t\"Why\n\tso.\"\n\n\t^ 'a \"string\"' , $\" asString\n]\n";
        assert_eq!(smalltalk(text), 6);
    }

    #[test]
    fn the_own_tree_has_all_components() {
        let out = std::env::temp_dir().join(format!("instar-effort-{}", std::process::id()));
        let _ = fs::remove_dir_all(&out);
        let options = Options::new(lang::Command::Effort, out.clone());
        let outcome = run(&options, &own_tree(), &Steps::silent()).unwrap();
        assert!(outcome.failures.is_empty() && outcome.measured >= COMPONENTS.len(), "{outcome:?}");
        let text = fs::read_to_string(out.join("effort.csv")).unwrap();
        assert!(text.contains("chester-update-points,Chester UpdatePoints,22,Smalltalk,2,"), "{text}");
        assert!(
            out.join("effort.svg").exists() && outcome.table.contains("Chester UpdatePoints: 22"),
            "{}",
            outcome.table
        );
        assert_eq!(run(&options, &own_tree(), &Steps::silent()).unwrap().measured, 0);
        let missing = run(&options, Path::new("/no/such"), &Steps::silent()).unwrap();
        assert_eq!(missing.failures.len(), 2 * COMPONENTS.len());
        fs::remove_dir_all(&out).unwrap();
    }
}
