//! A space with variables that outlive the statements that made them.

use std::io::Read;
use std::path::Path;

use super::parts::Part;
use crate::bootstrap::{Diagnostic, Problem, Statements};
use crate::objects::Known;
use crate::objects::layout::{association, hashed};
use crate::source::Package;
use crate::vm::space::Root;
use crate::vm::{Space, SpaceError};

/// A conversation with a space.
///
/// [session-root] The dictionary of its variables is the first temporary root, which nothing releases.
#[derive(Debug)]
pub struct Session {
    space: Space,
    bindings: Root,
}

impl Session {
    /// Begins a session, without variables.
    ///
    /// # Errors
    /// [`SpaceError::Heap`]
    pub fn new(mut space: Space) -> Result<Session, SpaceError> {
        let dictionary = space.new_dictionary(Known::SystemDictionary)?;
        let bindings = space.root(dictionary);
        Ok(Session { space, bindings })
    }

    /// The space.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The space, to be changed.
    pub fn space_mut(&mut self) -> &mut Space {
        &mut self.space
    }

    /// Ends the session. Its variables stay with the code that refers to them.
    pub fn into_space(mut self) -> Space {
        self.space.release(self.bindings);
        self.space
    }

    /// From now on a process that reads the standard input gets it from here, and waits alone: other processes go on, updates included. Without
    /// this, reading blocks the space, which is right where the host reads the same input itself.
    pub fn lend_input(&mut self, input: impl Read + Send + 'static) {
        super::input::lend(&mut self.space, input);
    }

    /// Evaluates statements and prints the value of the last one as the guest does. Answers what is suspicious as well.
    ///
    /// # Errors
    /// [`Problem`]. The session goes on, but for [`Problem::Quit`].
    pub fn evaluate(&mut self, source: &str) -> Result<(String, Vec<Diagnostic>), Problem> {
        let nil = self.space.nil();
        let (value, warnings) =
            self.space.evaluate_statements(&Statements::new(source), nil, Some(self.bindings))?;
        Ok((self.space.print(value)?, warnings))
    }

    /// The text of the String that is the value of statements; nothing if it is no String.
    ///
    /// # Errors
    /// [`Problem`]
    pub fn evaluate_text(&mut self, source: &str) -> Result<(Option<String>, Vec<Diagnostic>), Problem> {
        let nil = self.space.nil();
        let (value, warnings) =
            self.space.evaluate_statements(&Statements::new(source), nil, Some(self.bindings))?;
        Ok((self.space.value(value).text(), warnings))
    }

    /// Loads packages, or evaluates a script; scripts see no variables but their own.
    ///
    /// # Errors
    /// [`Problem`]
    pub fn run(&mut self, part: &Part) -> Result<Vec<Diagnostic>, Problem> {
        match part {
            Part::Packages(packages) => self.load(packages),
            Part::Script(file) => {
                let dictionary = self.space.new_dictionary(Known::SystemDictionary)?;
                let bindings = self.space.root(dictionary);
                let nil = self.space.nil();
                let result = self.space.evaluate_statements(&Statements::of_file(file), nil, Some(bindings));
                self.space.release(bindings);
                result.map(|(_, warnings)| warnings)
            }
        }
    }

    /// Loads packages together.
    ///
    /// # Errors
    /// [`Problem`]
    pub fn load(&mut self, packages: &[Package]) -> Result<Vec<Diagnostic>, Problem> {
        self.space.load(packages).map(|loaded| loaded.warnings)
    }

    /// Reads and runs what stands at a path.
    ///
    /// # Errors
    /// [`Problem`]
    pub fn run_path(&mut self, path: &Path) -> Result<Vec<Diagnostic>, Problem> {
        let parts = super::read_parts(&[path]).map_err(|errors| Problem::Source(errors.to_string()))?;
        let mut warnings = Vec::new();
        for part in &parts {
            warnings.extend(self.run(part)?);
        }
        Ok(warnings)
    }

    /// Lets the guest write out what it still holds back.
    pub fn flush(&mut self) {
        for (name, statements) in [("Transcript", "Transcript flush"), ("Stdio", "Stdio stdout flush")] {
            if self.space.class_named(name).is_some() {
                // An output that is gone is no reason to fail at the end.
                let _ = self.space.evaluate(statements);
            }
        }
    }

    /// The names of the variables, in alphabetical order.
    pub fn variables(&self) -> Vec<String> {
        let Some(array) = self.space.rooted(self.bindings).slot(hashed::ARRAY) else { return Vec::new() };
        let name = |at| array.slot(at)?.slot(association::KEY)?.text();
        let mut names: Vec<String> = (0..array.slots()).filter_map(name).collect();
        names.sort();
        names
    }
}
