//! Where something stands that the engine complains of.

use instar_interp::source::{Package, Side};

/// So much of a method's first line stands in an error of the engine.
const MOST_SHOWN: usize = 60;

/// File and line of the method that an error of the engine names first.
pub fn place_of(packages: &[Package], message: &str) -> Option<String> {
    let methods = packages.iter().flat_map(Package::methods);
    let (_, method) = methods.into_iter().find(|(owner, method)| {
        let side = if method.side == Side::Class { " class" } else { "" };
        let source = method.source();
        let first: String = source.lines().next().unwrap_or_default().chars().take(MOST_SHOWN).collect();
        let named = message.strip_prefix(*owner).and_then(|rest| rest.strip_prefix(side));
        named.and_then(|rest| rest.strip_prefix(">>")).is_some_and(|rest| rest.starts_with(&first))
    })?;
    let start = method.pattern.start as usize;
    let line = method.file.text.get(..start)?.matches('\n').count() + 1;
    Some(format!("{}:{line}", method.file.path))
}
