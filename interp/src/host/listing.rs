//! The code of a method as text.

use super::Session;
use crate::code::disassemble;
use crate::objects::Value;
use crate::objects::layout::{behavior, compiled};
use crate::vm::lookup::method_at;

impl Session {
    /// The listing of `Class>>selector` or `Class class>>selector`; a hash mark before the selector is allowed.
    ///
    /// # Errors
    /// What is not there.
    pub fn listing(&self, method: &str) -> Result<String, String> {
        let (name, selector) = method.split_once(">>").ok_or_else(|| {
            format!("{method} names no method: write Class>>selector or 'Class class>>selector'")
        })?;
        let (name, selector) = (name.trim(), selector.trim().trim_start_matches('#'));
        let (class_name, is_meta) = match name.strip_suffix(" class") {
            Some(class_name) => (class_name, true),
            None => (name, false),
        };
        let space = self.space();
        let class = space.class_named(class_name).ok_or_else(|| format!("there is no class {class_name}"))?;
        let class = if is_meta { class.class() } else { class };
        let missing = || format!("{name} has no method {selector} itself");
        let symbol = space.existing_symbol(selector).ok_or_else(missing)?;
        let dict = class.slot(behavior::METHOD_DICT).ok_or_else(|| format!("{name} is no class"))?;
        let found = method_at(dict, symbol).ok_or_else(missing)?;
        let source = found.slot(compiled::SOURCE).and_then(Value::text).ok_or_else(missing)?;
        let variables = space.instance_variables(class);
        let info = space
            .compile_for(class, &variables, &source)
            .map_err(|errors| crate::syntax::render(method, &source, &errors))?;
        Ok(disassemble(&info.unit, Some(&source)))
    }
}
