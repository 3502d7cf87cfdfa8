//! The dispatch loop.
//!
//! One function runs all code of a space, monomorphised for each become strategy. It keeps the top frame, its registers' address, the
//! next instruction and the inline caches in local variables; whatever may collect, change frames or look at the stack finds them in the
//! space, where `sync` writes them and from where `load` reads them back.
//!
//! \[synced\] Whenever something outside the loop runs, `roots.frame` is the top frame and its `pc` the instruction under way (or, after
//! a control primitive, the next one).

#![allow(unsafe_code)]

use instar_become::{Access, AlwaysCheck, FullScan, Lazy, Strategy};
use instar_heap::{ClassIndex, Format, Header, Obj, Oop};

use super::Space;
use super::lookup::{class_of, is_immutable};
use super::space::BecomeStrategy;
use super::stack::{Frame, Mark};
use crate::code::{Action, Code, CodeKind, Instruction, Op, Site};
use crate::objects::layout::{CLOSURE_NAMED, COMPILED_NAMED, association, closure, compiled};
use crate::objects::{Known, Special};
use crate::primitives::{Call, Flow};

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The process that was waited for ended with this value.
    Finished(Oop),
    /// It was terminated.
    Terminated,
    /// No process can go on, and nothing will wake one.
    Deadlock,
    /// The guest asked the program to end with this status.
    Quit(i32),
    /// The host asked for it.
    Interrupted,
    /// Another thread asked for the space: no process is active.
    Suspended,
    /// An update is pending, and every process stands at an update point or waits.
    Gathered,
}

const FORWARDER: u32 = ClassIndex::FORWARDER.get();
const INTEGER_TAG: u64 = instar_heap::Tag::SmallInteger as u64;
const TAGS: u64 = (1 << instar_heap::oop::TAG_BITS) - 1;

/// Whether both are immediate integers.
#[inline(always)]
fn integers(one: Oop, other: Oop) -> bool {
    ((one.bits() ^ INTEGER_TAG) | (other.bits() ^ INTEGER_TAG)) & TAGS == 0
}

/// `sum` of two tagged integers, less one tag.
#[inline(always)]
fn tagged(value: i64) -> Oop {
    Oop::from_bits((value << instar_heap::oop::TAG_BITS) as u64 | INTEGER_TAG)
}

impl Space {
    /// Runs the active process, and others as scheduled, until the one that is waited for ends.
    pub(crate) fn run(&mut self) -> Exit {
        // SAFETY: the active stack has a frame, [verified] its code, and [synced].
        unsafe {
            match self.options.strategy {
                BecomeStrategy::Lazy => run::<Lazy>(self),
                BecomeStrategy::AlwaysCheck => run::<AlwaysCheck>(self),
                BecomeStrategy::FullScan => run::<FullScan>(self),
            }
        }
    }
}

/// # Safety
/// The active stack has a frame, and [synced].
#[expect(clippy::too_many_lines, reason = "one match over all instructions")]
#[expect(clippy::cognitive_complexity, reason = "one match over all instructions")]
unsafe fn run<S: Strategy>(space: &mut Space) -> Exit {
    // SAFETY: for the whole body: [verified] operands are registers, literals and caches that exist, and the words are instructions;
    // [heights] registers that are read hold live references; [frame-code] frames' code lives; objects are read
    // only after their class or format was compared, or where a named invariant says what they are.
    unsafe {
        let nil = space.nil();
        let yes = space.special(Special::True);
        let no = space.special(Special::False);
        let mut frame: *mut Frame;
        let mut base: *mut Oop;
        let mut pc: *const u32;
        let mut sites: *mut Site;

        macro_rules! load {
            () => {{
                frame = space.roots.frame;
                base = (*frame).base;
                pc = (*frame).pc;
                sites = (*(*frame).code).sites.as_ptr().cast_mut();
            }};
        }
        macro_rules! sync {
            () => {{
                (*frame).pc = pc;
                space.roots.frame = frame;
            }};
        }
        macro_rules! register {
            ($number:expr) => {
                *base.add($number)
            };
        }
        macro_rules! literal {
            ($number:expr) => {
                Obj::from_oop((*frame).method).slot(COMPILED_NAMED + $number)
            };
        }
        // Takes the branch that follows a comparison of two words.
        macro_rules! branch_on {
            ($condition:expr, $words:expr) => {{
                let branch = Instruction(*pc.add($words));
                let wanted = branch.0 as u8 == Op::JumpTrue as u8;
                pc = pc.add($words + 1);
                if $condition == wanted {
                    pc = pc.offset(branch.signed_bx());
                }
                continue;
            }};
        }
        macro_rules! finish {
            ($flow:expr) => {
                match $flow {
                    Some(exit) => return exit,
                    None => load!(),
                }
            };
        }

        // What a forwarder does to a send: the miss follows and heals it. [synced]
        macro_rules! heal_receiver {
            ($window:expr) => {
                if (S::CHECKS_MISSES || S::CHECKS_LOADS) && class_of(*$window) == FORWARDER {
                    space.heal_send($window);
                }
            };
        }

        if let Some(exit) = space.poll() {
            return exit;
        }
        load!();
        loop {
            let at = Instruction(*pc);
            let a = at.a();
            // Arms either go on with the next instruction, or leave here what is to be sent: the address of the receiver's register, behind
            // which the arguments stand, their number, and the cache.
            let (window, arguments, site): (*mut Oop, usize, *mut Site);
            // Operands of a binary message go to the registers above all that are live.
            macro_rules! send_binary {
                ($receiver:expr, $argument:expr) => {{
                    let (receiver, argument) = ($receiver, $argument);
                    let code = &*(*frame).code;
                    let height = code.heights[pc.offset_from(code.words.as_ptr()) as usize];
                    window = base.add(usize::from(height));
                    *window = receiver;
                    *window.add(1) = argument;
                    arguments = 1;
                    site = sites.add(*pc.add(1) as usize);
                }};
            }
            macro_rules! arithmetic {
                ($argument:expr, $checked:expr, $float:expr) => {{
                    let (x, y) = (register!(at.b()), $argument);
                    if integers(x, y) {
                        if let Some(result) = $checked(x, y) {
                            register!(a) = result;
                            pc = pc.add(2);
                            continue;
                        }
                    } else if let Some(result) = float_arithmetic(x, y, $float) {
                        register!(a) = result;
                        pc = pc.add(2);
                        continue;
                    }
                    send_binary!(x, y)
                }};
            }
            macro_rules! bits {
                ($operation:expr) => {
                    bits!(register!(at.c()), $operation)
                };
                ($argument:expr, $operation:expr) => {{
                    let (x, y) = (register!(at.b()), $argument);
                    if integers(x, y) {
                        if let Some(result) = $operation(x, y) {
                            register!(a) = result;
                            pc = pc.add(2);
                            continue;
                        }
                    }
                    send_binary!(x, y)
                }};
            }
            macro_rules! compare {
                ($argument:expr, $operator:tt) => {{
                    let (x, y) = (register!(at.b()), $argument);
                    if integers(x, y) {
                        register!(a) = if (x.bits() as i64) $operator (y.bits() as i64) { yes } else { no };
                        pc = pc.add(2);
                        continue;
                    }
                    if let Some((x, y)) = floats(x, y) {
                        register!(a) = if x $operator y { yes } else { no };
                        pc = pc.add(2);
                        continue;
                    }
                    send_binary!(x, y)
                }};
            }
            macro_rules! compare_branch {
                ($argument:expr, $operator:tt) => {{
                    let (x, y) = (register!(at.b()), $argument);
                    if integers(x, y) {
                        branch_on!(((x.bits() as i64) $operator (y.bits() as i64)), 2);
                    }
                    if let Some((x, y)) = floats(x, y) {
                        branch_on!((x $operator y), 2);
                    }
                    send_binary!(x, y)
                }};
            }
            macro_rules! identical {
                () => {{
                    let (x, y) = (register!(at.b()), register!(at.c()));
                    x == y
                        || (S::CHECKS_MISSES || S::CHECKS_LOADS)
                            && space.mutator.heap().forwarders.any()
                            && Access::<S>::new(&space.mutator).identical(x, y)
                }};
            }
            let op = at.0 as u8;
            // [verified]
            std::hint::assert_unchecked((op as usize) < Op::ALL.len());
            match std::mem::transmute::<u8, Op>(op) {
                Op::Move => {
                    register!(a) = register!(at.b());
                    pc = pc.add(1);
                    continue;
                }
                Op::LoadLiteral => {
                    register!(a) = literal!(at.bx());
                    pc = pc.add(1);
                    continue;
                }
                Op::LoadInteger => {
                    register!(a) = tagged(at.signed_bx() as i64);
                    pc = pc.add(1);
                    continue;
                }
                Op::LoadNil => {
                    register!(a) = nil;
                    pc = pc.add(1);
                    continue;
                }
                Op::LoadTrue => {
                    register!(a) = yes;
                    pc = pc.add(1);
                    continue;
                }
                Op::LoadFalse => {
                    register!(a) = no;
                    pc = pc.add(1);
                    continue;
                }
                Op::LoadSlot => {
                    // [receiver-shape]
                    let receiver = Obj::from_oop(register!(0));
                    register!(a) = Access::<S>::new(&space.mutator).load(receiver, at.bx());
                    pc = pc.add(1);
                    continue;
                }
                Op::StoreSlot => {
                    // [receiver-shape]
                    let receiver = Obj::from_oop(register!(0));
                    let slot = *pc.add(1) as usize;
                    if is_immutable(receiver) {
                        sync!();
                        finish!(space.refuse_store(receiver.oop(), register!(a), slot));
                        continue;
                    }
                    space.mutator.store(receiver, slot, register!(a));
                    pc = pc.add(2);
                    continue;
                }
                Op::LoadSlotChecked => {
                    register!(a) = space.value(register!(0)).slot(at.bx()).map_or(nil, |value| value.oop());
                    pc = pc.add(1);
                    continue;
                }
                Op::StoreSlotChecked => {
                    let slot = *pc.add(1) as usize;
                    let receiver = space.value(register!(0));
                    match receiver.object() {
                        Some(object) if slot < receiver.slots() && !is_immutable(object) => {
                            space.mutator.store(object, slot, register!(a));
                            pc = pc.add(2);
                        }
                        _ => {
                            let receiver = receiver.oop();
                            sync!();
                            finish!(space.refuse_store(receiver, register!(a), slot));
                        }
                    }
                    continue;
                }
                Op::LoadCell => {
                    match space.cells(&mut register!(at.b()), at.c()) {
                        Some(cells) => {
                            register!(a) = Access::<S>::new(&space.mutator).load(cells, at.c());
                        }
                        None => register!(a) = nil,
                    }
                    pc = pc.add(1);
                    continue;
                }
                Op::StoreCell => {
                    if let Some(cells) = space.cells(&mut register!(at.b()), at.c()) {
                        space.mutator.store(cells, at.c(), register!(a));
                    }
                    pc = pc.add(1);
                    continue;
                }
                Op::LoadGlobal => {
                    let binding = literal!(at.bx());
                    register!(a) = match space.binding(binding) {
                        Some(object) => {
                            Access::<S>::new(&space.mutator).load_element(object, association::VALUE)
                        }
                        None => nil,
                    };
                    pc = pc.add(1);
                    continue;
                }
                Op::StoreGlobal => {
                    match space.binding(literal!(*pc.add(1) as usize)) {
                        Some(object) if !is_immutable(object) => {
                            space.mutator.store(object, association::VALUE, register!(a));
                            pc = pc.add(2);
                        }
                        _ => {
                            let binding = space.value(literal!(*pc.add(1) as usize)).oop();
                            sync!();
                            finish!(space.refuse_store(binding, register!(a), association::VALUE));
                        }
                    }
                    continue;
                }
                Op::NewCells => {
                    sync!();
                    match space.allocate_known(Known::Cells, at.b()) {
                        Ok(cells) => {
                            register!(a) = cells.oop();
                            pc = pc.add(1);
                        }
                        Err(error) => finish!(space.out_of_memory(&error)),
                    }
                    continue;
                }
                Op::MakeClosure => {
                    sync!();
                    match make_closure(space, frame, at) {
                        Some(Ok(closure)) => {
                            register!(a) = closure;
                            pc = pc.add(1);
                        }
                        Some(Err(error)) => finish!(space.out_of_memory(&error)),
                        None => {
                            register!(a) = nil;
                            pc = pc.add(1);
                        }
                    }
                    continue;
                }
                Op::MakeArray => {
                    sync!();
                    let count = at.b();
                    match space.allocate_known(Known::Array, count) {
                        Ok(array) => {
                            for index in 0..count {
                                space.mutator.store(array, index, register!(a + index));
                            }
                            register!(a) = array.oop();
                            pc = pc.add(1);
                        }
                        Err(error) => finish!(space.out_of_memory(&error)),
                    }
                    continue;
                }
                Op::ThisContext => {
                    sync!();
                    match space.context_of_top() {
                        Ok(context) => {
                            register!(a) = context;
                            pc = pc.add(1);
                        }
                        Err(error) => finish!(space.out_of_memory(&error)),
                    }
                    continue;
                }
                Op::Jump => {
                    pc = pc.offset(1 + at.signed_x());
                    continue;
                }
                Op::JumpBack => {
                    pc = pc.offset(1 + at.signed_x());
                    if space.interrupt.is_requested() {
                        sync!();
                        finish!(space.poll());
                    }
                    continue;
                }
                Op::JumpTrue => {
                    let value = register!(a);
                    if value == no {
                        pc = pc.add(1);
                    } else if value == yes {
                        pc = pc.offset(1 + at.signed_bx());
                    } else {
                        sync!();
                        finish!(space.test_other(&mut register!(a)));
                    }
                    continue;
                }
                Op::JumpFalse => {
                    let value = register!(a);
                    if value == yes {
                        pc = pc.add(1);
                    } else if value == no {
                        pc = pc.offset(1 + at.signed_bx());
                    } else {
                        sync!();
                        finish!(space.test_other(&mut register!(a)));
                    }
                    continue;
                }
                Op::JumpNil => {
                    let is_nil = is_nil::<S>(space, register!(a), nil);
                    pc = pc.offset(if is_nil { 1 + at.signed_bx() } else { 1 });
                    continue;
                }
                Op::JumpNotNil => {
                    let is_nil = is_nil::<S>(space, register!(a), nil);
                    pc = pc.offset(if is_nil { 1 } else { 1 + at.signed_bx() });
                    continue;
                }
                Op::Return | Op::ReturnSelf => {
                    let value = if op == Op::Return as u8 { register!(a) } else { register!(0) };
                    if (*frame).mark.is_special() {
                        sync!();
                        finish!(space.return_from_special(value));
                        continue;
                    }
                    frame = frame.sub(1);
                    base = (*frame).base;
                    pc = (*frame).pc;
                    sites = (*(*frame).code).sites.as_ptr().cast_mut();
                    register!(Instruction(*pc).a()) = value;
                    pc = pc.add(2);
                    continue;
                }
                Op::ReturnHome => {
                    sync!();
                    finish!(space.return_home(register!(a)));
                    continue;
                }
                Op::Resume => {
                    sync!();
                    space.resume_caller(a);
                    load!();
                    continue;
                }
                Op::Send => {
                    window = base.add(a);
                    *window = register!(at.b());
                    arguments = at.c();
                    site = sites.add(*pc.add(1) as usize);
                }
                Op::SendSuper => {
                    window = base.add(a);
                    *window = register!(at.b());
                    arguments = at.c();
                    site = sites.add(*pc.add(1) as usize);
                    if (*site).entry.class != class_of(*window) {
                        sync!();
                        heal_receiver!(window);
                        let class = class_of(*window);
                        if (*site).entry.class != class {
                            (*site).entry = space.super_entry(&*site, class);
                        }
                    }
                }
                Op::Add => arithmetic!(register!(at.c()), add, |x, y| x + y),
                Op::Subtract => arithmetic!(register!(at.c()), subtract, |x, y| x - y),
                Op::Multiply => arithmetic!(register!(at.c()), multiply, |x, y| x * y),
                Op::AddNumber => arithmetic!(tagged(at.signed_c()), add, |x, y| x + y),
                Op::SubtractNumber => arithmetic!(tagged(at.signed_c()), subtract, |x, y| x - y),
                Op::Quotient => bits!(quotient),
                Op::Modulo => bits!(modulo),
                Op::BitAnd => bits!(bit_and),
                Op::BitAndNumber => bits!(tagged(at.signed_c()), bit_and),
                Op::BitOr => bits!(|x: Oop, y: Oop| Some(Oop::from_bits(x.bits() | y.bits()))),
                Op::BitShift => bits!(shift),
                Op::BitShiftNumber => bits!(tagged(at.signed_c()), shift),
                Op::Less => compare!(register!(at.c()), <),
                Op::LessEqual => compare!(register!(at.c()), <=),
                Op::Greater => compare!(register!(at.c()), >),
                Op::GreaterEqual => compare!(register!(at.c()), >=),
                Op::Equal => compare!(register!(at.c()), ==),
                Op::NotEqual => compare!(register!(at.c()), !=),
                Op::LessBranch => compare_branch!(register!(at.c()), <),
                Op::LessEqualBranch => compare_branch!(register!(at.c()), <=),
                Op::GreaterBranch => compare_branch!(register!(at.c()), >),
                Op::GreaterEqualBranch => compare_branch!(register!(at.c()), >=),
                Op::EqualBranch => compare_branch!(register!(at.c()), ==),
                Op::NotEqualBranch => compare_branch!(register!(at.c()), !=),
                Op::LessNumberBranch => compare_branch!(tagged(at.signed_c()), <),
                Op::LessEqualNumberBranch => compare_branch!(tagged(at.signed_c()), <=),
                Op::GreaterNumberBranch => compare_branch!(tagged(at.signed_c()), >),
                Op::GreaterEqualNumberBranch => compare_branch!(tagged(at.signed_c()), >=),
                Op::EqualNumberBranch => compare_branch!(tagged(at.signed_c()), ==),
                Op::Identical => {
                    register!(a) = if identical!() { yes } else { no };
                    pc = pc.add(1);
                    continue;
                }
                Op::NotIdentical => {
                    register!(a) = if identical!() { no } else { yes };
                    pc = pc.add(1);
                    continue;
                }
                Op::IdenticalBranch => branch_on!((identical!()), 1),
                Op::NotIdenticalBranch => branch_on!((!identical!()), 1),
                Op::At => {
                    let (x, y) = (register!(at.b()), register!(at.c()));
                    site = sites.add(*pc.add(1) as usize);
                    if let (Action::ArrayAt, true) = ((*site).entry.action, x.is_pointer())
                        && (*site).entry.class == class_of(x)
                        && let Some(element) = element_at::<S>(space, Obj::from_oop(x), y)
                    {
                        register!(a) = element;
                        pc = pc.add(2);
                        continue;
                    }
                    let code = &*(*frame).code;
                    let height = code.heights[pc.offset_from(code.words.as_ptr()) as usize];
                    window = base.add(usize::from(height));
                    *window = x;
                    *window.add(1) = y;
                    arguments = 1;
                }
                Op::Loop => {
                    let (counter, limit) = (register!(a), register!(a + 1));
                    if integers(counter, limit) {
                        if (counter.bits() as i64) < (limit.bits() as i64) {
                            register!(a) = Oop::from_bits(counter.bits() + (1 << instar_heap::oop::TAG_BITS));
                            pc = pc.offset(2 + at.signed_bx());
                            if space.interrupt.is_requested() {
                                sync!();
                                finish!(space.poll());
                            }
                        } else {
                            pc = pc.offset(2 + *pc.add(1) as i32 as isize);
                        }
                    } else {
                        pc = pc.add(2);
                    }
                    continue;
                }
            }

            // The send.
            // The barrier: no entry is for forwarders, so that the compare of the classes fails.
            let class = class_of(*window);
            let mut entry = (*site).entry;
            if entry.class != class {
                entry = (*site).second;
            }
            if entry.class != class {
                sync!();
                heal_receiver!(window);
                entry = space.miss(site, (*frame).method, class_of(*window));
            }
            let mut code: *const Code = entry.code;
            let mut closure = Oop::NULL;
            let mut reason = Oop::NULL;
            let receiver = *window;
            match entry.action {
                Action::Activate => {}
                Action::Getter(slot) => {
                    let holder = Obj::from_oop(receiver);
                    let value = Access::<S>::new(&space.mutator).load_element(holder, slot as usize);
                    register!(a) = value;
                    // `variable := x accessor`: the move behind the send needs no dispatch.
                    let next = Instruction(*pc.add(2));
                    let is_moved = next.0 & 0xFF_00FF == Op::Move as u32 | (a as u32) << 16;
                    pc = pc.add(2);
                    if is_moved {
                        register!(next.a()) = value;
                        pc = pc.add(1);
                    }
                    continue;
                }
                Action::Setter(slot) => {
                    let holder = Obj::from_oop(receiver);
                    if !is_immutable(holder) {
                        space.mutator.store(holder, slot as usize, *window.add(1));
                        register!(a) = receiver;
                        pc = pc.add(2);
                        continue;
                    }
                }
                Action::Receiver => {
                    register!(a) = receiver;
                    pc = pc.add(2);
                    continue;
                }
                Action::Constant(value) => {
                    register!(a) = value;
                    // `x isNil ifTrue:`: neither does the branch.
                    let next = Instruction(*pc.add(2));
                    let tested = next.0 as u16;
                    let test = |op: Op| op as u16 | (a as u16) << 8;
                    pc = pc.add(2);
                    let away = if tested == test(Op::JumpFalse) {
                        no
                    } else if tested == test(Op::JumpTrue) {
                        yes
                    } else {
                        continue;
                    };
                    if value == away {
                        pc = pc.offset(1 + next.signed_bx());
                    } else if value == yes || value == no {
                        pc = pc.add(1);
                    }
                    continue;
                }
                Action::ArrayAt => {
                    if let Some(element) = element_at::<S>(space, Obj::from_oop(receiver), *window.add(1)) {
                        register!(a) = element;
                        pc = pc.add(2);
                        continue;
                    }
                }
                Action::ArrayAtPut => {
                    let array = Obj::from_oop(receiver);
                    let header = array.header();
                    let index = (*window.add(1)).as_small_integer().unwrap_or(0).wrapping_sub(1) as u64;
                    if index < array.slots_of(header) as u64 && !is_immutable(array) {
                        let value = *window.add(2);
                        space.mutator.store(array, index as usize, value);
                        register!(a) = value;
                        pc = pc.add(2);
                        continue;
                    }
                }
                Action::Plain(function) => {
                    sync!();
                    space.roots.above = window.add(arguments + 1);
                    let answer = function(space, Call { window, arguments });
                    space.roots.above = std::ptr::null_mut();
                    match answer {
                        Ok(value) => {
                            register!(a) = value;
                            pc = pc.add(2);
                            continue;
                        }
                        Err(failure) if space.is_shortage(failure, &*code) => {
                            finish!(space.signal_shortage(window));
                            continue;
                        }
                        Err(failure) => reason = failure.0,
                    }
                }
                Action::Control(function) => {
                    sync!();
                    space.roots.above = window.add(arguments + 1);
                    let flow = function(space, Call { window, arguments });
                    space.roots.above = std::ptr::null_mut();
                    match flow {
                        Ok(Flow::Answer(value)) => {
                            register!(a) = value;
                            pc = pc.add(2);
                            continue;
                        }
                        Ok(Flow::Resume) => {
                            finish!(space.resumed());
                            continue;
                        }
                        Err(failure) if space.is_shortage(failure, &*code) => {
                            finish!(space.signal_shortage(window));
                            continue;
                        }
                        Err(failure) => reason = failure.0,
                    }
                }
                Action::BlockValue => {
                    if let Some(block) = block_code(space, receiver)
                        && (*block).arguments as usize == arguments
                    {
                        closure = receiver;
                        code = enter_block(block, window, Obj::from_oop(receiver));
                    }
                }
                Action::NotUnderstood => {
                    sync!();
                    space.roots.above = window.add(arguments + 1);
                    finish!(space.not_understood(window, arguments, site));
                    continue;
                }
            }

            // The frame.
            let callee = &*code;
            let next = frame.add(1);
            if window.add(callee.registers as usize) > space.register_limit
                || next >= space.interrupt.frame_limit()
            {
                sync!();
                finish!(space.push_frame(code, window, closure, reason));
                continue;
            }
            (*frame).pc = pc;
            for temporary in callee.first_temporary as usize..callee.end_temporaries as usize {
                *window.add(temporary) = nil;
            }
            if reason != Oop::NULL
                && let Some(register) = callee.primitive_error
            {
                *window.add(usize::from(register)) = reason;
            }
            frame = next;
            base = window;
            pc = callee.words.as_ptr();
            sites = callee.sites.as_ptr().cast_mut();
            (*frame).base = base;
            (*frame).code = code;
            (*frame).method = callee.method;
            (*frame).closure = closure;
            (*frame).mark = Mark::NONE;
        }
    }
}

#[inline(always)]
fn add(x: Oop, y: Oop) -> Option<Oop> {
    let sum = (x.bits() as i64).checked_add((y.bits() - INTEGER_TAG) as i64)?;
    Some(Oop::from_bits(sum as u64))
}

#[inline(always)]
fn subtract(x: Oop, y: Oop) -> Option<Oop> {
    let difference = (x.bits() as i64).checked_sub((y.bits() - INTEGER_TAG) as i64)?;
    Some(Oop::from_bits(difference as u64))
}

#[inline(always)]
fn multiply(x: Oop, y: Oop) -> Option<Oop> {
    let product =
        ((x.bits() - INTEGER_TAG) as i64).checked_mul(y.bits() as i64 >> instar_heap::oop::TAG_BITS)?;
    Some(Oop::from_bits(product as u64 | INTEGER_TAG))
}

/// `//`, which rounds down.
#[inline(always)]
fn quotient(x: Oop, y: Oop) -> Option<Oop> {
    let (x, y) = (x.as_small_integer()?, y.as_small_integer()?);
    if y == 0 {
        return None;
    }
    let quotient = x / y;
    Oop::small_integer(if (x % y != 0) && ((x < 0) != (y < 0)) { quotient - 1 } else { quotient })
}

/// `\\`, whose sign is the divisor's.
#[inline(always)]
fn modulo(x: Oop, y: Oop) -> Option<Oop> {
    let (x, y) = (x.as_small_integer()?, y.as_small_integer()?);
    if y == 0 {
        return None;
    }
    let rest = x % y;
    Some(tagged(if rest != 0 && ((rest < 0) != (y < 0)) { rest + y } else { rest }))
}

#[inline(always)]
fn bit_and(x: Oop, y: Oop) -> Option<Oop> {
    Some(Oop::from_bits(x.bits() & y.bits()))
}

#[inline(always)]
fn shift(x: Oop, y: Oop) -> Option<Oop> {
    let (x, y) = (x.as_small_integer()?, y.as_small_integer()?);
    if y <= 0 {
        return Some(tagged(x >> y.unsigned_abs().min(63)));
    }
    if y > 60 {
        return if x == 0 { Some(tagged(0)) } else { None };
    }
    let shifted = x << y;
    if shifted >> y == x { Oop::small_integer(shifted) } else { None }
}

/// Two doubles: immediate ones, or one of them and an integer.
#[inline(always)]
fn floats(x: Oop, y: Oop) -> Option<(f64, f64)> {
    Some((x.as_small_float()?, y.as_small_float()?))
}

#[inline(always)]
fn float_arithmetic(x: Oop, y: Oop, operation: impl Fn(f64, f64) -> f64) -> Option<Oop> {
    let (x, y) = floats(x, y)?;
    Oop::small_float(operation(x, y))
}

/// Element `index` (from 1) of an object whose slots are all indexable.
///
/// # Safety
/// `array` is a live object of such a class.
#[inline(always)]
unsafe fn element_at<S: Strategy>(space: &Space, array: Obj, index: Oop) -> Option<Oop> {
    let index = index.as_small_integer()?.wrapping_sub(1) as u64;
    if index >= array.slots_of(array.header()) as u64 {
        return None;
    }
    // SAFETY: the caller's promise, and the index is below the number of slots.
    Some(unsafe { Access::<S>::new(&space.mutator).load_element(array, index as usize) })
}

/// # Safety
/// `value` is a live reference or immediate.
#[inline(always)]
unsafe fn is_nil<S: Strategy>(space: &Space, value: Oop, nil: Oop) -> bool {
    value == nil
        || (S::CHECKS_MISSES || S::CHECKS_LOADS)
            && space.mutator.heap().forwarders.any()
            && space.value(value).oop() == nil
}

/// The code of a closure's block, if it is one whose parts fit together.
///
/// # Safety
/// `closure` is a live instance of BlockClosure.
#[inline(always)]
unsafe fn block_code(space: &Space, closure: Oop) -> Option<*const Code> {
    // SAFETY: the caller's promise; every object has a slot 0.
    let (object, block) = unsafe {
        let object = Obj::from_oop(closure);
        (object, object.slot(closure::BLOCK))
    };
    if !block.is_pointer() {
        return None;
    }
    // SAFETY: slots of live objects refer to live objects, which have a slot 0.
    let number = unsafe { Obj::from_oop(block) }.slot(compiled::CODE).as_small_integer();
    let code =
        number.and_then(|number| space.roots.codes.get(number as usize)).filter(|code| code.method == block);
    let code = match code {
        Some(code) => code,
        None => space.code_of(space.value(block))?,
    };
    let copied = object.slots_of(object.header()).checked_sub(CLOSURE_NAMED)?;
    (code.kind == CodeKind::Block && code.copied as usize == copied).then_some(&raw const *code)
}

/// Puts the closure's receiver and copied values where its code expects them. Returns the code to run.
///
/// [receiver-shape] `r0` of a frame has the slots that the frame's code touches: activation of methods goes by the class, blocks are
/// checked here, and a become that changes `r0` to something smaller exchanges the code for the checked one.
///
/// # Safety
/// `code` is that of `closure`, whose arguments stand in the window, and the stack has room for its registers.
#[inline(always)]
pub(super) unsafe fn enter_block(code: *const Code, window: *mut Oop, closure: Obj) -> *const Code {
    // SAFETY: the caller's promise.
    unsafe {
        let receiver = instar_heap::memory::resolve(closure.slot(closure::RECEIVER));
        *window = receiver;
        let callee = &*code;
        let first = 1 + callee.arguments as usize;
        for index in 0..callee.copied as usize {
            *window.add(first + index) = closure.slot(CLOSURE_NAMED + index);
        }
        if callee.slots_needed > 0 && !has_slots(receiver, callee.slots_needed) {
            callee.checked()
        } else {
            code
        }
    }
}

/// Whether `receiver` has that many pointer slots.
///
/// # Safety
/// It is a live reference, no forwarder, or an immediate.
#[inline(always)]
pub(crate) unsafe fn has_slots(receiver: Oop, slots: u32) -> bool {
    if !receiver.is_pointer() {
        return false;
    }
    // SAFETY: the caller's promise.
    let object = unsafe { Obj::from_oop(receiver) };
    object.pointer_slots_of(object.header()) >= slots as usize
}

/// A closure as `MakeClosure` wants it; `None` if the literal is no block any more.
///
/// # Safety
/// [synced], and `at` is the instruction under way.
unsafe fn make_closure(
    space: &mut Space,
    frame: *mut Frame,
    at: Instruction,
) -> Option<Result<Oop, instar_heap::HeapError>> {
    // SAFETY: the caller's promise; [verified] for literal and registers.
    unsafe {
        let block = space.value(Obj::from_oop((*frame).method).slot(COMPILED_NAMED + at.bx()));
        let code: *const Code = space.code_of(block)?;
        let code = &*code;
        let copied = code.copied as usize;
        let home = if !code.needs_home {
            space.nil()
        } else if (*(*frame).code).kind == CodeKind::Block {
            Obj::from_oop((*frame).closure).slot(closure::HOME)
        } else {
            space.home_of(frame)
        };
        let class = space.class_index(Known::BlockClosure);
        let slots = CLOSURE_NAMED + copied;
        let shape = instar_heap::Shape {
            header: Header::new(class, Format::INDEXABLE, slots),
            slots,
            bytes: instar_heap::object::object_bytes(slots),
        };
        let object = match space.mutator.allocate_raw(shape) {
            Ok(object) => object,
            Err(error) => return Some(Err(error)),
        };
        // The object is new and young: no barrier.
        let base = (*frame).base;
        object.set_slot_raw(closure::RECEIVER, *base);
        object.set_slot_raw(closure::BLOCK, Obj::from_oop((*frame).method).slot(COMPILED_NAMED + at.bx()));
        object.set_slot_raw(closure::HOME, home);
        for index in 0..copied {
            object.set_slot_raw(CLOSURE_NAMED + index, *base.add(at.a() + index));
        }
        Some(Ok(object.oop()))
    }
}
