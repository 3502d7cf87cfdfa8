//! A program that runs beside a test, and what it prints.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take that should come at once.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_instar"));
    command.args(arguments).env("USER", "tester");
    command
}

pub fn instar(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the program starts")
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn status(output: &Output) -> i32 {
    output.status.code().expect("no signal ended it")
}

/// A folder with files, gone at the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str, files: &[(&str, &str)]) -> Folder {
        let path = std::env::temp_dir().join(format!("instar-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        let folder = Folder(path);
        files.iter().for_each(|(file, text)| folder.write(file, text));
        folder
    }

    pub fn write(&self, file: &str, text: &str) {
        let file = self.0.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).unwrap()
    }

    pub fn path(&self, file: &str) -> String {
        self.0.join(file).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A program that runs. It is killed when the test ends.
pub struct Program {
    child: Child,
    lines: Receiver<String>,
    errors: Receiver<String>,
}

fn lines(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

impl Program {
    pub fn start(arguments: &[&str]) -> Program {
        Program::start_with(arguments, Stdio::null())
    }

    /// One whose standard input the test writes.
    pub fn with_input(arguments: &[&str]) -> Program {
        Program::start_with(arguments, Stdio::piped())
    }

    fn start_with(arguments: &[&str], input: Stdio) -> Program {
        let mut command = command(arguments);
        command.stdin(input);
        Program::of(command)
    }

    /// What a command starts.
    pub fn of(mut command: Command) -> Program {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let (out, errors) = (lines(child.stdout.take().unwrap()), lines(child.stderr.take().unwrap()));
        Program { child, lines: out, errors }
    }

    /// Its number in the system.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its standard input, which is open until this is dropped.
    pub fn input(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("it was started with an input")
    }

    /// The next line.
    pub fn line(&mut self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap_or_else(|error| {
            let said: Vec<String> = self.errors.try_iter().collect();
            panic!("no line came: {error}\n{}", said.join("\n"))
        })
    }

    /// Reads lines up to one with this text; all of them.
    pub fn until(&mut self, text: &str) -> Vec<String> {
        until(&self.lines, text)
    }

    /// As `until`, of what is written to the error output.
    pub fn complains(&mut self, text: &str) -> Vec<String> {
        until(&self.errors, text)
    }

    /// All lines that have come and were not read.
    pub fn so_far(&mut self) -> Vec<String> {
        self.lines.try_iter().collect()
    }

    /// Ends it as the system does without asking.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its exit status, once it has ended by itself.
    pub fn status(&mut self) -> i32 {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().expect("no signal ended it");
            }
            assert!(begun.elapsed() < PATIENCE, "the program does not end");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

fn until(lines: &Receiver<String>, text: &str) -> Vec<String> {
    let begun = Instant::now();
    let mut read = Vec::new();
    loop {
        match lines.recv_timeout(Duration::from_millis(100)) {
            Ok(line) => {
                read.push(line);
                if read.last().is_some_and(|line| line.contains(text)) {
                    return read;
                }
            }
            Err(RecvTimeoutError::Disconnected) => panic!("it ended before {text:?}: {read:#?}"),
            Err(RecvTimeoutError::Timeout) => {}
        }
        assert!(begun.elapsed() < PATIENCE, "no {text:?} in time, but {read:#?}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something is at a path.
pub fn wait_for(path: impl AsRef<Path>) {
    wait_until(|| path.as_ref().exists(), &path.as_ref().display().to_string());
}

/// Waits until something holds.
pub fn wait_until(mut holds: impl FnMut() -> bool, what: &str) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "in vain for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
