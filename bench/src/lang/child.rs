//! One benchmark in a process of its own.
//!
//! Every system prints the same line for it: name, checksum and elapsed nanoseconds, separated by tabs, possibly followed by more
//! figures. Start-up is not in the time.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// No benchmark takes so long, even where instructions are counted by simulation.
const TIME_LIMIT: Duration = Duration::from_secs(600);
/// How often a child is looked at: seldom, so that this does not disturb it.
const LOOK: Duration = Duration::from_millis(10);

/// What a program printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The name of the benchmark.
    pub name: String,
    /// The figures after it, checksum first.
    pub figures: Vec<i64>,
}

impl Line {
    /// Reads the last line of an output.
    ///
    /// # Errors
    /// Says what stands there instead.
    pub fn parse(output: &str) -> Result<Self, String> {
        let line = output.lines().next_back().unwrap_or_default();
        let nonsense = || {
            format!("printed \"{}\" where name, checksum and nanoseconds should stand", line.escape_debug())
        };
        let mut fields = line.split('\t');
        let name = fields.next().unwrap_or_default().to_owned();
        let figures: Result<Vec<i64>, _> =
            fields.map(|field| field.trim().parse::<f64>().map(|it| it as i64)).collect();
        match figures {
            Ok(figures) if figures.len() >= 2 => Ok(Self { name, figures }),
            _ => Err(nonsense()),
        }
    }
}

/// What a child wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// To the standard output.
    pub out: String,
    /// To the error output.
    pub err: String,
}

/// Runs a command to its end.
///
/// # Errors
/// If it cannot be started, does not end in time, or ends with another status than 0; with what it said.
pub fn run(command: &mut Command) -> Result<Said, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env("RUST_BACKTRACE", "0");
    let mut child = command.spawn().map_err(|error| format!("cannot start {program}: {error}"))?;
    let (out, err) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let started = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() > TIME_LIMIT => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("did not end within {} s", TIME_LIMIT.as_secs()));
            }
            Ok(None) => thread::sleep(LOOK),
            Err(error) => return Err(format!("cannot wait for {program}: {error}")),
        }
    };
    let said = Said { out: out.join().unwrap_or_default(), err: err.join().unwrap_or_default() };
    if status.success() { Ok(said) } else { Err(death(status, &said.err)) }
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // Half of what a killed child said is better than nothing.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// How a child ended, with what it last said.
fn death(status: ExitStatus, said: &str) -> String {
    let how = match (status.signal(), status.code()) {
        (Some(9), _) => "was killed (signal 9), most likely because memory ran out".to_owned(),
        (Some(signal), _) => format!("crashed (signal {signal})"),
        (None, code) => format!("ended with status {}", code.unwrap_or(-1)),
    };
    let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).take(4).collect();
    if said.is_empty() { how } else { format!("{how}: {}", said.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<Said, String> {
        run(Command::new("/bin/sh").arg("-c").arg(script))
    }

    #[test]
    fn the_last_line_counts() {
        let line = Line::parse("noise\nFib\t55\t1200\n").unwrap();
        assert_eq!(line, Line { name: "Fib".to_owned(), figures: vec![55, 1200] });
        for bad in ["", "Fib", "Fib\t55", "Fib\tx\t1"] {
            assert!(Line::parse(bad).unwrap_err().contains("should stand"), "{bad}");
        }
    }

    #[test]
    fn ends_are_told_apart() {
        assert_eq!(
            shell("echo a; echo b >&2").unwrap(),
            Said { out: "a\n".to_owned(), err: "b\n".to_owned() }
        );
        assert_eq!(shell("echo no method >&2; exit 1").unwrap_err(), "ended with status 1: no method");
        assert!(shell("kill -9 $$").unwrap_err().starts_with("was killed"));
        assert!(run(&mut Command::new("/no/such")).unwrap_err().starts_with("cannot start /no/such"));
    }
}
