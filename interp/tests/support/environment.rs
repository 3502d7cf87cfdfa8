//! An environment with the names that a test lists.

use std::collections::HashMap;

use instar_interp::compiler::{Environment, Resolved};

/// Names and what they mean.
#[derive(Default)]
pub struct Names {
    names: HashMap<String, Resolved>,
    slots: u16,
}

impl Names {
    /// `@x` is an instance variable, `$X` a class variable, `!X` a global that cannot be assigned to, `X` one that can.
    pub fn add_marked(&mut self, marked: &str) {
        let (name, resolved) = if let Some(name) = marked.strip_prefix('@') {
            self.slots += 1;
            (name, Resolved::InstanceVariable(self.slots - 1))
        } else if let Some(name) = marked.strip_prefix('$') {
            (name, Resolved::ClassVariable)
        } else if let Some(name) = marked.strip_prefix('!') {
            (name, Resolved::Global { is_assignable: false })
        } else {
            (marked, Resolved::Global { is_assignable: true })
        };
        self.names.insert(name.to_owned(), resolved);
    }
}

impl Environment for Names {
    fn resolve(&self, name: &str) -> Option<Resolved> {
        self.names.get(name).copied()
    }

    fn visit_names(&self, visit: &mut dyn FnMut(&str)) {
        self.names.keys().for_each(|name| visit(name));
    }
}
