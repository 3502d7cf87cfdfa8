//! Random methods mean the same as trees and as code; all their code is accepted by the verifier, and satisfies an independent check.

mod support;

use instar_interp::code::{disassemble, verify};
use instar_interp::compiler::compile_parsed_method;
use instar_interp::syntax::parse_method;
use support::dataflow;
use support::environment::Names;
use support::evaluate::Evaluator;
use support::machine::{Machine, variables};
use support::random::Author;
use support::world::{Stop, Value, World};

const SLOTS: &[&str] = &["p", "q"];

fn names() -> Names {
    let mut names = Names::default();
    ["@p", "@q", "$K", "G"].iter().for_each(|name| names.add_marked(name));
    names
}

fn world<'p>() -> World<'p> {
    let mut world = World::new(150);
    world.variables = variables(&[("p", 1), ("q", 2), ("K", 3), ("G", 4)]);
    world
}

/// The log, with the end of the execution and of each closure that was kept.
fn ending(result: Result<Value<'_>, Stop<'_>>) -> String {
    match result {
        Ok(value) => format!("=> {value}"),
        Err(Stop::Home(..)) => "=> home".to_owned(),
        Err(Stop::CannotReturn) => "=> cannot return".to_owned(),
        Err(Stop::Fuel) => "=> out of fuel".to_owned(),
    }
}

fn check(source: &str) {
    let method = parse_method(source).unwrap_or_else(|errors| panic!("{source}\n{errors:?}"));
    let info =
        compile_parsed_method(&method, &names()).unwrap_or_else(|errors| panic!("{source}\n{errors:?}"));
    let listing = || disassemble(&info.unit, Some(source));
    verify(&info.unit).unwrap_or_else(|rejection| panic!("{rejection}\n{source}\n{}", listing()));
    dataflow::check(&info.unit).unwrap_or_else(|error| panic!("{error}\n{source}\n{}", listing()));
    for arguments in [[Value::Integer(1), Value::Integer(3)], [Value::Nil, Value::Boolean(true)]] {
        let mut evaluator = Evaluator::new(world());
        let mut endings = vec![ending(evaluator.run(&method, &arguments))];
        for closure in std::mem::take(&mut evaluator.world.kept) {
            if let Value::Tree(closure) = &closure {
                endings.push(ending(evaluator.call(closure, &[])));
            }
        }
        let mut machine = Machine::new(world(), SLOTS);
        let mut machine_endings = vec![ending(machine.run(&info.unit, &arguments))];
        for closure in std::mem::take(&mut machine.world.kept) {
            if let Value::Code(closure) = &closure {
                machine_endings.push(ending(machine.call(closure, &[])));
            }
        }
        let expected = (evaluator.world.log.join("\n"), endings);
        let found = (machine.world.log.join("\n"), machine_endings);
        assert!(
            expected == found,
            "{source}\n{}\nexpected {:#?}\n{}\nfound {:#?}\n{}",
            listing(),
            expected.1,
            expected.0,
            found.1,
            found.0
        );
    }
}

#[test]
fn random_methods_mean_the_same_as_trees_and_as_code() {
    let cases =
        std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(20_000_u64);
    let mut distinct = std::collections::HashSet::new();
    for seed in 0..cases {
        let source = Author::method(seed);
        check(&source);
        distinct.insert(source);
    }
    assert!(distinct.len() as u64 > cases / 2, "the author repeats himself");
}

#[test]
fn orders_of_evaluation_that_are_easy_to_get_wrong() {
    for body in [
        "| a | a := 1. ^ a + (a := 3) + (a := a * 2)",
        "| a | a := 1. a := a > 0 ifTrue: [a + 1] ifFalse: [a - 1]. ^ a",
        "| a | a := 5. a := (a := nil) ifNil: [a] ifNotNil: [:z | z + a]. ^ a",
        "| a | a := true. a := a and: [a == nil]. ^ a",
        "| a | a := 2. a := 1 to: a do: [:i | a := i foo]. ^ a",
        "| a b | b := {}. a := 1. self keep: [a]. a := 2. ^ [a := a + 1] value + a",
        "1 to: 3 do: [:i | | t | t == nil ifFalse: [self bad]. t := i. self keep: [t := t + 1. t foo]]",
        "| t | 1 to: 3 do: [:i | t := i. self keep: [t foo: i]]",
        "| t | t := 5. 1 to: 3 do: [:i | self keep: [t foo: i]]. t := 7",
        "| i | i := 0. [i < 3] whileTrue: [| t | t := i. self keep: [t + i]. i := i + 1]",
        "| t | [(t := x foo) == 7] whileFalse: [self keep: [t bar]]",
        "^ x == 1 ifTrue: [| t | t := 3. t + ([:u | t + u] value: 4)] ifFalse: [^ 7]",
        "| t | t := x. ^ t foo: (t := nil) bar: t",
    ] {
        let source = format!("run: x with: y\n\t{body}");
        check(&source);
    }
}
