//! `instar serve`: a web application, its server, and the engine that updates it.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use instar_interp::bootstrap::Problem;
use instar_interp::host::Session;
use instar_web::{Limits, Server, WebMetrics, end_on_signals};

use crate::control::{ControlArguments, duration};
use crate::hypervisor;
use crate::observe::ObserveArguments;
use crate::smalltalk::{Ended, SpaceArguments, ended, exist, finish, run_paths, said, say, warn};
use crate::{FAILED, Failure, REFUSED, failed};

/// What is served, and where.
#[derive(Args)]
pub struct ServeArguments {
    #[command(flatten)]
    space: SpaceArguments,
    #[command(flatten)]
    control: ControlArguments,
    #[command(flatten)]
    observe: ObserveArguments,
    /// Port; 0 for any that is free
    #[arg(long, value_name = "PORT", default_value_t = 1701)]
    port: u16,
    /// Address to listen at
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    address: IpAddr,
    /// The class of the application [default: the only one that the packages have]
    #[arg(long, value_name = "CLASS", value_parser = class_name)]
    application: Option<String>,
    /// Run the program as an application space under a hypervisor, which statements on the standard input, one a line, are for: they find the space
    /// in `application` and its updater in `updater`, and their values are printed
    #[arg(long)]
    hypervisor: bool,
    #[command(flatten)]
    limits: LimitArguments,
    /// Packages (folders) and files to run before
    #[arg(required = true, value_name = "FILE|PACKAGE")]
    paths: Vec<PathBuf>,
    /// For the program: `Smalltalk arguments`
    #[arg(last = true, value_name = "ARGUMENT")]
    arguments: Vec<String>,
}

/// What the server takes from the world.
#[derive(Args)]
#[command(next_help_heading = "Limits")]
struct LimitArguments {
    /// Connections at a time
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: u32,
    /// Most bytes of a request's body
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20, value_parser = clap::value_parser!(u32).range(1..=1 << 30))]
    max_body: u32,
    /// Most requests that wait for the program
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    max_waiting: u32,
    /// How long a request waits for its answer
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    answer_time: Duration,
    /// How long a connection may be silent
    #[arg(long, value_name = "TIME", default_value = "75s", value_parser = duration)]
    idle_time: Duration,
    /// How long requests under way are waited for at the end
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    grace: Duration,
}

impl LimitArguments {
    fn limits(&self) -> Limits {
        Limits {
            connections: self.max_connections as usize,
            body_bytes: self.max_body as usize,
            all_body_bytes: Limits::default().all_body_bytes.max(self.max_body as usize * 4),
            waiting: self.max_waiting as usize,
            answer_time: self.answer_time,
            idle_time: self.idle_time,
            grace: self.grace,
            ..Limits::default()
        }
    }
}

fn class_name(text: &str) -> Result<String, String> {
    let is_name = text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
    if is_name { Ok(text.to_owned()) } else { Err("a class has a name like ChServer".to_owned()) }
}

/// Serves until the end.
pub fn serve(arguments: &ServeArguments) -> Result<ExitCode, Failure> {
    let made = exist(&arguments.paths).and_then(|()| arguments.space.session(&arguments.arguments));
    let mut session = match made {
        Ok(session) => session,
        Err(ended) => return finish(None, Err(ended)),
    };
    // Dropped behind what the program does last, so that the log is whole.
    let metrics = WebMetrics::default();
    let observed = arguments.observe.open(&session, |registry| metrics.register(registry))?;
    let endpoint = arguments.control.open(&mut session, observed.as_ref())?;
    let opened = load(&mut session, endpoint.is_some())
        .and_then(|()| run_paths(&mut session, &arguments.paths, endpoint.as_ref()))
        .and_then(|()| open(arguments, &mut session, metrics));
    let result = match opened {
        Ok(server) if arguments.hypervisor => {
            let served = hypervisor::serve(session, arguments.space.options());
            drop(server);
            finish(None, served)
        }
        opened => answered(session, opened),
    };
    drop((endpoint, observed));
    result
}

/// Answers requests in the session's own space, if it came so far.
fn answered(mut session: Session, opened: Result<Server, Ended>) -> Result<ExitCode, Failure> {
    let mut is_interrupted = false;
    let result = opened.and_then(|server| {
        let served = session.evaluate("WebServer serve: application");
        if served.is_err() {
            server.stop().at_once();
        }
        is_interrupted = matches!(served, Err(Problem::Interrupted(_)));
        served.map(|_| ExitCode::SUCCESS).map_err(ended)
    });
    // A program that had to be interrupted may not come to its last words.
    finish((!is_interrupted).then_some(&mut session), result)
}

/// The server's packages, what a program says where its update points are by, and the update engine, if it is not there yet.
fn load(session: &mut Session, has_engine: bool) -> Result<(), Ended> {
    let mut packages = instar_web::packages().map_err(|errors| said(FAILED, errors))?;
    packages
        .extend(instar_espell::packages(instar_espell::APPLICATION).map_err(|errors| said(FAILED, errors))?);
    let engine = if has_engine { &[] } else { instar_dsu::ENGINE };
    let engine = instar_dsu::packages(&[engine, instar_dsu::LIBRARY].concat());
    packages.extend(engine.map_err(|errors| said(FAILED, errors))?);
    warn(&session.load(&packages).map_err(ended)?);
    Ok(())
}

/// Makes the application, and listens for what it will be asked.
fn open(arguments: &ServeArguments, session: &mut Session, metrics: WebMetrics) -> Result<Server, Ended> {
    let name = arguments.application.as_ref().map_or_else(|| "nil".to_owned(), |name| format!("'{name}'"));
    let make = format!("application := WebApplication named: {name}");
    session.evaluate(&make).map_err(ended)?;
    let wanted = SocketAddr::new(arguments.address, arguments.port);
    let limits = arguments.limits.limits();
    let grace = limits.grace;
    let server = Server::open(session.space_mut(), wanted, limits, metrics)
        .map_err(|error| (REFUSED, format!("{wanted} cannot be listened at: {error}")))?;
    let give_up = || std::process::exit(i32::from(FAILED));
    end_on_signals(server.stop(), session.space().interrupt(), grace, give_up).map_err(failed)?;
    say(format_args!("listening on http://{}", server.address()));
    Ok(server)
}
