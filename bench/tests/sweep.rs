//! The driver with a fake measured system: what is measured, what is skipped, what is kept.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use instar_bench::measure::{Measure, Observation, Trial};
use instar_bench::memory::Available;
use instar_bench::point::{Point, Strategy};
use instar_bench::record;
use instar_bench::sweep::{self, Error, Files, Options, Progress, Size, Summary, trials};

/// Measures nothing, remembers who asked, and fails where it is told to.
#[derive(Default)]
struct Fake {
    asked: Vec<Trial>,
    fail: Option<fn(&Trial) -> bool>,
    bytes: u64,
}

impl Measure for Fake {
    fn measure(&mut self, trial: &Trial) -> Result<Observation, String> {
        self.asked.push(*trial);
        if self.fail.is_some_and(|fail| fail(trial)) {
            return Err("told to\nfail".to_owned());
        }
        Ok(Observation { pause_ns: trial.point.pairs * 5, heap_bytes: 64, ..Observation::default() })
    }

    fn estimate_bytes(&self, point: &Point) -> u64 {
        point.pairs * self.bytes
    }
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("instar-sweep-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn options(&self) -> Options {
        Options {
            size: Size::Quick,
            max_instances: Some(100),
            strategies: vec![Strategy::Lazy, Strategy::FullScan],
            workers: 2,
            runs: Some(2),
            ..Options::new(self.0.clone())
        }
    }

    fn files(&self) -> Files {
        Files::of(&self.0)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn sweep(options: &Options, fake: &mut Fake) -> Summary {
    sweep::run(options, fake, None, &mut Progress::silent()).unwrap()
}

fn planned(options: &Options) -> HashSet<Trial> {
    trials(options).into_iter().collect()
}

fn recorded(folder: &Folder) -> Vec<record::Record> {
    record::read(&folder.files().become_csv).unwrap()
}

#[test]
fn a_sweep_measures_everything_once_and_then_nothing() {
    let folder = Folder::new("once");
    let options = folder.options();
    let mut fake = Fake::default();
    let summary = sweep(&options, &mut fake);
    let all = planned(&options);
    assert_eq!(summary, Summary { measured: all.len(), skipped: 0, failures: vec![] });
    assert_eq!(recorded(&folder).iter().map(|record| record.trial).collect::<HashSet<_>>(), all);
    assert_eq!(folder.names(), ["become.csv", "limits.csv", "manifest.json"]);

    let before = fs::read(folder.files().become_csv).unwrap();
    let mut fake = Fake::default();
    let summary = sweep(&options, &mut fake);
    assert_eq!((summary.measured, summary.skipped, fake.asked.len()), (0, all.len(), 0));
    assert_eq!(fs::read(folder.files().become_csv).unwrap(), before);
}

#[test]
fn a_killed_sweep_continues_after_its_last_whole_line() {
    let folder = Folder::new("killed");
    let options = folder.options();
    sweep(&options, &mut Fake::default());
    let path = folder.files().become_csv;
    let text = fs::read_to_string(&path).unwrap();
    let all = planned(&options).len();
    // The header, nine whole rows and half of the tenth.
    let line_ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    fs::write(&path, &text[..line_ends[9] + 8]).unwrap();

    let mut fake = Fake::default();
    let summary = sweep(&options, &mut fake);
    assert_eq!((summary.skipped, summary.measured), (9, all - 9));
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    // Killed within the header, or before it.
    for left in [3, 0] {
        fs::write(&path, &text[..left]).unwrap();
        assert_eq!(sweep(&options, &mut Fake::default()).measured, all);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn more_runs_and_more_strategies_add_to_what_is_there() {
    let folder = Folder::new("more");
    let options = folder.options();
    let first = sweep(&options, &mut Fake::default());
    let more = Options { runs: Some(3), strategies: Strategy::ALL.to_vec(), ..options };
    let summary = sweep(&more, &mut Fake::default());
    assert_eq!(summary.skipped, first.measured);
    assert_eq!(recorded(&folder).len(), planned(&more).len());
}

#[test]
fn failures_are_rows_and_are_tried_again() {
    let folder = Folder::new("failures");
    let options = folder.options();
    let mut fake = Fake { fail: Some(|trial| trial.point.pairs == 10 && trial.run == 2), ..Fake::default() };
    let summary = sweep(&options, &mut fake);
    assert!(!summary.failures.is_empty());
    assert_eq!(summary.measured, planned(&options).len());
    let failed: Vec<_> = recorded(&folder).into_iter().filter(|record| record.outcome.is_err()).collect();
    assert_eq!(failed.len(), summary.failures.len());
    assert!(failed.iter().all(|record| record.outcome == Err("told to fail".to_owned())));

    let mut fake = Fake::default();
    let summary = sweep(&options, &mut fake);
    assert_eq!((summary.measured, summary.failures.len()), (failed.len(), 0));
    assert_eq!(recorded(&folder).len(), planned(&options).len());
    assert!(recorded(&folder).iter().all(|record| record.outcome.is_ok()));
}

#[test]
fn figures_of_another_seed_are_kept_aside() {
    let folder = Folder::new("seed");
    let options = folder.options();
    sweep(&options, &mut Fake::default());
    let other = Options { seed: 7, ..options };
    let summary = sweep(&other, &mut Fake::default());
    assert_eq!(summary.skipped, 0);
    assert!(recorded(&folder).iter().all(|record| record.trial.seed == 7));
    let names = folder.names();
    assert_eq!(names.len(), 6, "{names:?}");
    let aside = names.iter().find(|name| name.starts_with("become-2")).unwrap();
    let kept = record::read(&folder.0.join(aside)).unwrap();
    assert!(kept.iter().all(|record| record.trial.seed == 42));
}

#[test]
fn a_broken_csv_stops_the_sweep_before_it_measures() {
    let folder = Folder::new("broken");
    let options = folder.options();
    sweep(&options, &mut Fake::default());
    let path = folder.files().become_csv;
    let text = fs::read_to_string(&path).unwrap().replacen("lazy,1", "lazy,one", 1);
    fs::write(&path, &text).unwrap();
    let mut fake = Fake::default();
    let error = sweep::run(&options, &mut fake, None, &mut Progress::silent()).unwrap_err().to_string();
    assert!(error.contains("become.csv:2: column workers: \"one\" does not fit"), "{error}");
    assert!(fake.asked.is_empty());
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn what_memory_cannot_hold_is_refused_before_anything_is_written() {
    let folder = Folder::new("refused");
    let mut fake = Fake { bytes: 1 << 30, ..Fake::default() };
    let available = Available { bytes: 20 << 30, bound_by: "the machine has available" };
    let refused = sweep::run(&folder.options(), &mut fake, Some(&available), &mut Progress::silent());
    let Err(Error::Refused(refusal)) = refused else { panic!("{refused:?}") };
    let text = refusal.to_string();
    assert!(text.contains("needs 100 GiB") && text.contains("20 GiB"), "{text}");
    assert!(text.contains("--max-instances 10 fits: it needs 10 GiB"), "{text}");
    assert!(fake.asked.is_empty());
    assert!(!folder.0.exists());
}
