//! Renaming there and back gives the same bytes, whatever the program.

use instar_dsu::refactor::refactor;
use proptest::prelude::*;

use super::*;

/// Names that a program is made of: few, so that they meet, and none that is tried as a new one.
const NAMES: [&str; 5] = ["a", "b", "c", "x", "y"];
const SELECTORS: [&str; 4] = ["wun", "tuu:", "thri:phor:", "five"];

fn name() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&NAMES)
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        name().prop_map(str::to_owned),
        Just("self".to_owned()),
        Just("A".to_owned()),
        Just("#a".to_owned()),
        Just("'x y'".to_owned()),
        Just("\"x\" 3".to_owned()),
        Just("$a".to_owned()),
        Just("#(a wun)".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| format!("({one}) one")),
            (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("(({one}) tuu:  ({two}))")),
            (inner.clone(), inner.clone())
                .prop_map(|(one, two)| format!("(({one}) thri: ({two}) \"phor: 1\" phor:\n\t\t3)")),
            (inner.clone(), inner.clone())
                .prop_map(|(one, two)| format!("(({one}) wun; tuu: ({two}); five)")),
            (name(), inner.clone()).prop_map(|(name, one)| format!("[ :{name} | {one} ]")),
            (name(), inner.clone()).prop_map(|(name, one)| format!("[ | {name} | {name} := {one}. {name} ]")),
            inner.clone().prop_map(|one| format!("{{ {one}. a }}")),
            inner.prop_map(|one| format!("(self perform: #tuu: with: ({one}))")),
        ]
    })
}

fn body() -> impl Strategy<Value = String> {
    (proptest::option::of(name()), proptest::collection::vec(expression(), 1..4), any::<bool>()).prop_map(
        |(temporary, expressions, is_wide)| {
            let temporary = temporary.map_or(String::new(), |name| format!("\n\t| {name} |"));
            let between = if is_wide { ".\n\n\t\t" } else { ". " };
            format!("{temporary}\n\t{}  \"x\"\n", expressions.join(between))
        },
    )
}

/// Three classes in a line, each with some of the variables and all selectors.
fn classes() -> impl Strategy<Value = Vec<Package>> {
    proptest::collection::vec(body(), 12).prop_map(|bodies| {
        let mut texts = Vec::new();
        for (index, (heading, variables)) in
            [("A < Object", "'x', 'y'"), ("B < A", "'z'"), ("C < B", "")].iter().enumerate()
        {
            let owner = &heading[..1];
            let mut methods = String::new();
            for (selector, body) in SELECTORS.iter().zip(&bodies[index * 4..]) {
                let pattern = match *selector {
                    "tuu:" => "tuu: p".to_owned(),
                    "thri:phor:" => "thri: p   phor: q".to_owned(),
                    unary => unary.to_owned(),
                };
                methods.push_str(&format!("{{ #category : 'm' }}\n{owner} >> {pattern} [{body}]\n\n"));
            }
            texts.push((*heading, format!("#instVars : [ {variables} ]"), methods));
        }
        let texts: Vec<(&str, &str, &str)> = texts
            .iter()
            .map(|(heading, entries, methods)| (*heading, entries.as_str(), methods.as_str()))
            .collect();
        program(&texts)
    })
}

/// There and back; what is refused changes nothing and is no failure.
fn comes_back(before: &[Package], there: &Refactoring, back: &Refactoring) -> Result<bool, TestCaseError> {
    let Ok(outcome) = refactor(there, before, library()) else { return Ok(false) };
    prop_assert_ne!(texts(&outcome.after), texts(before));
    let applied = outcome.patch.apply_to(before).unwrap();
    prop_assert_eq!(patch::version_hash(&applied), patch::version_hash(&outcome.after));
    let returned = refactor(back, &outcome.after, library());
    let returned = returned.map_err(|refused| TestCaseError::fail(format!("the way back: {refused}")))?;
    prop_assert_eq!(texts(&returned.after), texts(before));
    Ok(true)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn renaming_there_and_back_gives_the_same_bytes(before in classes(), old in 0_usize..2, new in 0_usize..4) {
        let old = ["x", "y"][old];
        // A name that locals have as well is often refused; one that nothing has never is.
        let other = ["fresh", "a", "b", "c"][new];
        let done = comes_back(&before, &rename_variable("A", old, other), &rename_variable("A", other, old))?;
        prop_assert!(done || other != "fresh");
        let is_done = comes_back(&before, &rename_class("A", "Fresh"), &rename_class("Fresh", "A"))?;
        prop_assert!(is_done);
        for (old, other) in [("wun", "uno"), ("tuu:", "due:"), ("thri:phor:", "tre:quattro:")] {
            let there = rename_method(&format!("A>>{old}"), other, false);
            let back = rename_method(&format!("A>>{other}"), old, false);
            let is_done = comes_back(&before, &there, &back)?;
            prop_assert!(is_done);
        }
    }
}
