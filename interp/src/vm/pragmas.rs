//! The pragmas of a method as objects.

use instar_heap::HeapError;

use super::Space;
use super::space::Root;
use crate::compiler::PragmaInfo;
use crate::objects::Known;
use crate::objects::layout::{compiled, pragma};

impl Space {
    /// Gives a method an Array of its pragmas; a method without any keeps nil.
    pub(super) fn add_pragmas(
        &mut self,
        method: Root,
        class: Root,
        infos: &[PragmaInfo],
    ) -> Result<(), HeapError> {
        if infos.is_empty() {
            return Ok(());
        }
        let first = self.mark_roots();
        for info in infos {
            self.root_pragma(info, method, class)?;
        }
        let array = self.new_array_of_roots(first)?;
        self.store_rooted(method, compiled::PRAGMAS, array);
        self.release(first);
        Ok(())
    }

    /// Makes a Pragma and leaves it as a root.
    fn root_pragma(&mut self, info: &PragmaInfo, method: Root, class: Root) -> Result<(), HeapError> {
        let object = self.allocate_known(Known::Pragma, 0)?.oop();
        let object = self.root(object);
        let owner = self.rooted(method).oop();
        self.store_rooted(object, pragma::METHOD, owner);
        let selector = self.symbol(&info.selector)?;
        self.store_rooted(object, pragma::SELECTOR, selector);
        let first = self.mark_roots();
        for argument in &info.arguments {
            let value = self.new_literal(argument, class)?;
            self.root(value);
        }
        let arguments = self.new_array_of_roots(first)?;
        self.release(first);
        self.store_rooted(object, pragma::ARGUMENTS, arguments);
        Ok(())
    }
}
