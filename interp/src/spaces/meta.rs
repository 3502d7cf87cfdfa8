//! Mirrors, and the meta-object protocol on a suspended space (Espell, section 4): what all its parts share.
//!
//! None of the operations runs code of the space: however broken its library is meanwhile, they do what they say. An operation that is refused
//! has changed nothing.

use instar_heap::{ClassIndex, Oop};

use super::error::MirrorError;
use super::handles::{Handle, Target};
use super::object_space::Measure;
use super::parked::{Entered, Parked};
use crate::objects::layout::behavior;
use crate::objects::{Known, Value};
use crate::vm::Space;
use crate::vm::space::Root;

/// Answers for an object of some space, outside it. It does not keep the object alive while the space runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mirror {
    pub(super) space: u64,
    pub(super) handle: Handle,
}

impl Mirror {
    /// The number of its space.
    pub fn space(self) -> u64 {
        self.space
    }

    /// The mirror as two numbers, for guests.
    pub(crate) fn to_numbers(self) -> (u64, u64) {
        (self.space, u64::from(self.handle.generation) << 28 | u64::from(self.handle.number))
    }

    /// The mirror of two numbers. Any numbers are safe: what they do not name is released.
    pub(crate) fn of_numbers(space: u64, handle: u64) -> Mirror {
        let (number, generation) = ((handle & ((1 << 28) - 1)) as u32, (handle >> 28) as u32);
        Mirror { space, handle: Handle { number, generation } }
    }
}

type PutBack<'a> = Box<dyn FnOnce(Parked) + 'a>;

/// The meta-object of a suspended space. The space cannot be resumed while this lives.
pub struct Meta<'a> {
    id: u64,
    entered: Option<(Entered, PutBack<'a>)>,
}

impl Drop for Meta<'_> {
    fn drop(&mut self) {
        if let Some((space, put_back)) = self.entered.take() {
            put_back(space.leave());
        }
    }
}

impl std::fmt::Debug for Meta<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meta").field("space", &self.id).finish_non_exhaustive()
    }
}

impl<'a> Meta<'a> {
    pub(super) fn new(id: u64, entered: Entered, put_back: PutBack<'a>) -> Meta<'a> {
        Meta { id, entered: Some((entered, put_back)) }
    }

    /// The space itself, for hosts. What runs in it here runs on the caller's thread.
    pub fn space(&mut self) -> &mut Space {
        self.own_mut()
    }

    pub(super) fn own(&self) -> &Space {
        self.entered.as_ref().map_or_else(|| unreachable!("it is there until the drop"), |(space, _)| space)
    }

    pub(super) fn own_mut(&mut self) -> &mut Space {
        self.entered.as_mut().map_or_else(|| unreachable!("it is there until the drop"), |(space, _)| space)
    }

    /// A mirror of something that was read from the space just now.
    pub(super) fn mirror(&mut self, oop: Oop) -> Mirror {
        let handle = self.own_mut().roots.mirrors.add(oop);
        Mirror { space: self.id, handle }
    }

    /// What a mirror answers for.
    pub(super) fn value(&self, mirror: Mirror) -> Result<Value<'_>, MirrorError> {
        if mirror.space != self.id {
            return Err(MirrorError::WrongSpace { expected: self.id, found: mirror.space });
        }
        match self.own().roots.mirrors.get(mirror.handle) {
            Target::Live(oop) => Ok(self.own().value(oop)),
            Target::Dead => Err(MirrorError::Dead),
            Target::Released => Err(MirrorError::Released),
        }
    }

    pub(super) fn oop(&self, mirror: Mirror) -> Result<Oop, MirrorError> {
        self.value(mirror).map(Value::oop)
    }

    /// A class, or its metaclass.
    pub(super) fn class_value(&self, mirror: Mirror) -> Result<Value<'_>, MirrorError> {
        let value = self.value(mirror)?;
        let has_slots = value.slots() > behavior::CLASS_INDEX;
        if has_slots && self.own().is_behavior(value) {
            return Ok(value);
        }
        Err(MirrorError::WrongShape(format!("{} is no class", self.describe(value))))
    }

    pub(super) fn class_root(&mut self, mirror: Mirror) -> Result<Root, MirrorError> {
        let class = self.class_value(mirror)?.oop();
        Ok(self.own_mut().root(class))
    }

    /// The index of a class's instances, if it can have any.
    pub(super) fn index_of(&self, class: Value<'_>) -> Option<ClassIndex> {
        let index = class.slot(behavior::CLASS_INDEX)?.as_integer()?;
        let index = u32::try_from(index).ok().and_then(ClassIndex::new)?;
        let is_known = index.is_built_in() || self.own().mutator.heap().classes.spec(index).is_some();
        is_known.then_some(index)
    }

    /// What an object is called in errors.
    pub(super) fn describe(&self, value: Value<'_>) -> String {
        if let Some(text) = value.text() {
            return format!("{text:?}");
        }
        if value.is_nil() {
            return "nil".to_owned();
        }
        format!("an instance of {}", self.own().describe_class(value.class()))
    }

    /// A mirror of nil.
    pub fn nil(&mut self) -> Mirror {
        let nil = self.own().nil();
        self.mirror(nil)
    }

    /// A mirror of true or false.
    pub fn boolean(&mut self, value: bool) -> Mirror {
        let boolean = self.own().boolean(value);
        self.mirror(boolean)
    }

    /// A mirror of an Integer.
    ///
    /// # Errors
    /// [`MirrorError::Memory`]
    pub fn integer(&mut self, value: i64) -> Result<Mirror, MirrorError> {
        let integer = self.own_mut().new_integer(value)?;
        Ok(self.mirror(integer))
    }

    /// A mirror of a new String of the space.
    ///
    /// # Errors
    /// [`MirrorError::Memory`]
    pub fn string(&mut self, text: &str) -> Result<Mirror, MirrorError> {
        let string = self.own_mut().new_string(text)?;
        Ok(self.mirror(string))
    }

    /// A mirror of the space's Symbol.
    ///
    /// # Errors
    /// [`MirrorError::Memory`]
    pub fn symbol(&mut self, text: &str) -> Result<Mirror, MirrorError> {
        let symbol = self.own_mut().symbol(text)?;
        Ok(self.mirror(symbol))
    }

    /// The text of a String or Symbol.
    ///
    /// # Errors
    /// [`MirrorError`]
    pub fn text_of(&self, object: Mirror) -> Result<Option<String>, MirrorError> {
        Ok(self.value(object)?.text())
    }

    /// The value of a SmallInteger.
    ///
    /// # Errors
    /// [`MirrorError`]
    pub fn integer_of(&self, object: Mirror) -> Result<Option<i64>, MirrorError> {
        Ok(self.value(object)?.as_integer())
    }

    /// Whether it is nil.
    ///
    /// # Errors
    /// [`MirrorError`]
    pub fn is_nil(&self, object: Mirror) -> Result<bool, MirrorError> {
        Ok(self.value(object)?.is_nil())
    }

    /// The name of a class; of any other object, what it is.
    ///
    /// # Errors
    /// [`MirrorError`]
    pub fn description_of(&self, object: Mirror) -> Result<String, MirrorError> {
        let value = self.value(object)?;
        let is_class = value.slots() > behavior::CLASS_INDEX && self.own().is_behavior(value);
        Ok(if is_class { self.own().describe_class(value) } else { self.describe(value) })
    }

    /// Whether two mirrors answer for the same object.
    ///
    /// # Errors
    /// [`MirrorError`]
    pub fn is_same(&self, one: Mirror, other: Mirror) -> Result<bool, MirrorError> {
        Ok(self.oop(one)? == self.oop(other)?)
    }

    /// Lets go of a mirror: using it is an error from now on.
    pub fn release(&mut self, mirror: Mirror) {
        if mirror.space == self.id {
            self.own_mut().roots.mirrors.release(mirror.handle);
        }
    }

    /// Lets the mirror keep its object alive while the space runs, until it is released: for what is compiled before an update.
    ///
    /// # Errors
    /// [`MirrorError`]
    pub fn hold(&mut self, mirror: Mirror) -> Result<(), MirrorError> {
        self.value(mirror)?;
        self.own_mut().roots.mirrors.hold(mirror.handle, true);
        Ok(())
    }

    /// Lets go of all mirrors of the space.
    pub fn release_all(&mut self) {
        self.own_mut().roots.mirrors.release_all();
    }

    /// How large the space is.
    pub fn measure(&mut self) -> Measure {
        let space = self.own_mut();
        let mut objects = 0;
        space.for_each_object(|_| objects += 1);
        Measure {
            bytes: space.mutator.heap().used_bytes(),
            objects,
            processes: space.roots.stacks.iter().flatten().count(),
            mirrors: space.roots.mirrors.len(),
        }
    }

    /// A digest of all that the space is: equal as long as nothing has changed. Takes about 1 µs for each object.
    ///
    /// # Errors
    /// [`MirrorError::Memory`]
    pub fn digest(&mut self) -> Result<u64, MirrorError> {
        let empty = self.array_of(&[])?;
        Ok(self.own_mut().digest(empty, empty)?)
    }

    /// Collects the space's garbage.
    pub fn collect(&mut self) {
        let space = self.own_mut();
        space.mutator.collect(instar_gc::Collection::Full);
        space.after_collection();
    }

    /// Compiles statements into a process of their own, which runs when the space is resumed.
    ///
    /// # Errors
    /// [`MirrorError::Source`] and [`MirrorError::Memory`]
    pub fn start(&mut self, source: &str) -> Result<Mirror, MirrorError> {
        let process = self.own_mut().prepare(source)?;
        self.own_mut().resume(process);
        Ok(self.mirror(process))
    }

    /// Whether it is a Process.
    pub(super) fn process_value(&self, mirror: Mirror) -> Result<Value<'_>, MirrorError> {
        let value = self.value(mirror)?;
        if value.is_kind_of(Known::Process) {
            return Ok(value);
        }
        Err(MirrorError::WrongShape(format!("{} is no Process", self.describe(value))))
    }
}
