//! Dictionaries of associations with Symbols as keys: globals, class pools, workspaces.
//!
//! They are IdentityDictionaries, which the guest reads and writes as well: a key stands where `IdentityDictionary>>scanFor:` looks for it.

use instar_heap::{HeapError, Oop};

use super::Space;
use super::space::Root;
use crate::objects::layout::{association, hashed};
use crate::objects::{Known, Value};

impl Space {
    /// Puts an association into a dictionary of associations, in place of one with the same key.
    ///
    /// # Errors
    /// [`HeapError`]; nothing has changed then.
    pub(crate) fn insert_association(
        &mut self,
        dictionary: Root,
        association: Root,
    ) -> Result<(), HeapError> {
        self.grow_dictionary(dictionary)?;
        let key = self.rooted(association).slot(association::KEY).map_or(self.nil(), Value::oop);
        let dictionary_value = self.rooted(dictionary);
        let Some(array) = dictionary_value.slot(hashed::ARRAY) else { return Ok(()) };
        let Some((at, is_new)) = place_of(array, key) else { return Ok(()) };
        if let Some(object) = array.object() {
            self.put(object.oop(), at, self.rooted(association).oop());
        }
        if is_new {
            self.count_one_more(dictionary);
        }
        Ok(())
    }

    pub(super) fn count_one_more(&mut self, dictionary: Root) {
        let tally = self.rooted(dictionary).slot(hashed::TALLY).and_then(Value::as_integer).unwrap_or(0);
        let tally = Oop::small_integer(tally + 1).unwrap_or(self.nil());
        self.store_rooted(dictionary, hashed::TALLY, tally);
    }

    fn grow_dictionary(&mut self, dictionary: Root) -> Result<(), HeapError> {
        let size = self.rooted(dictionary).slot(hashed::ARRAY).map_or(0, Value::slots);
        let tally = self.rooted(dictionary).slot(hashed::TALLY).and_then(Value::as_index).unwrap_or(0);
        if (tally + 1) * 4 <= size * 3 {
            return Ok(());
        }
        let larger = self.allocate_known(Known::Array, (size * 2).max(32))?.oop();
        let larger = self.value(larger);
        if let Some(old) = self.rooted(dictionary).slot(hashed::ARRAY) {
            for association in
                (0..old.slots()).filter_map(|index| old.slot(index)).filter(|slot| !slot.is_nil())
            {
                let key = association.slot(association::KEY).map_or(self.nil(), Value::oop);
                if let (Some((at, _)), Some(object)) = (place_of(larger, key), larger.object()) {
                    self.put(object.oop(), at, association.oop());
                }
            }
        }
        let larger = larger.oop();
        self.store_rooted(dictionary, hashed::ARRAY, larger);
        Ok(())
    }

    /// Takes the association with this key out of a dictionary of associations.
    ///
    /// # Errors
    /// [`HeapError`]; nothing has changed then.
    pub(crate) fn remove_association(
        &mut self,
        dictionary: Root,
        key: Root,
    ) -> Result<Option<Oop>, HeapError> {
        let key_oop = self.rooted(key).oop();
        let Some(found) = association_at(self.rooted(dictionary), key_oop) else { return Ok(None) };
        let found = found.oop();
        let found = self.root(found);
        let size = self.rooted(dictionary).slot(hashed::ARRAY).map_or(0, Value::slots);
        let array = self.allocate_known(Known::Array, size)?.oop();
        // All others are put in anew: with open addressing a gap would hide some.
        let (array, removed) = (self.value(array), self.rooted(found).oop());
        if let Some(old) = self.rooted(dictionary).slot(hashed::ARRAY) {
            let others = (0..size).filter_map(|at| old.slot(at));
            for other in others.filter(|other| !other.is_nil() && other.oop() != removed) {
                let key = other.slot(association::KEY).map_or(self.nil(), Value::oop);
                if let (Some((at, _)), Some(object)) = (place_of(array, key), array.object()) {
                    self.put(object.oop(), at, other.oop());
                }
            }
        }
        let tally = self.rooted(dictionary).slot(hashed::TALLY).and_then(Value::as_integer).unwrap_or(1);
        let array = array.oop();
        self.store_rooted(dictionary, hashed::ARRAY, array);
        self.store_rooted(dictionary, hashed::TALLY, Oop::small_integer(tally - 1).unwrap_or(Oop::NULL));
        let oop = self.rooted(found).oop();
        self.release(found);
        Ok(Some(oop))
    }
}

/// Where an association with this key is, or would go, in a dictionary's array, and whether it is not there yet.
fn place_of(array: Value<'_>, key: Oop) -> Option<(usize, bool)> {
    let size = array.slots();
    let start = array.space().value(key).identity_hash() as usize % size.max(1);
    for step in 0..size {
        let at = (start + step) % size;
        let element = array.slot(at)?;
        if element.is_nil() {
            return Some((at, true));
        }
        if element.slot(association::KEY).is_some_and(|other| other.oop() == key) {
            return Some((at, false));
        }
    }
    None
}

/// The association with this Symbol as key.
pub(crate) fn association_at<'s>(dictionary: Value<'s>, key: Oop) -> Option<Value<'s>> {
    let array = dictionary.slot(hashed::ARRAY)?;
    match place_of(array, key)? {
        (at, false) => array.slot(at),
        (_, true) => None,
    }
}
