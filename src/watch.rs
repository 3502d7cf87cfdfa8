//! `instar watch`: files that are saved change the program that runs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use clap::Args;
use instar_dsu::control::{
    Address, Client, ClientError, Endpoint, EndpointOptions, PrivateKey, Request, Token,
};
use instar_dsu::patch::{self, Patch, diff, place_of};
use instar_interp::host::{Part, Session};
use instar_interp::source::{self, Package};
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use serde_json::Value;

use crate::control::{GRACE, TokenArguments, duration, text, time, user};
use crate::smalltalk::{Ended, SpaceArguments, complain, ended, exist, finish, run_paths, warn};
use crate::{FAILED, Failure, INTERRUPTED, REFUSED, failed};

/// An editor may write several files, and each in several steps: what follows within this time belongs together.
const QUIET: Duration = Duration::from_millis(80);

/// Where edits that a person must decide on are written, in the watched folder.
const UNDECIDED: &str = "undecided.patch";

/// What is watched.
#[derive(Args)]
pub struct WatchArguments {
    #[command(flatten)]
    space: SpaceArguments,
    /// The folder with the packages
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Apply edits to the program that listens there, which has loaded what the folder holds now
    #[arg(long, value_name = "SOCKET|ADDRESS:PORT|tcp:HOST:PORT", conflicts_with = "files")]
    to: Option<Address>,
    #[command(flatten)]
    token: TokenArguments,
    /// Sign what is applied with the private key in this file
    #[arg(long, value_name = "FILE", requires = "to")]
    key: Option<PathBuf>,
    /// Files to run behind the packages; without any, what the packages have started goes on
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How long each update may take, as 500ms, 10s or 2m
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    timeout: Duration,
}

/// Watches, and runs the program if nobody else does.
pub fn watch(arguments: &WatchArguments) -> Result<ExitCode, Failure> {
    match exist(std::iter::once(&arguments.folder).chain(&arguments.files)) {
        Ok(()) if arguments.folder.is_dir() => {}
        Ok(()) => return Err((REFUSED, format!("{} is no folder", arguments.folder.display()))),
        Err(ended) => return finish(None, Err(ended)),
    }
    match &arguments.to {
        Some(address) => {
            let key = arguments.key.as_deref().map(PrivateKey::read).transpose();
            let target = Target {
                address: address.clone(),
                token: arguments.token.token()?,
                key: key.map_err(|reason| (REFUSED, reason))?,
            };
            let mut watch = match Watch::begin(arguments, target) {
                Ok(watch) => watch,
                Err(ended) => return finish(None, Err(ended)),
            };
            // That somebody listens is known before the first edit.
            watch.target.connect().map_err(|error| (REFUSED, error.to_string()))?;
            watch.run();
            Ok(ExitCode::SUCCESS)
        }
        None => run_here(arguments),
    }
}

/// The program that edits go to, and how.
struct Target {
    address: Address,
    token: Option<Token>,
    key: Option<PrivateKey>,
}

impl Target {
    fn connect(&self) -> Result<Client, ClientError> {
        Client::connect(&self.address, self.token.as_ref())
    }
}

/// A folder for the socket that nobody else may enter, gone at the end.
struct Private(PathBuf);

impl Private {
    fn new() -> std::io::Result<Private> {
        use std::os::unix::fs::DirBuilderExt;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let name = format!("instar-watch-{}-{}", std::process::id(), now.subsec_nanos());
        let path = std::env::temp_dir().join(name);
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Private(path))
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn run_here(arguments: &WatchArguments) -> Result<ExitCode, Failure> {
    let mut session = match arguments.space.session(&[]) {
        Ok(session) => session,
        Err(ended) => return finish(None, Err(ended)),
    };
    let private = Private::new().map_err(failed)?;
    let folder = private.0.clone();
    let stop = move || {
        let _ = std::fs::remove_dir_all(&folder);
        std::process::exit(i32::from(INTERRUPTED));
    };
    ctrlc::set_handler(stop).map_err(failed)?;
    let address = Address::Socket(private.0.join("socket"));
    let options = EndpointOptions { address: Some(address.clone()), ..EndpointOptions::default() };
    let endpoint = Endpoint::open(&mut session, &options, Box::new(|_| ())).map_err(failed)?;
    let target = Target { address, token: None, key: None };
    let result = load_and_run(arguments, &mut session, &endpoint, target).map(|()| ExitCode::SUCCESS);
    let result = finish(Some(&mut session), result);
    drop(endpoint);
    result
}

fn load_and_run(
    arguments: &WatchArguments,
    session: &mut Session,
    endpoint: &Endpoint,
    target: Target,
) -> Result<(), Ended> {
    let mut watch = Watch::begin(arguments, target)?;
    warn(&session.run(&Part::Packages(watch.loaded.clone())).map_err(ended)?);
    endpoint.loaded(&watch.loaded);
    let thread = std::thread::Builder::new().name("watch".to_owned());
    // It ends with the process.
    thread.spawn(move || watch.run()).map_err(|error| (FAILED, error.to_string()))?;
    if !arguments.files.is_empty() {
        return run_paths(session, &arguments.files, None);
    }
    session.evaluate("Semaphore new wait").map_err(ended)?;
    Ok(())
}

/// What a person is asked.
struct Asked {
    /// What `undecided.patch` was written with.
    text: String,
    /// The packages that it leads to.
    new: Vec<Package>,
}

/// The folder, and what of it is in the program.
struct Watch {
    folder: PathBuf,
    target: Target,
    timeout: Duration,
    loaded: Vec<Package>,
    asked: Option<Asked>,
    /// What was said to be impossible, to say it once.
    told: Vec<String>,
    saved: Receiver<notify::Result<notify::Event>>,
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Begins to watch, and reads what is there.
    fn begin(arguments: &WatchArguments, target: Target) -> Result<Watch, Ended> {
        let (sender, saved) = channel();
        let unwatched = |error: notify::Error| {
            (FAILED, format!("{} cannot be watched: {error}", arguments.folder.display()))
        };
        let mut watcher = notify::recommended_watcher(sender).map_err(unwatched)?;
        watcher.watch(&arguments.folder, RecursiveMode::Recursive).map_err(unwatched)?;
        let loaded = read(&arguments.folder).map_err(|errors| {
            complain(errors);
            (FAILED, String::new())
        })?;
        complain(format_args!("watching {}\n", arguments.folder.display()));
        Ok(Watch {
            folder: arguments.folder.clone(),
            target,
            timeout: arguments.timeout,
            loaded,
            asked: None,
            told: Vec::new(),
            saved,
            _watcher: watcher,
        })
    }

    fn run(&mut self) {
        while let Ok(first) = self.saved.recv() {
            let mut is_edit = is_edit(&first);
            while let Ok(next) = self.saved.recv_timeout(QUIET) {
                is_edit |= self::is_edit(&next);
            }
            if is_edit {
                self.look();
            }
        }
    }

    /// Something was saved.
    fn look(&mut self) {
        self.apply_decided();
        let new = match read(&self.folder) {
            Ok(new) => new,
            Err(errors) => return complain(errors),
        };
        self.tell_impossible(&new);
        let mut patch = diff("Edit", &self.loaded, &new);
        let decided = patch.accept_defaults();
        let changed = patch.changed();
        if changed.is_empty() {
            return self.forget_asked();
        }
        patch.name = name_of(&changed);
        patch.author = user();
        let text = match patch.write() {
            Ok(text) => text,
            Err(errors) => return complain(errors),
        };
        if !patch.undecided().is_empty() {
            return self.ask(text, &patch.undecided(), new);
        }
        if self.apply(&text, &new) {
            decided.iter().for_each(|one| complain(format_args!("    {one}\n")));
            self.forget_asked();
            self.loaded = new;
        }
    }

    /// Says what no patch does, once.
    fn tell_impossible(&mut self, new: &[Package]) {
        let is_different = |package: &&Package| {
            let before = self.loaded.iter().find(|known| known.name == package.name);
            before.map_or(!package.doits.is_empty(), |before| before.doits != package.doits)
        };
        let different = new.iter().filter(is_different);
        let found: Vec<String> = different
            .map(|package| format!("statements outside of methods in package {}", package.name))
            .collect();
        for each in found.iter().filter(|each| !self.told.contains(each)) {
            complain(format_args!("warning: start the program again for this: {each}\n"));
        }
        self.told = found;
    }

    /// Writes down what a person must decide.
    fn ask(&mut self, text: String, undecided: &[String], new: Vec<Package>) {
        if self.asked.as_ref().is_some_and(|asked| asked.text == text) {
            return;
        }
        let file = self.folder.join(UNDECIDED);
        if let Err(error) = std::fs::write(&file, &text) {
            return complain(format_args!("error: {}: {error}\n", file.display()));
        }
        for each in undecided {
            complain(format_args!("undecided: {each}\n"));
        }
        complain(format_args!("    not applied: decide in {} and save it\n", file.display()));
        self.asked = Some(Asked { text, new });
    }

    /// What was asked is no question any more.
    fn forget_asked(&mut self) {
        let Some(asked) = self.asked.take() else { return };
        let file = self.folder.join(UNDECIDED);
        // What somebody has written into it is theirs.
        if std::fs::read_to_string(&file).is_ok_and(|text| text == asked.text) {
            let _ = std::fs::remove_file(&file);
        }
    }

    /// Applies what a person has decided.
    fn apply_decided(&mut self) {
        let Some(asked) = &self.asked else { return };
        let file = self.folder.join(UNDECIDED);
        let text = match std::fs::read_to_string(&file) {
            Ok(text) if text != asked.text => text,
            Ok(_) => return,
            // Taken away: asked again if it is still to be decided.
            Err(_) => return self.asked = None,
        };
        let new = asked.new.clone();
        let decided = match patch::read(&file.to_string_lossy(), &text) {
            Ok(decided) => decided,
            Err(errors) => return complain(errors),
        };
        if self.apply(&text, &new) {
            let _ = std::fs::remove_file(&file);
            self.loaded = behind(&decided, &self.loaded, new);
            self.asked = None;
        }
    }

    /// Whether it was applied. What went wrong was said.
    fn apply(&self, patch: &str, new: &[Package]) -> bool {
        let request = Request::Apply {
            name: "watch".to_owned(),
            patch: patch.to_owned(),
            // It is the difference to what was applied last; comments of packages and statements, which no patch has, may differ.
            any_base: true,
            dry_run: false,
            timeout_ms: u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX),
            who: user(),
            signature: self.target.key.as_ref().map(|key| key.sign(patch)),
        };
        let asked =
            self.target.connect().and_then(|mut client| client.ask(&request, self.timeout + GRACE, |_| {}));
        match asked {
            Ok(result) => tell(&result, new),
            Err(error) => {
                complain(format_args!("error: {error}\n"));
                false
            }
        }
    }
}

/// What the program is after a decided patch, which may do something else than was proposed.
fn behind(decided: &Patch, loaded: &[Package], new: Vec<Package>) -> Vec<Package> {
    let Ok(mut packages) = decided.apply_to(loaded) else { return new };
    // What patches have no part in was loaded before, or was said to be impossible.
    for package in &mut packages {
        if let Some(saved) = new.iter().find(|saved| saved.name == package.name) {
            package.doits.clone_from(&saved.doits);
            package.comment.clone_from(&saved.comment);
        }
    }
    packages
}

/// At most so many changes stand in a patch's name.
const MOST_NAMED: usize = 3;

fn name_of(changed: &[String]) -> String {
    let named = changed[..changed.len().min(MOST_NAMED)].join(", ");
    match changed.len().saturating_sub(MOST_NAMED) {
        0 => format!("Edit of {named}"),
        more => format!("Edit of {named} and {more} more"),
    }
}

/// Reading a file is no edit, nor is what this program writes an edit of a package.
fn is_edit(event: &notify::Result<notify::Event>) -> bool {
    match event {
        Ok(event) => match event.kind {
            EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
            _ => true,
        },
        // Something was missed.
        Err(_) => true,
    }
}

/// The packages in a folder, if they make sense.
fn read(folder: &Path) -> Result<Vec<Package>, source::SourceErrors> {
    let packages = source::read(folder)?;
    let errors = packages.iter().flat_map(Package::syntax_errors).collect::<Vec<_>>();
    if errors.is_empty() { Ok(packages) } else { Err(source::SourceErrors(errors)) }
}

fn tell(result: &Value, new: &[Package]) -> bool {
    if result["ok"] == true {
        let (stop, total) = (time(&result["stop_us"]), time(&result["total_us"]));
        complain(format_args!("applied: {} (stop {stop}, total {total})\n", text(result, "patch")));
        for lost in result["losses"].as_array().into_iter().flatten() {
            complain(format_args!("warning: values are lost: {}\n", lost.as_str().unwrap_or_default()));
        }
        return true;
    }
    let message = text(result, "message");
    let place = place_of(new, message).map_or_else(String::new, |place| format!("{place}: "));
    complain(format_args!("error: not applied: {place}{message}\n"));
    for each in result["blocked"].as_array().into_iter().flatten() {
        complain(format_args!("    process {} is in {}\n", text(each, "process"), text(each, "method")));
    }
    result["committed"] == true
}
