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
    let mut seen = 0;
    for (path, page) in pages() {
        for line in blocks(&page, "sh").iter().flat_map(|block| block.lines()) {
            let command = line.split(" #").next().unwrap().trim();
            if command.is_empty() || command.starts_with('#') {
                continue;
            }
            assert!(
                known.contains(&without_out(command)),
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
