//! Values that are no Booleans where inlined control flow tests for one.
//!
//! The compiler inlines `value ifTrue: [ … ]`; a value that is no Boolean must be sent the message all the same, as Pharo does. So
//! the message is compiled once more from the method's source, with its blocks in variables, which are not inlined, and runs as a block
//! of the same home:
//!
//! ```text
//! [ :receiver :context | | temporaries blocks answer |
//!     temporary := context tempNamed: 'temporary'. …
//!     block := [ … ]. …
//!     answer := receiver ifTrue: block.
//!     context tempNamed: 'temporary' put: temporary. …
//!     answer ]
//! ```
//!
//! A closure that outlives the message has the temporaries as they were then. Messages that cannot be compiled so (loops, whose receiver
//! is a block) send `mustBeBoolean`, and the test is repeated with what that answers.

#![allow(unsafe_code)]

use instar_heap::Oop;

use super::Space;
use super::install::MethodFacts;
use super::run::Exit;
use crate::bootstrap::ClassScope;
use crate::code::{CodeKind, Instruction};
use crate::compiler::compile_doit;
use crate::objects::layout::{COMPILED_NAMED, closure, compiled};
use crate::objects::{Known, Special, Value};
use crate::syntax::{ExpressionKind, SelectorKind, Statement, parse_doit};

/// A test that met a value which is no Boolean.
struct Test {
    /// Source of the message, receiver included.
    message: String,
    /// Names that the method's temporaries have.
    names: Vec<String>,
    /// Where the result goes.
    result: u8,
    /// Where execution goes on: a word number.
    join: usize,
}

impl Space {
    /// The value in `register` was tested and is neither true nor false. A forwarder is followed and tested again.
    #[cold]
    pub(crate) fn test_other(&mut self, register: &mut Oop) -> Option<Exit> {
        let value = self.value(*register).oop();
        if value != *register {
            *register = value;
            return None;
        }
        match self.test_under_way().and_then(|test| self.send_tested(&test, value)) {
            Some(exit) => exit,
            None => self.must_be_boolean(value),
        }
    }

    /// The test is repeated with what `mustBeBoolean` answers.
    fn must_be_boolean(&mut self, value: Oop) -> Option<Exit> {
        // SAFETY: [synced]
        let tested = unsafe { Instruction(*(*self.roots.frame).pc).a() as u8 };
        let kept = self.root(value);
        let window = self.push_trampoline(Some(tested));
        let value = self.rooted(kept).oop();
        self.release(kept);
        let Some(window) = window else {
            return self.terminate_active("the stack overflowed while a value that is no Boolean was tested");
        };
        // SAFETY: the trampoline has room for operands.
        unsafe {
            *window = value;
            self.send(window, 0, Special::MustBeBoolean)
        }
    }

    fn test_under_way(&self) -> Option<Test> {
        // SAFETY: [synced], [frame-code]
        let (frame, code) = unsafe { (&*self.roots.frame, &*(*self.roots.frame).code) };
        // SAFETY: the pc lies inside the code.
        let word = unsafe { frame.pc.offset_from(code.words.as_ptr()) } as u32;
        let test = code.tests.iter().find(|test| test.branch == word)?;
        let mut method = self.value(frame.method);
        while let Some(outer) = method.slot(compiled::OUTER).filter(|outer| !outer.is_nil()) {
            method = outer;
        }
        let source = method.slot(compiled::SOURCE)?.text()?;
        let message = source.get(test.message.start as usize..test.message.end as usize)?.to_owned();
        let mut names: Vec<String> = code.names.iter().map(|name| name.name.clone()).collect();
        names.sort();
        names.dedup();
        Some(Test { message, names, result: test.result, join: test.join as usize })
    }

    /// Runs the message. `None` if it cannot be done so: nothing has changed then.
    #[expect(clippy::option_option, reason = "not possible, or begun and then perhaps an exit")]
    fn send_tested(&mut self, test: &Test, value: Oop) -> Option<Option<Exit>> {
        let source = fragment(test)?;
        let first = self.root(value);
        let begun = self.begin_tested(&source, test, first);
        self.release(first);
        begun
    }

    #[expect(clippy::option_option, reason = "as above")]
    fn begin_tested(&mut self, source: &str, test: &Test, value: super::space::Root) -> Option<Option<Exit>> {
        let context = self.context_of_top().ok()?;
        let context = self.root(context);
        // SAFETY: [synced]
        let (method, receiver) = unsafe { ((*self.roots.frame).method, *(*self.roots.frame).base) };
        let class = self.holder_of(self.value(method))?.oop();
        let receiver = self.root(receiver);
        let class = self.root(class);
        let variables = self.instance_variables(self.rooted(class));
        let info = compile_doit(source, &ClassScope::new(self, self.rooted(class), &variables)).ok()?;
        let selector = self.special(Special::DoIt);
        let selector = self.root(selector);
        let facts = MethodFacts { source, protocol: "do-its", ..MethodFacts::default() };
        let doit = self.new_method(&info, selector, class, &facts).ok()?;
        let doit = self.root(doit);
        let closure = self.allocate_known(Known::BlockClosure, 0).ok()?.oop();
        let closure = self.root(closure);
        let doit = self.rooted(doit);
        let block = (COMPILED_NAMED..doit.slots())
            .find_map(|at| doit.slot(at).filter(|it| it.is(Known::CompiledBlock)))?;
        let (block, receiver) = (block.oop(), self.rooted(receiver).oop());
        let home = self.home_of_top();
        for (slot, part) in [(closure::RECEIVER, receiver), (closure::BLOCK, block), (closure::HOME, home)] {
            self.store_rooted(closure, slot, part);
        }
        let window = self.push_trampoline(Some(test.result))?;
        // SAFETY: the trampoline has room for operands; the frame below it goes on at the join, which is in its code.
        unsafe {
            let below = &mut *self.roots.frame.sub(1);
            below.pc = (*below.code).words.as_ptr().add(test.join);
            *window = self.rooted(closure).oop();
            *window.add(1) = self.rooted(value).oop();
            *window.add(2) = self.rooted(context).oop();
            self.push_block(window, 2)
        }
    }

    /// What closures have as home that are made in the top frame.
    fn home_of_top(&mut self) -> Oop {
        let frame = self.roots.frame;
        // SAFETY: [synced]
        unsafe {
            if (*(*frame).code).kind == CodeKind::Block {
                return self.value((*frame).closure).slot(closure::HOME).map_or(self.nil(), Value::oop);
            }
            self.home_of(frame)
        }
    }
}

/// The source of the block that sends the message, `None` for a message that it does not fit.
fn fragment(test: &Test) -> Option<String> {
    let tree = parse_doit(&test.message).ok()?;
    let [Statement::Expression(expression)] = tree.body.statements.as_slice() else { return None };
    let ExpressionKind::Send(send) = &expression.kind else { return None };
    if send.message.selector.kind != SelectorKind::Keyword
        || matches!(send.receiver.kind, ExpressionKind::Block(_))
    {
        return None;
    }
    let text = |expression: &crate::syntax::Expression<'_>| {
        test.message.get(expression.span.start as usize..expression.span.end as usize)
    };
    let mut blocks = String::new();
    let mut message = String::new();
    let mut declared = String::new();
    let parts = send.message.selector.text.split_inclusive(':');
    for (number, (part, argument)) in parts.zip(&send.message.arguments).enumerate() {
        blocks.push_str(&format!("block__{number} := {}. ", text(argument)?));
        message.push_str(&format!(" {part} block__{number}"));
        declared.push_str(&format!(" block__{number}"));
    }
    let used: Vec<&String> = test.names.iter().filter(|name| mentions(&test.message, name)).collect();
    let read: String = used.iter().map(|name| format!("{name} := context__ tempNamed: '{name}'. ")).collect();
    let write: String =
        used.iter().map(|name| format!("context__ tempNamed: '{name}' put: {name}. ")).collect();
    let names: String = used.iter().map(|name| format!(" {name}")).collect();
    Some(format!(
        "[ :receiver__ :context__ | |{names}{declared} answer__ | {read}{blocks}answer__ := receiver__{message}. {write}answer__ ]"
    ))
}

/// Whether `name` occurs in the source as a word.
fn mentions(source: &str, name: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    source.match_indices(name).any(|(at, _)| {
        let before = source[..at].chars().next_back().is_some_and(is_part);
        let after = source[at + name.len()..].chars().next().is_some_and(is_part);
        !before && !after
    })
}
