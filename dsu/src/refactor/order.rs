//! Methods and classes keep their places in the files: a patch says what is set, not where.

use std::collections::{BTreeMap, HashMap};

use instar_interp::source::{MethodDef, Package, Place, Side};

use super::draft::Key;

/// Puts what was there before into its order; what is new stands behind it.
pub(super) fn restore(
    before: &[Package],
    after: &mut [Package],
    moved: &[(Key, Key)],
    renamed: &BTreeMap<String, String>,
) {
    let places = places(before, moved, renamed);
    let sort = |owner: &str, methods: &mut Vec<MethodDef>| {
        methods.sort_by_key(|method| {
            let key = (owner.to_owned(), method.side, selector(method));
            places.get(&key).copied().unwrap_or(usize::MAX)
        });
    };
    for package in after {
        package.classes.iter_mut().for_each(|class| sort(&class.name, &mut class.methods));
        package.traits.iter_mut().for_each(|made| sort(&made.name, &mut made.methods));
        package.extensions.iter_mut().for_each(|one| sort(&one.name, &mut one.methods));
        let Some(old) = before.iter().find(|old| old.name == package.name) else { continue };
        write_alike(old, package);
        let place = |name: &str| {
            let new_name = |old: &str| renamed.get(old).map_or(old.to_owned(), String::clone);
            old.classes
                .iter()
                .position(|class| new_name(&class.name) == name)
                .or_else(|| old.traits.iter().position(|made| made.name == name))
                .unwrap_or(usize::MAX)
        };
        package.classes.sort_by_key(|class| place(&class.name));
        package.traits.sort_by_key(|made| place(&made.name));
    }
}

/// Files that come are written in the style of those that are there.
fn write_alike(old: &Package, new: &mut Package) {
    let styles = old.classes.iter().map(|class| class.style);
    let Some(style) = styles.chain(old.extensions.iter().map(|one| one.style)).next() else { return };
    let is_new = |place: &Place| place.file.path.is_empty();
    new.classes.iter_mut().filter(|class| is_new(&class.place)).for_each(|class| class.style = style);
    new.extensions.iter_mut().filter(|one| is_new(&one.place)).for_each(|one| one.style = style);
}

fn selector(method: &MethodDef) -> String {
    method.selector().map_or_else(|_| method.pattern().to_owned(), |found| found.text.into_owned())
}

/// Where methods stood, by what they are now.
fn places(
    before: &[Package],
    moved: &[(Key, Key)],
    renamed: &BTreeMap<String, String>,
) -> HashMap<(String, Side, String), usize> {
    let moved: HashMap<&Key, &Key> = moved.iter().map(|(old, new)| (old, new)).collect();
    let mut places = HashMap::new();
    for (index, (owner, method)) in before.iter().flat_map(Package::methods).enumerate() {
        let key = (owner.to_owned(), method.side, selector(method));
        let (owner, side, selector) = moved.get(&key).map_or(key.clone(), |new| (*new).clone());
        let owner = renamed.get(&owner).cloned().unwrap_or(owner);
        places.insert((owner, side, selector), index);
    }
    places
}
