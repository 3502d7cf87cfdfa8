//! Core libraries updated from outside: Espell's mirrors and Chester, in Smalltalk.
//!
//! A *hypervisor space* has the library of [`HYPERVISOR`] and looks at other spaces by the primitives of `interp/src/primitives/mirror.rs`, which do
//! what `interp/src/spaces` does. A program that is to be updated says where, with the one class of [`APPLICATION`]. See `docs/spaces.md`.

use include_dir::{Dir, include_dir};
use instar_interp::bootstrap::Problem;
use instar_interp::source::{self, Package, SourceErrors};
use instar_interp::spaces::Hypervisor;
use instar_interp::vm::{Space, SpaceError, SpaceOptions};

static SMALLTALK: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/smalltalk");

/// The packages of a space that changes others.
pub const HYPERVISOR: &[&str] = &["Espell", "Chester"];
/// Updates of core libraries that were published, applied to a program under load: for the hypervisor, by tests and measurements.
pub const CASES: &[&str] = &["Chester-Cases"];
/// The package of a program that is updated at its update points.
pub const APPLICATION: &[&str] = &["Chester-UpdatePoints"];

/// The packages of these names.
///
/// # Errors
/// If a source cannot be read, which the tests exclude for those that are named here.
pub fn packages(names: &[&str]) -> Result<Vec<Package>, SourceErrors> {
    source::embedded(&SMALLTALK, names)
}

fn loaded(space: &mut Space, names: &[&str]) -> Result<(), SpaceError> {
    let packages = packages(names).map_err(|errors| SpaceError::Load(errors.to_string()))?;
    let load = |problem: Problem| SpaceError::Load(problem.to_string());
    space.load(&packages).map(drop).map_err(load)
}

/// A hypervisor space. The spaces that it makes have the kernel and [`APPLICATION`], and these options unless it is given others.
///
/// # Errors
/// [`SpaceError`]
pub fn hypervisor_space(options: SpaceOptions) -> Result<(Space, Hypervisor), SpaceError> {
    let busy = || SpaceError::Load("a process of the kernel goes on after it was loaded".to_owned());
    let mut kernel = Space::new(options.clone())?;
    loaded(&mut kernel, APPLICATION)?;
    let hypervisor = Hypervisor::new(kernel.image().ok_or_else(busy)?.into(), options);
    let mut space = kernel;
    loaded(&mut space, HYPERVISOR)?;
    hypervisor.attach_to(&mut space);
    Ok((space, hypervisor))
}
