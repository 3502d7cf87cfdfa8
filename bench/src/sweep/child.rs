//! Each observation in a process of its own: its peak memory is its own, no earlier heap has warmed or worn its
//! allocator, and a crash or the out-of-memory killer takes one row and not the sweep.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::measure::{Measure, Observation, Trial, measure_with_peak};
use crate::point::Point;

/// Measures by running `program arguments TRIAL`, which must call [`answer`].
pub struct ChildMeasure {
    program: PathBuf,
    arguments: Vec<OsString>,
    estimate: Box<dyn Measure>,
}

impl ChildMeasure {
    /// Measures by `program arguments TRIAL`; `estimate` only says how much memory a point needs.
    #[must_use]
    pub fn new(program: PathBuf, arguments: Vec<OsString>, estimate: Box<dyn Measure>) -> Self {
        Self { program, arguments, estimate }
    }
}

impl Measure for ChildMeasure {
    fn measure(&mut self, trial: &Trial) -> Result<Observation, String> {
        let trial = serde_json::to_string(trial).map_err(|error| error.to_string())?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(trial).stdin(Stdio::null()).env("RUST_BACKTRACE", "0");
        let output =
            command.output().map_err(|error| format!("cannot start {}: {error}", self.program.display()))?;
        if !output.status.success() {
            return Err(death(&output));
        }
        serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("the process of this observation answered nonsense: {error}"))?
    }

    fn estimate_bytes(&self, point: &Point) -> u64 {
        self.estimate.estimate_bytes(point)
    }
}

/// How a child ended, with what it last said.
fn death(output: &Output) -> String {
    let how = match (output.status.signal(), output.status.code()) {
        (Some(9), _) => "was killed (signal 9), most likely because memory ran out".to_owned(),
        (Some(signal), _) => format!("crashed (signal {signal})"),
        (None, code) => format!("ended with status {}", code.unwrap_or(-1)),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.starts_with("note: ")).collect();
    let said = said.join(" ");
    let text = format!("the process of this observation {how}");
    if said.trim().is_empty() { text } else { format!("{text}: {}", said.trim()) }
}

/// The child's side: measures `trial` (JSON) and writes the outcome to `out`.
///
/// # Errors
/// If the trial cannot be read or the outcome not written; a failed observation is an outcome.
pub fn answer(measure: &mut dyn Measure, trial: &str, out: &mut dyn Write) -> io::Result<()> {
    let trial: Trial = serde_json::from_str(trial)?;
    let outcome = measure_with_peak(measure, &trial);
    serde_json::to_writer(&mut *out, &outcome)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::{Age, Holder, Kind, Strategy};

    struct Fixed(Result<Observation, String>);

    impl Measure for Fixed {
        fn measure(&mut self, _: &Trial) -> Result<Observation, String> {
            self.0.clone()
        }

        fn estimate_bytes(&self, _: &Point) -> u64 {
            7
        }
    }

    fn trial() -> Trial {
        let point = Point {
            strategy: Strategy::Lazy,
            workers: 1,
            kind: Kind::TwoWay,
            pairs: 3,
            bystanders: 0,
            age: Age::Old,
            references_per_object: 1,
            holder: Holder::Closure,
        };
        Trial { point, run: 1, seed: u64::MAX }
    }

    fn by_shell(script: &str) -> Result<Observation, String> {
        let estimate = Box::new(Fixed(Err(String::new())));
        let mut child = ChildMeasure::new("/bin/sh".into(), vec!["-c".into(), script.into()], estimate);
        assert_eq!(child.estimate_bytes(&trial().point), 7);
        child.measure(&trial())
    }

    #[test]
    fn outcomes_cross_the_process_boundary() {
        let found = Observation { pause_ns: 5, peak_rss_bytes: Some(1), ..Observation::default() };
        for outcome in [Ok(found), Err("no 'quotes'".to_owned())] {
            let json = serde_json::to_string(&trial()).unwrap();
            let mut out = Vec::new();
            answer(&mut Fixed(outcome.clone()), &json, &mut out).unwrap();
            let out = String::from_utf8(out).unwrap().replace('\'', "'\\''");
            assert_eq!(by_shell(&format!("printf %s '{out}'")), outcome);
        }
    }

    #[test]
    fn a_dead_child_is_a_failed_observation() {
        let killed = by_shell("kill -9 $$").unwrap_err();
        assert!(killed.ends_with("was killed (signal 9), most likely because memory ran out"), "{killed}");
        let failed = by_shell("echo a panic >&2; echo note: backtrace >&2; exit 101").unwrap_err();
        assert!(failed.ends_with("ended with status 101: a panic"), "{failed}");
        assert!(by_shell("echo hello").unwrap_err().contains("answered nonsense"));
    }
}
