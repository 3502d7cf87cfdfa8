//! The end of a program that serves, when the system asks for it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use instar_interp::vm::interrupt::Interrupt;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use crate::server::Stop;

/// How long the program may take to end once its server has shut down.
const PATIENCE: Duration = Duration::from_secs(5);

/// On SIGINT and SIGTERM the server shuts down, which the program is told of. A program that goes on for `grace` and a few seconds, and
/// one that gets a second signal, is interrupted.
///
/// # Errors
/// If the system has no thread or handler left.
pub fn end_on_signals(stop: Stop, interrupt: Arc<Interrupt>, grace: Duration) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
    let (mut asked, mut ended) = {
        let _context = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    let wait = move || {
        runtime.block_on(async {
            tokio::select! {
                _ = asked.recv() => {}
                _ = ended.recv() => {}
            }
            stop.begin();
            tokio::select! {
                _ = asked.recv() => {}
                _ = ended.recv() => {}
                _ = sleep(grace + PATIENCE) => {}
            }
            interrupt.request_stop();
        });
    };
    // It ends with the process.
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
    Ok(())
}
