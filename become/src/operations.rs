//! The safe interface: becomes of what handles refer to.

#![allow(unsafe_code)]

use instar_gc::{Collection, Pause, Scope};
use instar_heap::{Handle, Oop};

use crate::error::BecomeError;
use crate::strategy::Strategy;
use crate::{HashRule, Outcome, one_way, two_way};

/// Makes every reference to `source` one to `target`. See [`one_way::one_way`].
///
/// # Errors
/// [`BecomeError`]; nothing has changed then.
pub fn become_forward<S: Strategy>(
    scope: &mut Scope<'_>,
    source: Handle<'_>,
    target: Handle<'_>,
    rule: HashRule,
) -> Result<Outcome, BecomeError> {
    stopped(scope, source, target, |pause, [source, target]| {
        // SAFETY: handles refer to live objects.
        unsafe { one_way::one_way::<S>(pause, source, target, rule) }
    })
}

/// Makes every reference to an element of `sources` one to the element of `targets` at the same index.
/// See [`one_way::one_way_all`].
///
/// # Errors
/// [`BecomeError`]; nothing has changed then.
pub fn become_forward_all<S: Strategy>(
    scope: &mut Scope<'_>,
    sources: Handle<'_>,
    targets: Handle<'_>,
    rule: HashRule,
) -> Result<Outcome, BecomeError> {
    stopped(scope, sources, targets, |pause, [sources, targets]| {
        // SAFETY: handles refer to live objects.
        unsafe { one_way::one_way_all::<S>(pause, sources, targets, rule) }
    })
}

/// Exchanges two objects. See [`two_way::two_way`]. Collects if there is no memory for clones.
///
/// # Errors
/// [`BecomeError`]; nothing has changed then.
pub fn swap<S: Strategy>(
    scope: &mut Scope<'_>,
    one: Handle<'_>,
    other: Handle<'_>,
) -> Result<Outcome, BecomeError> {
    collecting_if_short(scope, |scope| {
        stopped(scope, one, other, |pause, [one, other]| {
            // SAFETY: handles refer to live objects.
            unsafe { two_way::two_way::<S>(pause, one, other) }
        })
    })
}

/// Exchanges each element of `ones` with the element of `others` at the same index. See [`two_way::two_way_all`].
/// Collects if there is no memory for clones.
///
/// # Errors
/// [`BecomeError`]; nothing has changed then.
pub fn swap_all<S: Strategy>(
    scope: &mut Scope<'_>,
    ones: Handle<'_>,
    others: Handle<'_>,
) -> Result<Outcome, BecomeError> {
    collecting_if_short(scope, |scope| {
        stopped(scope, ones, others, |pause, [ones, others]| {
            // SAFETY: handles refer to live objects.
            unsafe { two_way::two_way_all::<S>(pause, ones, others) }
        })
    })
}

/// Stops the world and runs `operation` on what the handles refer to then.
fn stopped(
    scope: &mut Scope<'_>,
    one: Handle<'_>,
    other: Handle<'_>,
    operation: impl FnOnce(&mut Pause<'_>, [Oop; 2]) -> Result<Outcome, BecomeError>,
) -> Result<Outcome, BecomeError> {
    let (mut pause, oops) = scope.mutator().stop_world_with(one, other);
    operation(&mut pause, oops)
}

fn collecting_if_short(
    scope: &mut Scope<'_>,
    operation: impl Fn(&mut Scope<'_>) -> Result<Outcome, BecomeError>,
) -> Result<Outcome, BecomeError> {
    match operation(scope) {
        Err(BecomeError::Memory(_)) => {
            scope.collect(Collection::Compacting);
            operation(scope)
        }
        done => done,
    }
}
