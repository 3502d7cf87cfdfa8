//! The verifier against random code, and against damage to good code: what it accepts satisfies an independent check of all paths.

mod support;

use instar_interp::code::{
    Binding, BooleanTest, CodeKind, CodeUnit, CopiedCells, Instruction, Literal, Op, Reason, SiteUnit, verify,
};
use instar_interp::compiler::compile_method;
use support::dataflow;
use support::environment::Names;
use support::random::{Author, Random};

fn names() -> Names {
    let mut names = Names::default();
    ["@p", "@q", "$K", "G"].iter().for_each(|name| names.add_marked(name));
    names
}

/// As many cases as the environment says, or this many.
fn cases(usual: u64) -> u64 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

/// Random words with plausible operands: they get further than noise.
fn random_unit(random: &mut Random, depth: usize) -> CodeUnit {
    let arguments = random.below(3) as u8;
    let temporaries = random.below(3) as u8;
    let copied = if depth > 0 { random.below(3) as u8 } else { 0 };
    let entry = 1 + arguments + copied + temporaries;
    let mut unit = CodeUnit {
        arguments,
        temporaries,
        copied,
        registers: entry + 4,
        kind: if depth > 0 { CodeKind::Block } else { CodeKind::Method },
        ..CodeUnit::default()
    };
    unit.literals = vec![
        Literal::Symbol("foo:".to_owned()),
        Literal::Symbol("bar".to_owned()),
        Literal::Binding(Binding::Global("G".to_owned())),
        Literal::Integer(1),
    ];
    if depth < 2 {
        unit.literals.push(Literal::Block(Box::new(random_unit(random, depth + 1))));
    }
    unit.sites = vec![SiteUnit { selector: 0, arguments: 1 }, SiteUnit { selector: 1, arguments: 0 }];
    if copied > 0 && random.once_in(2) {
        unit.cells.push(CopiedCells { register: 1 + arguments, count: 1 + random.below(2) as u8 });
    }
    let mut height = entry;
    for _ in 0..random.below(12) {
        let op = Op::ALL[random.below(Op::ALL.len())];
        let operand = |random: &mut Random| random.below(usize::from(height) + 1) as u8;
        let (a, b, c) = (operand(random), operand(random), operand(random));
        let instruction = match random.below(3) {
            0 => Instruction::abc(op, a, b, c),
            1 => Instruction::abx(op, a, random.below(5) as u16),
            _ => Instruction::sx(op, random.below(9) as i32 - 4),
        };
        unit.words.push(instruction.0);
        unit.heights.push(height);
        if op.words() == 2 {
            unit.words.push(random.below(2) as u32);
            unit.heights.push(height);
        }
        if random.once_in(2) {
            height = (height + 1).min(entry + 4);
        } else if random.once_in(3) {
            height = height.saturating_sub(1).max(entry);
        }
    }
    unit.words.push(Instruction::abc(Op::ReturnSelf, 0, 0, 0).0);
    unit.heights.push(height.min(entry));
    unit.needs_home = random.once_in(4);
    unit
}

fn assert_sound(unit: &CodeUnit) -> bool {
    let is_accepted = verify(unit).is_ok();
    if is_accepted {
        dataflow::check(unit).unwrap_or_else(|error| panic!("{error}\n{unit:?}"));
    }
    is_accepted
}

#[test]
fn noise_is_rejected() {
    let mut random = Random::new(11);
    let mut accepted = 0;
    for _ in 0..cases(20_000) {
        let length = 1 + random.below(20);
        let unit = CodeUnit {
            words: (0..length).map(|_| random.next() as u32).collect(),
            heights: (0..length).map(|_| random.below(6) as u8).collect(),
            registers: random.below(256) as u8,
            arguments: random.below(4) as u8,
            ..CodeUnit::default()
        };
        accepted += u64::from(assert_sound(&unit));
    }
    assert!(accepted < cases(20_000) / 1000, "{accepted} accepted");
}

#[test]
fn plausible_code_is_accepted_only_if_it_is_sound() {
    let mut random = Random::new(12);
    let accepted = (0..cases(200_000)).filter(|_| assert_sound(&random_unit(&mut random, 0))).count();
    assert!(accepted > 0, "nothing was accepted: this tests nothing");
}

/// Damages the unit, or a block in it, at one place.
fn damage(unit: &mut CodeUnit, random: &mut Random) {
    let blocks: Vec<usize> =
        (0..unit.literals.len()).filter(|at| matches!(unit.literals[*at], Literal::Block(_))).collect();
    if !blocks.is_empty() && random.once_in(2) {
        let at = blocks[random.below(blocks.len())];
        if let Literal::Block(block) = &mut unit.literals[at] {
            return damage(block, random);
        }
    }
    if unit.words.is_empty() {
        return;
    }
    let at = random.below(unit.words.len());
    let nudge = |value: u8, random: &mut Random| match random.below(3) {
        0 => value.wrapping_add(1),
        1 => value.wrapping_sub(1),
        _ => random.below(12) as u8,
    };
    match random.below(16) {
        0 | 1 => unit.words[at] ^= 1 << random.below(32),
        2 | 3 => {
            // Another operand.
            let shift = 8 * (1 + random.below(3));
            let value = nudge((unit.words[at] >> shift) as u8, random);
            unit.words[at] = unit.words[at] & !(0xFF << shift) | u32::from(value) << shift;
        }
        4 => unit.words[at] = unit.words[at] & !0xFF | random.below(Op::ALL.len()) as u32,
        5 | 6 => {
            let value = nudge(unit.heights[at], random);
            unit.heights[at] = value;
            if random.once_in(2) && at + 1 < unit.heights.len() {
                unit.heights[at + 1] = value;
            }
        }
        7 => {
            unit.words.remove(at);
            unit.heights.remove(at);
        }
        8 => {
            let from = random.below(unit.words.len());
            unit.words[at] = unit.words[from];
        }
        9 => unit.registers = nudge(unit.registers, random),
        10 => match random.below(3) {
            0 => unit.arguments = nudge(unit.arguments, random),
            1 => unit.copied = nudge(unit.copied, random),
            _ => unit.temporaries = nudge(unit.temporaries, random),
        },
        11 => {
            let count = unit.literals.len();
            if count > 0 {
                let (one, other) = (random.below(count), random.below(count));
                unit.literals.swap(one, other);
            }
        }
        12 => {
            if !unit.sites.is_empty() {
                let site = random.below(unit.sites.len());
                unit.sites[site].arguments = nudge(unit.sites[site].arguments, random);
            }
        }
        13 => match unit.tests.len() {
            0 => unit.tests.push(BooleanTest {
                branch: at as u32,
                message: 0..1,
                result: 1,
                join: at as u32 + 1,
            }),
            count => {
                let test = random.below(count);
                match random.below(2) {
                    0 => unit.tests[test].join = random.below(unit.words.len()) as u32,
                    _ => unit.tests[test].result = nudge(unit.tests[test].result, random),
                }
            }
        },
        14 => match unit.cells.len() {
            0 => unit.cells.push(CopiedCells { register: random.below(6) as u8, count: 1 }),
            count => {
                let cells = random.below(count);
                unit.cells[cells].count = nudge(unit.cells[cells].count, random);
            }
        },
        _ => unit.needs_home = !unit.needs_home,
    }
}

#[test]
fn damaged_code_is_accepted_only_if_it_is_still_sound() {
    let mut random = Random::new(13);
    let (mut accepted, mut total) = (0, 0);
    for seed in 0..cases(20_000) {
        let unit = compile_method(&Author::method(seed), &names()).unwrap().unit;
        for _ in 0..10 {
            let mut damaged = unit.clone();
            (0..1 + random.below(2)).for_each(|_| damage(&mut damaged, &mut random));
            total += 1;
            accepted += u64::from(assert_sound(&damaged));
        }
    }
    assert!(accepted > total / 20 && accepted < total * 3 / 4, "{accepted} of {total} accepted");
}

/// A unit of these words, all with the given height.
fn unit(words: &[(Instruction, u8)]) -> CodeUnit {
    CodeUnit {
        words: words.iter().map(|(word, _)| word.0).collect(),
        heights: words.iter().map(|(_, height)| *height).collect(),
        registers: 8,
        literals: vec![Literal::Symbol("+".to_owned())],
        sites: vec![SiteUnit { selector: 0, arguments: 1 }],
        ..CodeUnit::default()
    }
}

#[test]
fn each_reason_has_a_case() {
    let abc = Instruction::abc;
    let end = abc(Op::ReturnSelf, 0, 0, 0);
    let reject = |unit: CodeUnit| verify(&unit).unwrap_err().reason;
    assert_eq!(reject(unit(&[])), Reason::Empty);
    assert_eq!(reject(unit(&[(end, 2)])), Reason::EntryHeight);
    assert_eq!(reject(unit(&[(abc(Op::LoadNil, 1, 0, 0), 1)])), Reason::OffTheEnd);
    assert_eq!(reject(unit(&[(abc(Op::LoadNil, 0, 0, 0), 1), (end, 1)])), Reason::Receiver);
    assert_eq!(reject(unit(&[(abc(Op::LoadNil, 2, 0, 0), 1), (end, 1)])), Reason::Gap);
    assert_eq!(reject(unit(&[(abc(Op::LoadNil, 1, 0, 0), 1), (end, 3)])), Reason::Height);
    assert_eq!(reject(unit(&[(abc(Op::Move, 1, 1, 0), 1), (end, 1)])), Reason::Dead);
    assert_eq!(reject(unit(&[(abc(Op::LoadNil, 1, 1, 0), 1), (end, 1)])), Reason::Unused);
    assert_eq!(reject(unit(&[(abc(Op::Resume, 0, 0, 0), 1)])), Reason::Operation);
    assert_eq!(reject(unit(&[(abc(Op::LoadSlotChecked, 1, 0, 0), 1), (end, 1)])), Reason::Operation);
    assert_eq!(reject(unit(&[(Instruction(0xFF), 1)])), Reason::Operation);
    assert_eq!(reject(unit(&[(abc(Op::Add, 1, 0, 0), 1)])), Reason::Truncated);
    assert_eq!(reject(unit(&[(Instruction::sx(Op::Jump, 5), 1), (end, 1)])), Reason::Target);
    assert_eq!(reject(unit(&[(Instruction::sx(Op::Jump, -1), 1), (end, 1)])), Reason::Direction);
    assert_eq!(reject(unit(&[(Instruction::sx(Op::JumpBack, 0), 1), (end, 1)])), Reason::Direction);
    assert_eq!(reject(unit(&[(Instruction::sx(Op::JumpBack, -2), 1), (end, 1)])), Reason::Direction);
    let compare = abc(Op::IdenticalBranch, 1, 0, 0);
    assert_eq!(reject(unit(&[(compare, 1), (end, 1)])), Reason::Branch);
    let branch = Instruction::abx(Op::JumpFalse, 1, 1);
    // The comparison need not write its register.
    let unwritten = unit(&[(compare, 1), (branch, 2), (abc(Op::Return, 1, 0, 0), 2), (end, 1)]);
    assert_eq!(reject(unwritten), Reason::Height);
    assert!(verify(&unit(&[(compare, 1), (branch, 2), (end, 1), (end, 1)])).is_ok());
    assert_eq!(
        reject(unit(&[(Instruction::abx(Op::LoadLiteral, 1, 1), 1), (end, 1)])),
        Reason::LiteralNumber
    );
    assert_eq!(reject(unit(&[(Instruction::abx(Op::LoadGlobal, 1, 0), 1), (end, 1)])), Reason::LiteralKind);
    assert_eq!(
        reject(unit(&[(abc(Op::Add, 1, 0, 0), 1), (Instruction(1), 1), (end, 1)])),
        Reason::SiteNumber
    );
    assert_eq!(reject(unit(&[(abc(Op::Send, 1, 0, 0), 1), (Instruction(0), 1), (end, 1)])), Reason::Arity);
    assert_eq!(reject(unit(&[(abc(Op::ReturnHome, 0, 0, 0), 1), (Instruction(0), 1)])), Reason::Kind);
    assert_eq!(reject(CodeUnit { needs_home: true, ..unit(&[(end, 1)]) }), Reason::Home);
    assert_eq!(reject(CodeUnit { registers: 250, ..unit(&[(end, 1)]) }), Reason::Registers);
    assert_eq!(reject(CodeUnit { primitive_error: Some(0), ..unit(&[(end, 1)]) }), Reason::PrimitiveError);
    let mut arity = unit(&[(end, 1)]);
    arity.sites[0].arguments = 2;
    assert_eq!(reject(arity), Reason::Arity);
}

#[test]
fn cells_objects_are_known_on_all_paths() {
    let abc = Instruction::abc;
    let (make, load) = (abc(Op::NewCells, 1, 2, 0), abc(Op::LoadCell, 2, 1, 1));
    let end = abc(Op::ReturnSelf, 0, 0, 0);
    let reject = |words: &[(Instruction, u8)]| verify(&unit(words)).unwrap_err().reason;
    assert!(verify(&unit(&[(make, 1), (load, 2), (end, 1)])).is_ok());
    assert_eq!(reject(&[(make, 1), (abc(Op::LoadCell, 2, 1, 2), 2), (end, 1)]), Reason::NotCells);
    assert_eq!(reject(&[(abc(Op::LoadNil, 1, 0, 0), 1), (load, 2), (end, 1)]), Reason::NotCells);
    assert_eq!(reject(&[(make, 1), (abc(Op::Return, 1, 0, 0), 2)]), Reason::Cells);
    // Overwritten, in sequence and on the way back to a loop's head.
    assert_eq!(reject(&[(make, 1), (abc(Op::LoadNil, 1, 0, 0), 2), (load, 2), (end, 1)]), Reason::NotCells);
    let back = Instruction::sx(Op::JumpBack, -3);
    assert!(verify(&unit(&[(make, 1), (load, 2), (abc(Op::LoadNil, 2, 0, 0), 2), (back, 2)])).is_ok());
    assert_eq!(reject(&[(make, 1), (load, 2), (abc(Op::LoadNil, 1, 0, 0), 2), (back, 2)]), Reason::CellsLost);
    // Skipped by a jump.
    let skipped = [
        (abc(Op::LoadNil, 1, 0, 0), 1),
        (Instruction::abx(Op::JumpNil, 1, 1), 2),
        (make, 1),
        (load, 2),
        (end, 1),
    ];
    assert_eq!(reject(&skipped), Reason::Cells);
    // Carried to where nothing is known of it.
    let carried = [
        (make, 1),
        (abc(Op::LoadNil, 2, 0, 0), 2),
        (Instruction::abx(Op::JumpNil, 2, 1), 3),
        (abc(Op::LoadNil, 1, 0, 0), 2),
        (abc(Op::Return, 1, 0, 0), 2),
    ];
    assert_eq!(reject(&carried), Reason::Cells);
}

#[test]
fn nesting_is_bounded() {
    let mut nested =
        CodeUnit { kind: CodeKind::Block, ..unit(&[(Instruction::abc(Op::ReturnSelf, 0, 0, 0), 1)]) };
    for _ in 0..300 {
        let mut outer = nested.clone();
        outer.literals = vec![Literal::Symbol("+".to_owned()), Literal::Block(Box::new(nested))];
        nested = outer;
    }
    nested.kind = CodeKind::Method;
    assert_eq!(verify(&nested).unwrap_err().reason, Reason::Nesting);
}
