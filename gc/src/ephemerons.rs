//! What both collectors do once everything strongly reachable is found: decide ephemerons (Hayes 1997).

use std::collections::VecDeque;

use instar_heap::{Format, Obj, Oop};

/// A transitive closure that met ephemerons and left them undecided.
pub(crate) trait Closure {
    /// The ephemerons that were met and not decided.
    fn undecided(&mut self) -> &mut Vec<Obj>;

    /// Whether what slot 0 refers to was reached.
    fn is_key_alive(&self, ephemeron: Obj) -> bool;

    /// Lets the closure go on through all slots of the object.
    fn scan(&mut self, object: Obj);

    /// Goes on until nothing is left to be scanned.
    fn drain(&mut self);
}

/// Decides all ephemerons. One whose key is alive is scanned like any other object, which may make more keys alive.
/// Those that are left are queued, become ordinary objects, and are scanned too, so that whoever takes them from the
/// queue finds key and value.
pub(crate) fn decide(closure: &mut impl Closure, queue: &mut VecDeque<Oop>) {
    while !closure.undecided().is_empty() {
        // What the decided lead to may be as many ephemerons again: numbers do not tell whether there was progress.
        let mut any_decided = false;
        for ephemeron in std::mem::take(closure.undecided()) {
            if closure.is_key_alive(ephemeron) {
                closure.scan(ephemeron);
                any_decided = true;
            } else {
                closure.undecided().push(ephemeron);
            }
        }
        if !any_decided {
            for ephemeron in std::mem::take(closure.undecided()) {
                ephemeron.set_header(ephemeron.header().with_format(Format::FIXED));
                queue.push_back(ephemeron.oop());
                closure.scan(ephemeron);
            }
        }
        closure.drain();
    }
}
