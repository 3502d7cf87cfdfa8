//! Sends from outside the dispatch loop, and what becomes of those that the loop cannot finish.

#![allow(unsafe_code)]

use instar_become::{Access, AlwaysCheck};
use instar_heap::{ClassIndex, Obj, Oop};

use super::Space;
use super::lookup::{Found, class_of, followed, is_immutable};
use super::run::Exit;
use super::stack::MOST_REGISTERS;
use crate::code::{Action, Code, CodeKind, Entry, Site};
use crate::objects::layout::{CLOSURE_NAMED, behavior, compiled};
use crate::objects::{Known, Special, Value};
use crate::primitives::{Call, Flow};

impl Space {
    /// Sends a message in the place of the instruction under way, whose result it becomes. The operands stand at `window`.
    ///
    /// # Safety
    /// [synced]; the window lies in or right above the top frame's registers and holds receiver and arguments.
    pub(crate) unsafe fn send(
        &mut self,
        window: *mut Oop,
        arguments: usize,
        selector: Special,
    ) -> Option<Exit> {
        let selector = self.special(selector);
        // SAFETY: the caller's promise.
        unsafe { self.send_selector(window, arguments, selector) }
    }

    /// As [`send`](Self::send), with any selector.
    ///
    /// # Safety
    /// As for [`send`](Self::send).
    pub(crate) unsafe fn send_selector(
        &mut self,
        window: *mut Oop,
        arguments: usize,
        selector: Oop,
    ) -> Option<Exit> {
        // SAFETY: the caller's promise.
        unsafe {
            *window = followed(*window);
            let class = ClassIndex::new(class_of(*window)).unwrap_or(ClassIndex::FREE);
            let entry = self.entry_for(class, selector, arguments);
            self.follow_entry(entry, window, arguments, selector)
        }
    }

    /// Copies operands above the top frame's registers and sends, as [`send`](Self::send) does.
    pub(crate) fn send_above(&mut self, selector: Special, operands: &[Oop]) -> Option<Exit> {
        let window = self.window_above();
        // SAFETY: registers reach behind the stack's limit by more than the few operands of the runtime's messages; [synced].
        unsafe {
            debug_assert!(operands.len() < MOST_REGISTERS / 2);
            for (index, operand) in operands.iter().enumerate() {
                *window.add(index) = *operand;
            }
            self.send(window, operands.len() - 1, selector)
        }
    }

    /// Does what a lookup's result says.
    ///
    /// # Safety
    /// As for [`send`](Self::send); `entry` is right for the receiver.
    pub(crate) unsafe fn follow_entry(
        &mut self,
        entry: Entry,
        window: *mut Oop,
        arguments: usize,
        selector: Oop,
    ) -> Option<Exit> {
        // SAFETY: the caller's promise; the entry's class is the receiver's.
        unsafe {
            let receiver = *window;
            let mut reason = Oop::NULL;
            // Not once more if it is the answer to a shortage that runs short.
            let is_shortage = |space: &Space, failure| {
                selector != space.special(Special::OutOfMemory) && space.is_shortage(failure, &*entry.code)
            };
            match entry.action {
                Action::Activate | Action::ArrayAt | Action::ArrayAtPut => {}
                Action::Getter(slot) => {
                    let value = Access::<AlwaysCheck>::new(&self.mutator)
                        .load(Obj::from_oop(receiver), slot as usize);
                    self.complete(value);
                    return None;
                }
                Action::Setter(slot) => {
                    let holder = Obj::from_oop(receiver);
                    if !is_immutable(holder) {
                        self.store(holder, slot as usize, *window.add(1));
                        self.complete(receiver);
                        return None;
                    }
                }
                Action::Receiver => {
                    self.complete(receiver);
                    return None;
                }
                Action::Constant(value) => {
                    self.complete(value);
                    return None;
                }
                Action::Plain(function) => {
                    self.roots.above = window.add(arguments + 1);
                    let answer = function(self, Call { window, arguments });
                    self.roots.above = std::ptr::null_mut();
                    match answer {
                        Ok(value) => {
                            self.complete(value);
                            return None;
                        }
                        Err(failure) if is_shortage(self, failure) => return self.signal_shortage(window),
                        Err(failure) => reason = failure.0,
                    }
                }
                Action::Control(function) => {
                    self.roots.above = window.add(arguments + 1);
                    let flow = function(self, Call { window, arguments });
                    self.roots.above = std::ptr::null_mut();
                    match flow {
                        Ok(Flow::Answer(value)) => {
                            self.complete(value);
                            return None;
                        }
                        Ok(Flow::Resume) => return self.resumed(),
                        Err(failure) if is_shortage(self, failure) => return self.signal_shortage(window),
                        Err(failure) => reason = failure.0,
                    }
                }
                Action::BlockValue => {
                    if let Some(exit) = self.push_block(window, arguments) {
                        return exit;
                    }
                }
                Action::NotUnderstood => {
                    self.roots.above = window.add(arguments + 1);
                    return self.not_understood_selector(window, arguments, selector);
                }
            }
            self.push_frame(entry.code, window, Oop::NULL, reason)
        }
    }

    /// The code to run for the closure at `window`, whose parts now stand where the code expects them. `None` if it is none, or takes another
    /// number of arguments: nothing has changed then.
    ///
    /// # Safety
    /// As for [`send`](Self::send).
    unsafe fn opened_block(&self, window: *mut Oop, arguments: usize) -> Option<(*const Code, Oop)> {
        // SAFETY: the caller's promise; the window is within the slack behind the stack's limit.
        unsafe {
            let closure = self.value(*window);
            if !closure.is(Known::BlockClosure) {
                return None;
            }
            let code = self.code_of(closure.slot(crate::objects::layout::closure::BLOCK)?)?;
            let copied = closure.slots().checked_sub(CLOSURE_NAMED)?;
            if code.kind != CodeKind::Block
                || code.copied as usize != copied
                || code.arguments as usize != arguments
            {
                return None;
            }
            let object = closure.object()?;
            Some((super::run::enter_block(code, window, object), object.oop()))
        }
    }

    /// Pushes the frame of the closure at `window`, with the arguments that follow it. `None` if it is no such closure: nothing has
    /// changed then.
    ///
    /// # Safety
    /// As for [`send`](Self::send).
    #[expect(clippy::option_option, reason = "not a block, or pushed and then perhaps an exit")]
    pub(crate) unsafe fn push_block(&mut self, window: *mut Oop, arguments: usize) -> Option<Option<Exit>> {
        // SAFETY: the caller's promise.
        unsafe {
            let (code, closure) = self.opened_block(window, arguments)?;
            Some(self.push_frame(code, window, closure, Oop::NULL))
        }
    }

    /// As [`push_block`](Self::push_block), without a poll; false if it is no such closure or the stack is full.
    ///
    /// # Safety
    /// As for [`send`](Self::send).
    pub(crate) unsafe fn push_block_quietly(&mut self, window: *mut Oop, arguments: usize) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            let opened = self.opened_block(window, arguments);
            opened.is_some_and(|(code, closure)| self.push_frame_quietly(code, window, closure, Oop::NULL))
        }
    }

    /// No method: `doesNotUnderstand:` with a Message. `site` has the selector.
    ///
    /// # Safety
    /// As for [`send`](Self::send); `site` is a cache of the top frame's code.
    #[cold]
    pub(crate) unsafe fn not_understood(
        &mut self,
        window: *mut Oop,
        arguments: usize,
        site: *const Site,
    ) -> Option<Exit> {
        // SAFETY: the caller's promise.
        unsafe {
            let selector = self.selector_of((*site).selector, (*self.roots.frame).method);
            self.not_understood_selector(window, arguments, selector)
        }
    }

    /// # Safety
    /// As for [`send`](Self::send); `roots.above` is the end of the operands.
    unsafe fn not_understood_selector(
        &mut self,
        window: *mut Oop,
        arguments: usize,
        selector: Oop,
    ) -> Option<Exit> {
        // SAFETY: the caller's promise.
        unsafe {
            let class = ClassIndex::new(class_of(*window)).unwrap_or(ClassIndex::FREE);
            let class_object = self.value(*window).class().oop();
            if let Some(Found::Object(method)) = self.lookup(class_object, selector) {
                return self.run_object(method, window, arguments, selector);
            }
            let entry = self.entry_for(class, self.special(Special::DoesNotUnderstand), 1);
            let is_hopeless = matches!(entry.action, Action::NotUnderstood);
            if is_hopeless || selector == self.special(Special::DoesNotUnderstand) {
                let text = self.value(selector).text().unwrap_or_default();
                let class = self.describe_class(self.value(*window).class());
                return self.terminate_active(&format!(
                    "{class} understands neither #{text} nor #doesNotUnderstand:"
                ));
            }
            let first = self.root(selector);
            for index in 1..=arguments {
                self.root(*window.add(index));
            }
            let message = self.new_message(first);
            self.release(first);
            self.roots.above = std::ptr::null_mut();
            match message {
                Ok(message) => {
                    *window.add(1) = message;
                    self.follow_entry(entry, window, 1, self.special(Special::DoesNotUnderstand))
                }
                Err(error) => self.out_of_memory(&error),
            }
        }
    }

    /// What a method dictionary holds is no method: it is sent `run:with:in:` with selector, arguments and receiver.
    ///
    /// # Safety
    /// As for [`send`](Self::send); `roots.above` is the end of the operands.
    unsafe fn run_object(
        &mut self,
        method: Oop,
        window: *mut Oop,
        arguments: usize,
        selector: Oop,
    ) -> Option<Exit> {
        // SAFETY: the caller's promise.
        unsafe {
            let method = self.root(method);
            let selector = self.root(selector);
            let receiver = self.root(*window);
            let first = self.mark_roots();
            for index in 1..=arguments {
                self.root(*window.add(index));
            }
            let array = self.new_array_of_roots(first);
            self.roots.above = std::ptr::null_mut();
            let operands = [method, selector, receiver].map(|root| self.rooted(root).oop());
            self.release(method);
            let array = match array {
                Ok(array) => array,
                Err(error) => return self.out_of_memory(&error),
            };
            for (index, operand) in [operands[0], operands[1], array, operands[2]].into_iter().enumerate() {
                *window.add(index) = operand;
            }
            self.send(window, 3, Special::RunWithIn)
        }
    }

    /// A class's name for messages of the runtime.
    pub(crate) fn describe_class(&self, class: Value<'_>) -> String {
        use crate::objects::layout::{class as class_layout, metaclass};
        let name = |class: Value<'_>| class.slot(class_layout::NAME).and_then(Value::text);
        if class.is(Known::Metaclass) || class.is(Known::ClassTrait) {
            let this = class.slot(metaclass::THIS_CLASS).and_then(name);
            return format!("{} class", this.unwrap_or_else(|| "?".to_owned()));
        }
        name(class).unwrap_or_else(|| "?".to_owned())
    }

    /// What a super send does for receivers of `class`: the lookup begins above the class that holds the method.
    ///
    /// # Safety
    /// `site` is a cache of the top frame's code.
    #[cold]
    pub(crate) unsafe fn super_entry(&mut self, site: &Site, class: u32) -> Entry {
        // SAFETY: [synced]
        let method = unsafe {
            self.note_learning();
            (*self.roots.frame).method
        };
        let selector = self.selector_of(site.selector, method);
        let above = self.holder_of(self.value(method)).and_then(|class| class.slot(behavior::SUPERCLASS));
        let start = above.map_or(self.nil(), Value::oop);
        let class = ClassIndex::new(class).unwrap_or(ClassIndex::FREE);
        self.caches_used = true;
        self.entry_from(start, class, selector, usize::from(site.arguments))
    }

    /// The class that holds the method of this code, which may be a block's.
    pub(crate) fn holder_of<'s>(&self, code: Value<'s>) -> Option<Value<'s>> {
        let mut code = code;
        while code.is(Known::CompiledBlock) {
            code = code.slot(compiled::OUTER)?;
        }
        code.slot(compiled::METHOD_CLASS)
    }

    /// A store was refused because the object is immutable (or has no such slot): `attemptToAssign:withIndex:`, whose result is that of the
    /// assignment.
    #[cold]
    pub(crate) fn refuse_store(&mut self, object: Oop, value: Oop, slot: usize) -> Option<Exit> {
        let index = Oop::small_integer(slot as i64 + 1).unwrap_or(self.nil());
        self.send_above(Special::AttemptToAssign, &[object, value, index])
    }

    /// The receiver of a send is a forwarder. Follows it in its register, and heals what it may have come from, so that the next
    /// send does not miss: the frame's registers, the receiver's named slots, the values that the closure copied, and cells.
    ///
    /// # Safety
    /// [synced], and `window` holds live operands.
    #[cold]
    pub(crate) unsafe fn heal_send(&mut self, window: *mut Oop) {
        // SAFETY: the caller's promise.
        unsafe {
            *window = followed(*window);
            let frame = &*self.roots.frame;
            let code = &*frame.code;
            let height = code.heights[frame.pc.offset_from(code.words.as_ptr()) as usize];
            let access = Access::<AlwaysCheck>::new(&self.mutator);
            let heal_slots = |object: Obj, most: usize| {
                let slots = object.pointer_slots_of(object.header()).min(most);
                for slot in 0..slots {
                    access.load(object, slot);
                }
            };
            for index in 0..usize::from(height) {
                let register = &mut *frame.base.add(index);
                *register = followed(*register);
                if register.is_pointer() && class_of(*register) == self.class_index(Known::Cells).get() {
                    heal_slots(Obj::from_oop(*register), usize::MAX);
                }
            }
            let receiver = self.value(*frame.base);
            if let Some(object) = receiver.object() {
                heal_slots(object, receiver.named_slots());
            }
            if code.kind == CodeKind::Block {
                heal_slots(Obj::from_oop(frame.closure), usize::MAX);
            }
        }
    }

    /// The cells object in a register, if it has element `index`. A forwarder there is followed.
    #[inline(always)]
    pub(crate) fn cells(&self, register: &mut Oop, index: usize) -> Option<Obj> {
        if !register.is_pointer() {
            return None;
        }
        // SAFETY: registers hold live references.
        let object = unsafe { Obj::from_oop(*register) };
        let header = object.header();
        if header.has_class(self.class_index(Known::Cells)) && index < object.slots_of(header) {
            return Some(object);
        }
        self.other_cells(register, index)
    }

    #[cold]
    fn other_cells(&self, register: &mut Oop, index: usize) -> Option<Obj> {
        let value = self.value(*register);
        *register = value.oop();
        value.object().filter(|_| index < value.slots())
    }

    /// The binding that a literal is, if it still has a value slot.
    #[inline(always)]
    pub(crate) fn binding(&self, literal: Oop) -> Option<Obj> {
        if !literal.is_pointer() {
            return None;
        }
        // SAFETY: literals are live references.
        let object = unsafe { Obj::from_oop(literal) };
        let header = object.header();
        if header.has_class(self.class_index(Known::Association)) {
            return Some(object);
        }
        let value = self.value(literal);
        value.object().filter(|_| value.slots() > crate::objects::layout::association::VALUE)
    }
}
