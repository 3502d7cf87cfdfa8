//! Sessions with the engine, its tests, and what they are about.

use std::path::Path;

use instar_interp::host::Session;
use instar_interp::source;
use instar_interp::vm::{Space, SpaceOptions};

/// A session into which the engine, the chat model and the engine's tests were loaded.
pub fn session(options: SpaceOptions) -> Session {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("smalltalk/DSU-Tests");
    let mut packages =
        instar_dsu::packages(&[instar_dsu::ENGINE, instar_dsu::LIBRARY, instar_dsu::CHAT_MODEL].concat())
            .unwrap_or_else(|errors| panic!("{errors}"));
    packages.extend(source::read(folder).unwrap_or_else(|errors| panic!("{errors}")));
    let mut session = Session::new(Space::new(options).unwrap()).unwrap();
    session.load(&packages).unwrap_or_else(|problem| panic!("{problem}"));
    session
}

/// What the statements answer, printed.
pub fn answer(session: &mut Session, statements: &str) -> String {
    session.evaluate(statements).unwrap_or_else(|problem| panic!("{statements}: {problem}")).0
}
