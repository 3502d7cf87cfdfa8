//! The end of a program that serves, when the system asks for it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use instar_interp::vm::interrupt::Interrupt;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

use crate::server::Stop;

/// How long the program may take to end once its server has shut down.
const PATIENCE: Duration = Duration::from_secs(5);

/// On SIGINT and SIGTERM the server shuts down, which the program is told of. A program that goes on for `grace` and a few seconds, and
/// one that gets a second signal, is interrupted; `give_up` is called if it goes on even so, or gets a third.
///
/// # Errors
/// If the system has no thread or handler left.
pub fn end_on_signals(
    stop: Stop,
    interrupt: Arc<Interrupt>,
    grace: Duration,
    give_up: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
    let (mut asked, mut ended) = {
        let _context = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    let wait = move || {
        runtime.block_on(async {
            either(&mut asked, &mut ended).await;
            stop.begin();
            let _ = timeout(grace + PATIENCE, either(&mut asked, &mut ended)).await;
            interrupt.request_stop();
            stop.at_once();
            let _ = timeout(PATIENCE, either(&mut asked, &mut ended)).await;
            give_up();
        });
    };
    // It ends with the process.
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
    Ok(())
}

async fn either(asked: &mut Signal, ended: &mut Signal) {
    tokio::select! {
        _ = asked.recv() => {}
        _ = ended.recv() => {}
    }
}
