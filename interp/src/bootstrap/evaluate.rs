//! Evaluating statements in a process of their own.
//!
//! Variables that statements assign to and nothing declares, and temporaries that they declare outside of blocks, can be kept in a
//! dictionary of *bindings*, so that the next statements see them: scripts and sessions are made of that.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use instar_heap::{HeapError, Oop};

use super::ClassScope;
use super::assigned::assigned_names;
use super::diagnostic::Diagnostic;
use crate::compiler::{CompiledMethodInfo, Environment, Resolved, compile_parsed_doit};
use crate::objects::layout::{association, hashed, process};
use crate::objects::{Known, Special};
use crate::source::SourceFile;
use crate::syntax::{DoIt, Span, SyntaxError, parse_doit, render};
use crate::vm::bindings::association_at;
use crate::vm::install::MethodFacts;
use crate::vm::run::Exit;
use crate::vm::space::Root;
use crate::vm::{Origin, Space};

/// The priority of processes that the host starts: that of user processes.
const PRIORITY: i64 = 40;

/// Ends a process. One that is in the middle of an unwind block finishes that, for which it gets five seconds.
const TERMINATE: &str = "
    self terminate.
    1 to: 100 do: [ :milliseconds |
        self isTerminated ifTrue: [ ^ self ].
        (Delay forMilliseconds: milliseconds) wait ]";

/// What went wrong with a piece of source.
#[derive(Debug)]
pub enum Problem {
    /// It does not compile, or a package does not load: the rendered errors.
    Source(String),
    /// There was no memory for it.
    Memory(HeapError),
    /// It ran into an error that nothing handled. What the guest has said itself is not here.
    Failed(String),
    /// No process could go on: where the one was that had been started.
    Deadlock(String),
    /// It was stopped from outside: where it was.
    Interrupted(String),
    /// It asked for the end of the program.
    Quit(i32),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Source(text) | Problem::Failed(text) => f.write_str(text),
            Problem::Memory(error) => error.fmt(f),
            Problem::Deadlock(trace) => write!(f, "no process can go on: all wait for each other\n{trace}"),
            Problem::Interrupted(trace) => write!(f, "interrupted\n{trace}"),
            Problem::Quit(status) => write!(f, "the program ended itself with status {status}"),
        }
    }
}

impl From<HeapError> for Problem {
    fn from(error: HeapError) -> Problem {
        Problem::Memory(error)
    }
}

/// Statements to be evaluated.
#[derive(Clone, Debug)]
pub struct Statements<'a> {
    /// Their text.
    pub source: &'a str,
    /// Where they stand, if in a file.
    pub origin: Option<Origin>,
}

impl<'a> Statements<'a> {
    /// Statements that stand in no file.
    pub fn new(source: &'a str) -> Statements<'a> {
        Statements { source, origin: None }
    }

    /// A whole file.
    pub fn of_file(file: &'a Arc<SourceFile>) -> Statements<'a> {
        let span = Span::new(0, file.text.len() as u32);
        Statements { source: &file.text, origin: Some(Origin::of_part(file, span)) }
    }

    fn render(&self, errors: Vec<SyntaxError>) -> Problem {
        Problem::Source(match &self.origin {
            None => render("do-it", self.source, &errors),
            Some(origin) => {
                let errors: Vec<_> = errors.into_iter().map(|error| origin.relocated(error)).collect();
                render(&origin.file().path, &origin.file().text, &errors)
            }
        })
    }
}

/// Why statements were not compiled.
pub(crate) enum Rejected {
    /// The errors in them.
    Source(Vec<SyntaxError>),
    /// There was no memory for their variables.
    Memory(HeapError),
}

/// A class's names, with bindings before its globals.
pub(super) struct BoundScope<'s> {
    pub inner: ClassScope<'s>,
    pub space: &'s Space,
    pub bindings: Option<Root>,
    pub variables: &'s HashMap<String, u16>,
}

impl Environment for BoundScope<'_> {
    fn resolve(&self, name: &str) -> Option<Resolved> {
        let is_bound = || {
            let symbol = self.space.existing_symbol(name)?;
            association_at(self.space.rooted(self.bindings?), symbol)
        };
        if !self.variables.contains_key(name) && is_bound().is_some() {
            return Some(Resolved::Global { is_assignable: true });
        }
        self.inner.resolve(name)
    }

    fn visit_names(&self, visit: &mut dyn FnMut(&str)) {
        self.inner.visit_names(visit);
        if let Some(array) = self.bindings.and_then(|root| self.space.rooted(root).slot(hashed::ARRAY)) {
            let name = |at| array.slot(at)?.slot(association::KEY)?.text();
            (0..array.slots()).filter_map(name).for_each(|name| visit(&name));
        }
    }
}

impl Space {
    /// Evaluates statements; the value of the last one. It is no root.
    ///
    /// # Errors
    /// [`Problem`].
    pub fn evaluate(&mut self, source: &str) -> Result<Oop, Problem> {
        let nil = self.nil();
        self.evaluate_for(source, nil)
    }

    /// As [`evaluate`](Self::evaluate), with `receiver` as self.
    ///
    /// # Errors
    /// [`Problem`].
    pub(crate) fn evaluate_for(&mut self, source: &str, receiver: Oop) -> Result<Oop, Problem> {
        self.evaluate_statements(&Statements::new(source), receiver, None).map(|(value, _)| value)
    }

    /// Evaluates statements and prints the result as the guest does.
    ///
    /// # Errors
    /// [`Problem`].
    pub fn evaluate_to_string(&mut self, source: &str) -> Result<String, Problem> {
        let value = self.evaluate(source)?;
        self.print(value)
    }

    /// What the guest prints a value as.
    ///
    /// # Errors
    /// [`Problem`]: printing is code of the guest.
    pub(crate) fn print(&mut self, value: Oop) -> Result<String, Problem> {
        let text = self.evaluate_for("^ self printString", value)?;
        Ok(self.value(text).text().unwrap_or_default())
    }

    /// Evaluates statements with `receiver` as self; new variables go to `bindings`. Answers what is suspicious beside the value.
    ///
    /// # Errors
    /// [`Problem`].
    pub(crate) fn evaluate_statements(
        &mut self,
        statements: &Statements<'_>,
        receiver: Oop,
        bindings: Option<Root>,
    ) -> Result<(Oop, Vec<Diagnostic>), Problem> {
        let receiver = self.root(receiver);
        let result = self.evaluate_rooted(statements, receiver, bindings);
        self.release(receiver);
        result
    }

    fn evaluate_rooted(
        &mut self,
        statements: &Statements<'_>,
        receiver: Root,
        bindings: Option<Root>,
    ) -> Result<(Oop, Vec<Diagnostic>), Problem> {
        let (process, warnings) = self.prepare_rooted(statements, receiver, bindings)?;
        let value = self.run_process(process)?;
        Ok((value, self.suspicious(statements, warnings)))
    }

    /// A Process that will evaluate statements once it is resumed. It is no root.
    ///
    /// # Errors
    /// [`Problem`]: they do not compile, or there is no memory.
    pub(crate) fn prepare(&mut self, source: &str) -> Result<Oop, Problem> {
        let nil = self.nil();
        let receiver = self.root(nil);
        let prepared = self.prepare_rooted(&Statements::new(source), receiver, None);
        let process = prepared.map(|(process, _)| self.rooted(process).oop());
        self.release(receiver);
        process
    }

    /// A Process with the statements on its stack, and what is suspicious about them. Leaves roots behind.
    fn prepare_rooted(
        &mut self,
        statements: &Statements<'_>,
        receiver: Root,
        bindings: Option<Root>,
    ) -> Result<(Root, Vec<SyntaxError>), Problem> {
        let mut info = self.compile_statements(statements, receiver, bindings)?;
        let warnings = std::mem::take(&mut info.warnings);
        let class = self.rooted(receiver).class().oop();
        let class = self.root(class);
        let selector = self.special(Special::DoIt);
        let selector = self.root(selector);
        let facts = MethodFacts {
            source: statements.source,
            protocol: "do-its",
            package: None,
            origin: statements.origin.clone(),
        };
        let outer = std::mem::replace(&mut self.workspace, bindings);
        let method = self.new_method(&info, selector, class, &facts);
        self.workspace = outer;
        let method = self.root(method?);
        let process = self.allocate_known(Known::Process, 0)?.oop();
        let process = self.root(process);
        self.store_rooted(process, process::PRIORITY, Oop::small_integer(PRIORITY).unwrap_or(Oop::NULL));
        self.start_method(process, method, receiver);
        Ok((process, warnings))
    }

    fn compile_statements(
        &mut self,
        statements: &Statements<'_>,
        receiver: Root,
        bindings: Option<Root>,
    ) -> Result<CompiledMethodInfo, Problem> {
        let class = self.rooted(receiver).class().oop();
        let class = self.root(class);
        let result = self.compile_bound(statements.source, class, bindings, true);
        self.release(class);
        result.map_err(|rejected| match rejected {
            Rejected::Source(errors) => statements.render(errors),
            Rejected::Memory(error) => Problem::Memory(error),
        })
    }

    /// Compiles statements for instances of a class, with further variables in a dictionary. What they assign to and nothing declares is
    /// added to it; so are their temporaries, if they are to outlive the statements.
    pub(crate) fn compile_bound(
        &mut self,
        source: &str,
        class: Root,
        bindings: Option<Root>,
        keeps_temporaries: bool,
    ) -> Result<CompiledMethodInfo, Rejected> {
        let mut doit = parse_doit(source).map_err(Rejected::Source)?;
        if let Some(bindings) = bindings {
            self.bind_unknown(bindings, &doit, class).map_err(Rejected::Memory)?;
            if keeps_temporaries {
                self.bind_temporaries(bindings, &mut doit).map_err(Rejected::Memory)?;
            }
        }
        let class = self.rooted(class);
        let variables = self.instance_variables(class);
        let inner = ClassScope::new(self, class, &variables);
        let scope = BoundScope { inner, space: self, bindings, variables: &variables };
        compile_parsed_doit(&doit, &scope).map_err(Rejected::Source)
    }

    /// Gives bindings to what a do-it assigns to and nothing declares.
    fn bind_unknown(&mut self, bindings: Root, doit: &DoIt<'_>, class: Root) -> Result<(), HeapError> {
        let unknown: Vec<String> = {
            let class = self.rooted(class);
            let variables = self.instance_variables(class);
            let scope = ClassScope::new(self, class, &variables);
            let assigned = assigned_names(doit).into_iter();
            assigned.filter(|name| scope.resolve(name).is_none()).map(str::to_owned).collect()
        };
        for name in unknown {
            self.bind_name(bindings, &name, false)?;
        }
        Ok(())
    }

    /// Gives bindings to the temporaries of a do-it, which has none of its own then.
    fn bind_temporaries(&mut self, bindings: Root, doit: &mut DoIt<'_>) -> Result<(), HeapError> {
        // A name that is declared twice is for the compiler to reject.
        let mut names: Vec<&str> = doit.body.temporaries.iter().map(|name| name.text).collect();
        names.sort_unstable();
        if names.windows(2).all(|pair| pair[0] != pair[1]) {
            let temporaries = std::mem::take(&mut doit.body.temporaries);
            for name in temporaries {
                self.bind_name(bindings, name.text, true)?;
            }
        }
        Ok(())
    }

    /// A variable; `anew` makes it nil if it is there already.
    fn bind_name(&mut self, bindings: Root, name: &str, anew: bool) -> Result<(), HeapError> {
        let symbol = self.symbol(name)?;
        if let Some(known) = association_at(self.rooted(bindings), symbol) {
            if anew {
                let known = known.oop();
                let known = self.root(known);
                let nil = self.nil();
                self.store_rooted(known, association::VALUE, nil);
                self.release(known);
            }
            return Ok(());
        }
        let key = self.root(symbol);
        let nil = self.nil();
        let value = self.root(nil);
        let association = self.new_association(key, value)?;
        let association = self.root(association);
        let result = self.insert_association(bindings, association);
        self.release(key);
        result
    }

    /// Runs a rooted process that has its stack, to its end.
    fn run_process(&mut self, process: Root) -> Result<Oop, Problem> {
        self.interrupt.forget_stop();
        let started = self.rooted(process).oop();
        match self.run_until_end(started) {
            Exit::Finished(value) if !self.has_failed(process) => Ok(value),
            Exit::Finished(_) | Exit::Terminated => {
                Err(Problem::Failed(self.last_failure.take().unwrap_or_default()))
            }
            Exit::Deadlock => {
                let stack = self.stack_of(self.rooted(process));
                let trace = stack.map_or_else(String::new, |stack| self.trace(stack));
                self.stop_process(process);
                Err(Problem::Deadlock(trace))
            }
            Exit::Interrupted | Exit::Suspended | Exit::Gathered => {
                Err(Problem::Interrupted(self.stop_processes(process)))
            }
            Exit::Quit(status) => Err(Problem::Quit(status)),
        }
    }

    /// Whether an exception that nobody handled ended the process: `Process>>failure`.
    fn has_failed(&self, process: Root) -> bool {
        let slot = self.instance_variables(self.known_class(Known::Process)).get("failure").copied();
        let failure = slot.and_then(|slot| self.rooted(process).slot(usize::from(slot)));
        failure.is_some_and(|failure| !failure.is_nil())
    }

    /// After an interrupt: ends the process that ran, and the one that was waited for. The result is where the first was.
    fn stop_processes(&mut self, awaited: Root) -> String {
        let trace = self.trace(self.roots.active);
        let active = self.active_process().oop();
        let active = self.root(active);
        for process in [active, awaited] {
            self.stop_process(process);
        }
        self.release(active);
        trace
    }

    /// Lets a process end with its unwind blocks; if that fails or is interrupted as well, without.
    fn stop_process(&mut self, process: Root) {
        if self.stack_of(self.rooted(process)).is_none() {
            return;
        }
        // If the process that is to end another one has to be ended as well, that is the end of asking.
        let understands = !self.is_stopping
            && self
                .existing_symbol("terminate")
                .is_some_and(|symbol| self.lookup(self.rooted(process).class().oop(), symbol).is_some());
        self.awaited = None;
        if understands {
            let receiver = self.rooted(process).oop();
            // What goes wrong was said by the guest; the process is ended below.
            self.is_stopping = true;
            let _ = self.evaluate_for(TERMINATE, receiver);
            self.is_stopping = false;
        }
        let process = self.rooted(process).oop();
        self.drop_process(process);
    }

    /// Names that nothing declares, but for those that the statements themselves define by a Symbol.
    fn suspicious(&self, statements: &Statements<'_>, warnings: Vec<SyntaxError>) -> Vec<Diagnostic> {
        let (file, origin) = match &statements.origin {
            Some(origin) => (origin.file().clone(), Some(origin)),
            None => (SourceFile::new("do-it", statements.source.to_owned()), None),
        };
        let is_defined = |warning: &SyntaxError| {
            statements.source.contains(&format!("#{}", warning.span.of(statements.source)))
        };
        let kept = warnings.into_iter().filter(|warning| !is_defined(warning));
        let placed = kept.map(|warning| origin.map_or(warning.clone(), |origin| origin.relocated(warning)));
        placed.map(|warning| Diagnostic::warning(&file, warning)).collect()
    }
}
