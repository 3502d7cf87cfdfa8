//! The conversation: read, evaluate, print.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use instar_interp::bootstrap::Problem;
use instar_interp::host::Session;
use instar_interp::syntax::{Completeness, completeness};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Config, Context, Editor, Helper};

use super::{SpaceArguments, complain, finish, history, say, warn};
use crate::control::user;
use crate::{Failure, failed};

/// What a shell shows for a program that an interrupt ended.
const INTERRUPTED: i32 = 130;

const PROMPT: &str = "> ";

const HELP: &str = "\
Type statements: they are evaluated once they are complete, and the value of the last one is printed.
Variables that are assigned to last until the end.

  :help                    this
  :quit                    the end; as end of input (Ctrl-D) and `Smalltalk exit: status` are
  :load PATH               load a package, or run a file
  :variables               names of the variables
  :disassemble CLASS>>sel  the code of a method
  :record                  from here on, what is changed in classes and methods is recorded
  :save FILE               write what was recorded as a patch, which `instar apply` and :apply take
  :apply FILE              apply a patch to this program

Tab completes names of variables, globals and messages. Ctrl-C stops what is being evaluated.";

/// Whether the conversation goes on.
enum Next {
    Go,
    End(u8),
}

/// Talks to the standard input: with prompt, history and completion if that is a terminal.
pub fn repl(arguments: &SpaceArguments) -> Result<ExitCode, Failure> {
    let session = match arguments.conversation() {
        Ok(session) => session,
        Err(ended) => return finish(None, Err(ended)),
    };
    let evaluating = Arc::new(AtomicBool::new(false));
    let (interrupt, is_evaluating) = (session.space().interrupt(), evaluating.clone());
    let stop = move || {
        if is_evaluating.load(Ordering::Acquire) {
            interrupt.request_stop();
        } else {
            std::process::exit(INTERRUPTED);
        }
    };
    ctrlc::set_handler(stop).map_err(failed)?;
    let mut talk = Talk { session: Rc::new(RefCell::new(session)), evaluating, has_engine: false };
    let status = if std::io::stdin().is_terminal() { talk.edited()? } else { talk.plain()? };
    talk.session.borrow_mut().flush();
    Ok(ExitCode::from(status))
}

struct Talk {
    session: Rc<RefCell<Session>>,
    evaluating: Arc<AtomicBool>,
    /// Whether the update engine was loaded.
    has_engine: bool,
}

impl Talk {
    /// With a line editor.
    fn edited(&mut self) -> Result<u8, Failure> {
        let config = Config::builder().auto_add_history(true).build();
        let mut editor: Editor<Assistant, FileHistory> = Editor::with_config(config).map_err(failed)?;
        editor.set_helper(Some(Assistant { session: self.session.clone() }));
        let file = history::file();
        if let Some(file) = &file {
            // There is none the first time.
            let _ = editor.load_history(file);
        }
        say(format_args!("Instar {}. :help says what can be typed, :quit ends.", env!("CARGO_PKG_VERSION")));
        let status = loop {
            match editor.readline(PROMPT) {
                Ok(line) => {
                    if let Next::End(status) = self.take(&line) {
                        break status;
                    }
                }
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => break 0,
                Err(error) => return Err(failed(error)),
            }
        };
        if let Some(file) = &file
            && let Err(error) = editor.save_history(file)
        {
            complain(format_args!("warning: the history was not kept: {}: {error}\n", file.display()));
        }
        Ok(status)
    }

    /// Line by line, without prompt.
    fn plain(&mut self) -> Result<u8, Failure> {
        let mut text = String::new();
        // Not locked for longer than a line: what is evaluated may read the next ones.
        while std::io::stdin().read_line(&mut text).map_err(failed)? > 0 {
            if text.ends_with("\r\n") {
                text.replace_range(text.len() - 2.., "\n");
            }
            let whole = text.strip_suffix('\n').unwrap_or(&text);
            if completeness(whole) == Completeness::Incomplete && !is_command(whole) {
                continue;
            }
            let whole = whole.to_owned();
            text.clear();
            if let Next::End(status) = self.take(&whole) {
                return Ok(status);
            }
        }
        match self.take(&text) {
            Next::End(status) => Ok(status),
            Next::Go => Ok(0),
        }
    }

    fn take(&mut self, text: &str) -> Next {
        if text.trim().is_empty() {
            return Next::Go;
        }
        if is_command(text) {
            return self.command(text.trim());
        }
        self.run(|session| session.evaluate(text).map(|(value, warnings)| (Some(value), warnings)))
    }

    /// Lets the guest do something, and says what came of it.
    fn run(
        &mut self,
        work: impl FnOnce(
            &mut Session,
        ) -> Result<(Option<String>, Vec<instar_interp::bootstrap::Diagnostic>), Problem>,
    ) -> Next {
        let mut session = self.session.borrow_mut();
        self.evaluating.store(true, Ordering::Release);
        let result = work(&mut session);
        if !matches!(result, Err(Problem::Quit(_))) {
            session.flush();
        }
        self.evaluating.store(false, Ordering::Release);
        match result {
            Ok((value, warnings)) => {
                warn(&warnings);
                if let Some(value) = value {
                    say(value);
                }
            }
            Err(Problem::Quit(status)) => return Next::End(status as u8),
            Err(Problem::Source(text)) => complain(text),
            Err(Problem::Failed(text)) if text.is_empty() => {}
            Err(problem) => complain(format_args!("{problem}\n")),
        }
        let _ = std::io::stderr().flush();
        Next::Go
    }

    /// Evaluates with the update engine at hand; `show` makes what is printed of the String that comes of it, `None` for anything else.
    fn with_engine(
        &mut self,
        source: &str,
        show: impl FnOnce(Option<String>) -> Result<String, String>,
    ) -> Next {
        let is_loaded = std::mem::replace(&mut self.has_engine, true);
        self.run(|session| {
            let mut warnings = Vec::new();
            if !is_loaded {
                let packages = instar_dsu::packages(instar_dsu::CONTROL)
                    .map_err(|errors| Problem::Source(errors.to_string()))?;
                warnings.extend(session.load(&packages)?);
            }
            let (text, more) = session.evaluate_text(source)?;
            warnings.extend(more);
            let shown = show(text).map_err(|text| Problem::Source(format!("error: {text}\n")))?;
            Ok((Some(shown), warnings))
        })
    }

    fn command(&mut self, text: &str) -> Next {
        let (command, argument) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        match (command, argument.trim()) {
            (":help", _) => say(HELP),
            (":quit", _) => return Next::End(0),
            (":load", path) if !path.is_empty() => {
                return self
                    .run(|session| session.run_path(Path::new(path)).map(|warnings| (None, warnings)));
            }
            (":record", _) => return self.with_engine("DSURecording begin", |_| Ok("recording".to_owned())),
            (":save", file) if !file.is_empty() => {
                return self.with_engine("DSURecording versions", |text| save(Path::new(file), text));
            }
            (":apply", file) if !file.is_empty() => {
                let read = std::fs::read_to_string(file).map_err(|error| error.to_string());
                match read.and_then(|text| instar_dsu::expression_of(file, &text)) {
                    Ok(patch) => {
                        let apply = format!("DSUConsole apply: {}", string(&patch));
                        return self.with_engine(&apply, |text| Ok(text.unwrap_or_default()));
                    }
                    Err(error) => complain(format_args!("error: {file}: {error}\n")),
                }
            }
            (":variables", _) => {
                self.session.borrow().variables().iter().for_each(say);
            }
            (":disassemble", method) => match self.session.borrow().listing(method) {
                Ok(text) => say(text.trim_end()),
                Err(message) => complain(format_args!("error: {message}\n")),
            },
            _ => complain(format_args!("error: there is no command {text}; :help names those there are\n")),
        }
        Next::Go
    }
}

/// A String literal.
fn string(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What a recorded patch is called: as its file.
fn patch_name(file: &Path) -> String {
    file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}

/// Writes the patch of what was recorded. What goes without saying is decided, as it happened so in this program; the rest is asked.
fn save(file: &Path, versions: Option<String>) -> Result<String, String> {
    let mut patch = instar_dsu::patch::recorded(&patch_name(file), &versions.unwrap_or_default())?;
    if patch.is_empty() {
        return Err("nothing was changed since :record".to_owned());
    }
    patch.author = user();
    let decided = patch.accept_defaults();
    let text = patch.write().map_err(|errors| errors.to_string().trim_end().to_owned())?;
    std::fs::write(file, &text).map_err(|error| format!("{}: {error}", file.display()))?;
    let decided = decided.iter().map(|one| format!("    {one}\n"));
    let undecided = patch.undecided();
    let asked = undecided.iter().map(|one| format!("undecided: {one}\n"));
    let mut said: String = decided.chain(asked).collect();
    said.push_str(&format!("saved in {}", file.display()));
    if !undecided.is_empty() {
        said.push_str(": decide in it before it is applied");
    }
    Ok(said)
}

fn is_command(text: &str) -> bool {
    text.trim_start().starts_with(':')
}

/// What helps while a line is typed.
struct Assistant {
    session: Rc<RefCell<Session>>,
}

impl Helper for Assistant {}

impl Hinter for Assistant {
    type Hint = String;
}

impl Highlighter for Assistant {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        prompt.into()
    }
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let input = context.input();
        let is_incomplete = !is_command(input) && completeness(input) == Completeness::Incomplete;
        Ok(if is_incomplete { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let found = self.session.borrow().complete(line, position);
        Ok((found.start, found.names))
    }
}
