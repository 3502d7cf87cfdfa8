//! The driver of experiment E4 with servers that are none.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use instar_bench::lang::rows::{Error, Outcome};
use instar_bench::lang::steps::Steps;
use instar_bench::lang::{Command, Options};
use instar_bench::{plot, server};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("instar-server-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn lines(&self, csv: &str) -> Vec<String> {
        fs::read_to_string(self.0.join(csv)).unwrap().lines().map(str::to_owned).collect()
    }

    fn append(&self, csv: &str, lines: &str) {
        let text = fs::read_to_string(self.0.join(csv)).unwrap() + lines;
        fs::write(self.0.join(csv), text).unwrap();
    }

    fn run(&self, only: &[&str], script: &str) -> Result<Outcome, Error> {
        let only = only.iter().map(|name| (*name).to_owned()).collect();
        let options = Options { quick: true, only, ..Options::new(Command::Server, self.0.clone()) };
        let serve = |_: &Path, _: u32| {
            let mut command = Process::new("/bin/sh");
            command.args(["-c", script]);
            command
        };
        server::run(&options, serve, &Steps::silent())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const COMPLETE: &str = "\
28500,closed,none,1,before,2000000000,50,0,9.5,9,10,11,12,0,0,0,0,0,7,
28500,closed,none,1,update,500000000,50,0,9.5,9,10,11,12,0,0,0,0,0,7,
28500,closed,none,1,after,2500000000,50,0,9.5,9,10,11,12,0,0,0,0,0,7,
28500,closed,none,1,all,5000000000,150,0,9.5,9,10,11,12,0,0,0,0,0,7,
";

#[test]
fn a_server_that_does_not_come_up_is_a_failed_row_and_what_is_there_is_not_measured_again() {
    let folder = Folder::new("resume");
    let outcome = folder.run(&[], "exit 3").unwrap();
    assert_eq!((outcome.measured, outcome.failures.len()), (3, 3));
    let rows = folder.lines("server.csv");
    assert_eq!(rows.len(), 1 + 3);
    assert!(
        rows[1].starts_with("28500,700/s,model,1,all,,")
            && rows[1].ends_with(",the server ended before it listened")
    );

    // One observation is there as a whole, of another two windows and a piece of its course.
    folder.append("server.csv", COMPLETE);
    folder.append(
        "server.csv",
        "28500,closed,model,1,before,1,1,0,9.5,9,10,11,12,0,0,0,0,0,7,\n28500,closed,mod",
    );
    folder.append("server-series.csv", "28500,closed,none,1,0,500000000,10,0,9,9,10,12,5,5,0\n");
    folder.append("server-series.csv", "28500,closed,model,1,0,500000000,10,0,9,9,10,12,5,5,0\n");
    let outcome = folder.run(&[], "echo 'listening on http://127.0.0.1:1'").unwrap();
    assert_eq!((outcome.measured, outcome.skipped, outcome.failures.len()), (2, 1, 2));
    assert!(
        outcome.failures[0].contains("700/s, update: model: no answer: cannot connect"),
        "{:?}",
        outcome.failures
    );
    let rows = folder.lines("server.csv");
    assert_eq!(rows.len(), 1 + 4 + 2, "{rows:?}");
    assert_eq!(rows[1..5].join("\n") + "\n", COMPLETE);
    assert_eq!(folder.lines("server-series.csv").len(), 1 + 1);
}

#[test]
fn a_part_can_be_chosen_and_what_there_is_is_named() {
    let folder = Folder::new("only");
    assert_eq!(folder.run(&["closed", "none"], "exit 1").unwrap().measured, 1);
    let refused = folder.run(&["open"], "exit 1").unwrap_err().to_string();
    assert!(refused.contains("none, model, kernel, engine, 700/s, closed, 28500"), "{refused}");
}

#[test]
fn rows_are_drawn_as_a_course_each_and_a_plot_of_all() {
    let folder = Folder::new("drawn");
    fs::create_dir_all(&folder.0).unwrap();
    let csv = folder.0.join("server.csv");
    let update = |instances: u32, pace: &str, update: &str, max: u64| {
        format!(
            "{instances},{pace},{update},1,update,500000000,50,0,9.5,9,10,11,{max},0,0,40000000,3000000,0,7,\n"
        )
    };
    let mut rows = server::COLUMNS.join(",") + "\n";
    rows += &update(28_500, "700/s", "none", 2_000_000);
    rows += &update(28_500, "700/s", "model", 6_000_000);
    rows += &update(1_000_000, "closed", "kernel", 90_000_000);
    rows += "10000000,700/s,model,1,all,,,,,,,,,,,,,,,no memory\n";
    fs::write(&csv, rows).unwrap();
    let rows = server::read(&csv).unwrap();
    assert_eq!(rows.len(), 3);
    let table = server::table(&rows);
    assert!(
        table.lines().count() == 4 && table.contains("90 ms") && table.contains("1,000,000 closed kernel"),
        "{table}"
    );

    let mut series = server::SERIES_COLUMNS.join(",") + "\n";
    for (what, run) in [("700/s,none", 1), ("700/s,model", 1), ("700/s,model", 2)] {
        for start in 0..4_u64 {
            series += &format!(
                "28500,{what},{run},{},500000000,350,0,9,200000,900000,{run}000000,900000000,940000000,3000000\n",
                start * 500_000_000
            );
        }
    }
    let series_csv = folder.0.join("server-series.csv");
    fs::write(&series_csv, series).unwrap();
    let courses = server::read_series(&series_csv).unwrap();
    let names: Vec<(&str, usize, u64)> =
        courses.iter().map(|it| (it.name.as_str(), it.updates.len(), it.bins[3].max_ns)).collect();
    assert_eq!(names, [("server-none-28500-700", 0, 1_000_000), ("server-model-28500-700", 1, 1_000_000)]);

    let plots = plot::server(&rows, &courses);
    let names: Vec<&str> = plots.iter().map(|plot| plot.name.as_str()).collect();
    assert_eq!(names, ["server", "server-none-28500-700", "server-model-28500-700"]);
    for plot in &plots {
        assert!(!plot.svg().contains("NaN"), "{}", plot.name);
        plot.png().unwrap();
    }
    for text in ["gDSU in Pharo: 1.4 s", "to reach at 700", "no update", "live messages"] {
        assert!(plots[0].svg().contains(text), "{text}");
    }
    assert!(plots[2].svg().contains("Band: the update, 40 ms; red: its stop, 3 ms."));
    assert!(plot::server(&[], &[]).is_empty());
}
