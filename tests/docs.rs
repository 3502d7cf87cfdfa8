//! What the pages say works: their commands are run by the checks of a change, their example is the one that is
//! compiled, their files and columns exist.

mod support;

use instar_bench::record;
use support::{files, root, text};

/// The scripts that run commands for the pages.
const SCRIPTS: [&str; 2] = [".ci/run", ".ci/thorough"];

/// Fenced blocks of one language, without the fences.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

fn pages() -> Vec<(String, String)> {
    files("md").into_iter().map(|path| (path.clone(), text(path))).collect()
}

/// The commands that a script runs, folders for outputs left out.
fn commands_of(script: &str) -> Vec<String> {
    let script = text(script).replace("\\\n", "");
    let quoted =
        script.lines().filter(|line| line.starts_with("step ")).filter_map(|line| line.split('\'').nth(1));
    quoted.map(without_out).collect()
}

/// Whether it runs one file of this package's tests, all of which the checks run.
fn is_test_of_the_workspace(command: &str) -> bool {
    let name = command.strip_prefix("cargo test --workspace --test ");
    name.is_some_and(|name| root().join("tests").join(name).with_extension("rs").is_file())
}

fn without_out(command: &str) -> String {
    let words: Vec<&str> = command.split_whitespace().collect();
    let out = words.iter().position(|word| *word == "--out").unwrap_or(words.len());
    let kept = words.iter().enumerate().filter(|(index, _)| !(out..out + 2).contains(index));
    kept.map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_command_in_the_pages_is_run_by_the_checks() {
    let mut known: Vec<String> = SCRIPTS.iter().flat_map(|script| commands_of(script)).collect();
    known.extend(SCRIPTS.map(str::to_owned));
    assert!(known.iter().any(|command| command == "cargo test --workspace"));
    let mut seen = 0;
    for (path, page) in pages() {
        for line in blocks(&page, "sh").iter().flat_map(|block| block.lines()) {
            let command = line.split(" #").next().unwrap().trim();
            if command.is_empty() || command.starts_with('#') {
                continue;
            }
            assert!(
                known.contains(&without_out(command)) || is_test_of_the_workspace(command),
                "{path}: nothing runs `{command}`; known: {known:#?}"
            );
            seen += 1;
        }
    }
    assert!(seen > 5, "only {seen} commands found");
}

#[test]
fn the_readme_shows_the_example_that_is_compiled() {
    let example = text("become/examples/embed.rs");
    assert!(
        blocks(&text("README.md"), "rust").contains(&example),
        "README.md and become/examples/embed.rs differ"
    );
}

#[test]
fn files_that_pages_link_to_exist() {
    let mut missing = Vec::new();
    for (path, page) in pages() {
        let folder = root().join(&path).parent().unwrap().to_owned();
        for target in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap();
            if !file.is_empty() && !file.contains("://") && !folder.join(file).exists() {
                missing.push(format!("{path}: there is no {target}"));
            }
        }
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

#[test]
fn lines_that_load_the_csv_name_its_columns() {
    for (path, page) in pages() {
        for block in ["python", "r", "gnuplot"].iter().flat_map(|language| blocks(&page, language)) {
            let words = block.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            for column in words.filter(|word| word.ends_with("_ns") || word.ends_with("_bytes")) {
                assert!(record::COLUMNS.contains(&column), "{path}: become.csv has no column {column}");
            }
        }
    }
}

/// Pages with tables whose last column names the tests of what each row says.
const PAGES_OF_TESTS: [&str; 2] = ["docs/pitfalls.md", "docs/read-barrier.md"];
/// Where a test stands that a page names by its function alone.
const DEFAULT_TESTS: &str = "interp/tests/read_barrier.rs";
const SMALLTALK_TESTS: [&str; 2] = ["interp/kernel-tests/", "dsu/smalltalk/DSU-Tests/"];

/// The rows of tables whose last column is about tests: that column, and the whole row.
fn rows_of_tests(page: &str) -> Vec<(&str, &str)> {
    let mut rows = Vec::new();
    let mut is_wanted = false;
    for line in page.lines() {
        let Some(row) = line.trim().strip_prefix('|').and_then(|row| row.strip_suffix('|')) else {
            is_wanted = false;
            continue;
        };
        let last = row.rsplit('|').next().unwrap().trim();
        if last == "test" || last == "tests" {
            is_wanted = true;
        } else if is_wanted && !last.starts_with("---") {
            rows.push((last, row));
        }
    }
    rows
}

/// Whether a text of Rust has a test of this name: a function under `#[test]`, or one that a macro makes tests of.
fn has_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let is_marked = |(index, line): (usize, &&str)| {
        line.starts_with(&format!("fn {name}("))
            && lines[..index]
                .iter()
                .rev()
                .take_while(|line| line.starts_with("#["))
                .any(|line| *line == "#[test]")
    };
    let is_listed = lines.contains(&format!("{name};").as_str()) && text.contains(&format!("fn {name}<"));
    lines.iter().enumerate().any(is_marked) || is_listed
}

/// Whether a test exists that a page names: `Class>>testSelector`, `path/to/file.rs::function`, `function`, or all of `path/to/file.rs`.
fn test_exists(name: &str, smalltalk_tests: &[String]) -> bool {
    if let Some((class, selector)) = name.split_once(">>") {
        let file = format!("/{class}.class.st");
        let heading = format!("{class} >> {selector} [");
        return smalltalk_tests.iter().any(|path| path.ends_with(&file) && text(path).contains(&heading));
    }
    let (path, function) = match name.split_once("::") {
        Some((path, function)) => (path, Some(function)),
        None if name.ends_with(".rs") => (name, None),
        None => (DEFAULT_TESTS, Some(name)),
    };
    root().join(path).is_file()
        && function.map_or_else(|| text(path).contains("#[test]"), |function| has_test(&text(path), function))
}

#[test]
fn tests_that_pages_name_exist() {
    let mut smalltalk_tests = files("st");
    smalltalk_tests.retain(|path| SMALLTALK_TESTS.iter().any(|folder| path.starts_with(folder)));
    for path in PAGES_OF_TESTS {
        let page = text(path);
        let rows = rows_of_tests(&page);
        assert!(rows.len() > 15, "{path}: only {} rows name tests", rows.len());
        for (tests, row) in rows {
            let names: Vec<&str> =
                tests.split('`').skip(1).step_by(2).filter(|name| !name.ends_with(':')).collect();
            assert!(!names.is_empty(), "{path}: no test is named in {row}");
            for name in names.into_iter().filter(|name| !name.ends_with(".md")) {
                assert!(test_exists(name, &smalltalk_tests), "{path}: there is no test {name}");
            }
        }
    }
}

#[test]
fn no_pitfall_is_left_out() {
    let page = text("docs/pitfalls.md");
    let rows = rows_of_tests(&page);
    let numbers: Vec<usize> =
        rows.iter().map(|(_, row)| row.split('|').next().unwrap().trim().parse().unwrap()).collect();
    assert_eq!(numbers, (1..=24).collect::<Vec<_>>());
}
