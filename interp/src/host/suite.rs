//! Running SUnit tests one by one.
//!
//! Each test runs in an evaluation of its own, so that one which deadlocks, or ends its process, or the program, is a result like any
//! other. What a test is and how it ended is for the guest to say: `TestCase`, `TestResult` and `TestOutcome`.

use std::time::{Duration, Instant};

use super::Session;
use crate::bootstrap::Problem;
use crate::objects::Value;
use crate::objects::layout::behavior;
use crate::objects::value::MOST_SUPERCLASSES;
use crate::source::Package;
use crate::vm::Space;

/// One test.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Test {
    /// The name of its class.
    pub class: String,
    /// Its selector.
    pub selector: String,
}

impl std::fmt::Display for Test {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}>>{}", self.class, self.selector)
    }
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// As it should.
    Passed,
    /// An assertion did not hold.
    Failed,
    /// Something else went wrong.
    Error,
    /// It asked not to be run.
    Skipped,
}

/// What became of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which one.
    pub test: Test,
    /// How it ended.
    pub kind: Kind,
    /// What is wrong, or why it was skipped.
    pub message: String,
    /// The class of the exception that ended it, if one did.
    pub exception: String,
    /// Where that was signalled, one activation a line.
    pub trace: String,
    /// How long it took.
    pub time: Duration,
}

impl Outcome {
    /// Whether the run fails for it.
    pub fn is_defect(&self) -> bool {
        matches!(self.kind, Kind::Failed | Kind::Error)
    }
}

/// Tests to be run.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    /// In order of class and selector.
    pub tests: Vec<Test>,
}

/// Answers what there is to know of the last outcome, as Strings.
const RUN: &str = "
    | result outcome |
    result := TestResult new.
    (CLASS selector: #SELECTOR) run: result.
    outcome := result outcomes last.
    ^ {
        outcome kind asString.
        outcome message asString.
        outcome exception ifNil: [ '' ] ifNotNil: [ :exception | exception class name asString ].
        outcome trace asString }";

impl Suite {
    /// The tests of all concrete subclasses of `TestCase` in packages that are loaded, as their classes name them. With a filter only
    /// those whose `Class>>selector` contains it.
    ///
    /// # Errors
    /// [`Problem`], from a class that cannot say which tests it has.
    pub fn of_packages(
        session: &mut Session,
        packages: &[Package],
        filter: Option<&str>,
    ) -> Result<Suite, Problem> {
        let space = session.space_mut();
        let mut tests = Vec::new();
        for def in packages.iter().flat_map(|package| &package.classes) {
            if !is_test_class(space, &def.name) {
                continue;
            }
            for selector in test_selectors(space, &def.name)? {
                tests.push(Test { class: def.name.clone(), selector });
            }
        }
        tests.retain(|test| filter.is_none_or(|filter| test.to_string().contains(filter)));
        tests.sort();
        Ok(Suite { tests })
    }

    /// Runs one of the tests.
    ///
    /// # Errors
    /// [`Problem::Quit`] if the test ended the program, [`Problem::Interrupted`] if the run was stopped.
    pub fn run(session: &mut Session, test: &Test) -> Result<Outcome, Problem> {
        let start = Instant::now();
        let source = RUN.replace("CLASS", &test.class).replace("SELECTOR", &test.selector);
        let result = session.space_mut().evaluate(&source);
        let time = start.elapsed();
        let outcome = |kind, message: String, exception: String, trace: String| Outcome {
            test: test.clone(),
            kind,
            message,
            exception,
            trace,
            time,
        };
        let value = match result {
            Ok(value) => value,
            Err(problem @ (Problem::Quit(_) | Problem::Interrupted(_))) => return Err(problem),
            Err(problem) => {
                let text = problem.to_string();
                let (message, trace) = text.split_once('\n').unwrap_or((&text, ""));
                let message =
                    if message.is_empty() { "the process that ran the test ended" } else { message };
                return Ok(outcome(Kind::Error, message.to_owned(), String::new(), trace.to_owned()));
            }
        };
        let answer = session.space().value(value);
        let text = |at| answer.slot(at).and_then(Value::text).unwrap_or_default();
        let kind = match text(0).as_str() {
            "passed" => Kind::Passed,
            "failed" => Kind::Failed,
            "skipped" => Kind::Skipped,
            _ => Kind::Error,
        };
        Ok(outcome(kind, text(1), text(2), own_part(&text(3))))
    }

    /// Lets the resources of a class's tests go, after the last of them.
    pub fn finish_class(session: &mut Session, class: &str) {
        let source = format!("{class} resources do: [ :each | each reset ]");
        // A resource that cannot be let go has said so; tests are over.
        let _ = session.space_mut().evaluate(&source);
    }
}

/// The lines of a trace down to the test's method; below it stand the activations that run tests. The guest ends lines as it likes.
fn own_part(trace: &str) -> String {
    let trace = trace.replace("\r\n", "\n").replace('\r', "\n");
    let own = trace.lines().take_while(|line| !line.contains("(TestCase)>>performTest"));
    own.flat_map(|line| [line.trim_start(), "\n"]).collect()
}

/// Whether the class inherits from `TestCase`.
fn is_test_class(space: &Space, name: &str) -> bool {
    let Some(root) = space.class_named("TestCase").map(Value::oop) else { return false };
    let mut at = space.class_named(name);
    for _ in 0..MOST_SUPERCLASSES {
        match at {
            Some(class) if class.oop() == root => return true,
            Some(class) => at = class.slot(behavior::SUPERCLASS),
            None => return false,
        }
    }
    false
}

fn test_selectors(space: &mut Space, class: &str) -> Result<Vec<String>, Problem> {
    let source = format!(
        "^ {class} isAbstract
            ifTrue: [ #() ]
            ifFalse: [ ({class} allTestSelectors collect: [ :each | each asString ]) asArray ]"
    );
    let selectors = space.evaluate(&source)?;
    let selectors = space.value(selectors);
    Ok((0..selectors.slots()).filter_map(|at| selectors.slot(at)?.text()).collect())
}
