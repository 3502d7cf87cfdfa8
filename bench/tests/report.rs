//! The report of a folder: what it says of good rows, failed rows, and files that are not there or broken.

use std::fs;
use std::path::{Path, PathBuf};

use instar_bench::csv_table::Table;
use instar_bench::experiments::{ALL, Experiment};
use instar_bench::{formula, report};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("instar-report-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    /// Both pages.
    fn report(&self) -> [String; 2] {
        report::write(&self.0, &self.0).unwrap().map(|path| fs::read_to_string(path).unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const SCALE: &str = "\
dimension,size,run,safe_point_wait_ns,stop_ns,total_ns,result,failure
threads,1,1,100,2000000,3000000,committed,
threads,10000,1,100,4000000,9000000,committed,
threads,10000,2,100,5000000,9000000,committed,
threads,10000,3,100,6000000,9000000,committed,
threads,100,1,,,,failed,it <broke>
";

#[test]
fn both_pages_tell_figures_intervals_failures_and_what_was_not_measured() {
    let folder = Folder::new("both");
    folder.write("scale.csv", SCALE);
    for page in folder.report() {
        for part in [
            "How an update grows",
            "What makes an update longer?",
            "5 ms [4 ms, 6 ms]",
            "1 of 5 observations failed",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        // A figure whose rows are not there is not made up, nor is the sentence that would need it.
        assert!(page.contains("not measured") && !page.contains("The program stops for"), "{page}");
        assert!(
            page.contains("cargo run --release -- bench server") && page.contains("no manifest"),
            "{page}"
        );
    }
    let [html, markdown] = folder.report();
    assert!(html.contains("it &lt;broke&gt;") && markdown.contains("| threads | 10⁴ |"), "{markdown}");
}

#[test]
fn targets_are_judged_and_the_sentence_is_made_of_the_figures() {
    let folder = Folder::new("targets");
    let rows = |result: &str| {
        format!(
            "id,source,scenario,result,longest_stop_ns,detail,failure\none,here,does,pass,1000,well,\ntwo,here,does,{result},2000,so,\n"
        )
    };
    folder.write("functional.csv", &rows("pass"));
    let [_, reached] = folder.report();
    assert!(
        reached.contains("2 scenarios pass, 0 do not.") && reached.contains("The target is reached."),
        "{reached}"
    );
    folder.write("functional.csv", &rows("fail"));
    let [_, missed] = folder.report();
    assert!(
        missed.contains("1 scenarios pass, 1 do not.") && missed.contains("at most 0: missed"),
        "{missed}"
    );
}

#[test]
fn the_page_needs_nothing_else_and_has_its_plots() {
    let folder = Folder::new("alone");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../paper-results/gdsu.csv");
    fs::copy(kept, folder.0.join("gdsu.csv")).unwrap();
    let [html, markdown] = folder.report();
    assert_eq!(html.matches("<svg ").count(), 1);
    for outside in ["src=", "href=\"http", "url(", "@import", "<script"] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(markdown.contains("](gdsu.svg)") && folder.0.join("gdsu.svg").exists());
}

#[test]
fn what_is_broken_is_named_with_its_place() {
    let folder = Folder::new("broken");
    folder.write("scale.csv", "dimension,size,run\nthreads,1\n");
    let error = report::write(&folder.0, &folder.0).unwrap_err().to_string();
    assert!(error.contains("scale.csv:2: has 2 cells"), "{error}");
    folder.write("scale.csv", "dimension,size,run\nthreads,1,1\n");
    let error = report::write(&folder.0, &folder.0).unwrap_err().to_string();
    assert!(error.contains("column safe_point_wait_ns is missing"), "{error}");
}

#[test]
fn every_figure_of_a_kept_experiment_can_be_computed() {
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("../paper-results");
    let figures = |experiment: &'static Experiment| {
        let table = Table::read(&results.join(experiment.csvs[0])).unwrap();
        for finding in experiment.findings {
            let rows = formula::select(&table, finding.rows);
            let figure = formula::evaluate(&rows, finding.formula);
            assert!(figure.is_ok(), "{}: {}: {figure:?}", experiment.name, finding.what);
        }
    };
    let kept: Vec<&Experiment> = ALL.iter().filter(|it| results.join(it.csvs[0]).exists()).collect();
    assert!(kept.len() > 8, "{} experiments are kept", kept.len());
    kept.into_iter().for_each(figures);
}
