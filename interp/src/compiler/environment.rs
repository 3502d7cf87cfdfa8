//! What a method's names mean outside of the method.

/// What a name stands for that is no variable of the method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// An instance variable: the number of its slot.
    InstanceVariable(u16),
    /// A variable of the class, its superclasses, or a shared pool of theirs.
    ClassVariable,
    /// A global.
    Global {
        /// Whether code may assign to it: not to a class.
        is_assignable: bool,
    },
}

/// Resolves names for the compiler.
pub trait Environment {
    /// What the name means to code of the class; the innermost meaning if there are several.
    fn resolve(&self, name: &str) -> Option<Resolved>;

    /// Calls `visit` with every name that [`resolve`](Self::resolve) knows, in any order: for suggestions.
    fn visit_names(&self, visit: &mut dyn FnMut(&str));
}

/// Knows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Empty;

impl Environment for Empty {
    fn resolve(&self, _: &str) -> Option<Resolved> {
        None
    }

    fn visit_names(&self, _: &mut dyn FnMut(&str)) {}
}
