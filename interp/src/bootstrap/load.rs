//! Loading packages into a space that runs.

use std::collections::HashSet;

use crate::source::{ClassDef, Package};
use crate::vm::{Space, SpaceError};

impl Space {
    /// Loads packages: makes their classes, compiles their methods, and sends `initialize` to the classes that define it.
    ///
    /// # Errors
    /// [`SpaceError::Load`] with all that is wrong, places included.
    pub fn load(&mut self, packages: &[Package]) -> Result<(), SpaceError> {
        let mut waiting: Vec<&ClassDef> = packages.iter().flat_map(|package| &package.classes).collect();
        self.check_superclasses(&waiting)?;
        waiting.retain(|def| self.class_named(&def.name).is_none());
        while !waiting.is_empty() {
            let before = waiting.len();
            let mut later = Vec::new();
            for def in waiting {
                let is_ready = def.superclass.as_deref().is_none_or(|name| self.class_named(name).is_some());
                if is_ready { self.make_class(def)? } else { later.push(def) }
            }
            waiting = later;
            if waiting.len() == before {
                let def = waiting[0];
                return Err(SpaceError::Load(format!("{:?}: {} inherits from itself", def.place, def.name)));
            }
        }
        self.load_methods_of(packages)?;
        self.initialize_classes(packages)
    }

    fn check_superclasses(&self, defs: &[&ClassDef]) -> Result<(), SpaceError> {
        let new: HashSet<&str> = defs.iter().map(|def| def.name.as_str()).collect();
        let mut text = String::new();
        for def in defs {
            if let Some(name) = def
                .superclass
                .as_deref()
                .filter(|name| !new.contains(name) && self.class_named(name).is_none())
            {
                text.push_str(&format!(
                    "error: {:?}: there is no class {name}, the superclass of {}\n",
                    def.place, def.name
                ));
            }
        }
        if text.is_empty() { Ok(()) } else { Err(SpaceError::Load(text)) }
    }
}
