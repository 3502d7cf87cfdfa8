//! Methods for an environment that is not there yet: their names go to a dictionary of its own.

use super::{check, space, with_strategy};
use instar_interp::vm::space::BecomeStrategy;

const HOLDER: &str = "
Class { #name : #NameHolder, #superclass : #Object, #classVars : [ 'Shared' ], #category : #Update }
";

const CLASSES: &[(&str, &str)] = &[("NameHolder", HOLDER)];

/// Compiles in `dictionary` and evaluates `then`, in which `method` is the method.
fn compile(source: &str, dictionary: &str, then: &str) -> String {
    format!(
        "| bindings method |
        bindings := {dictionary}.
        method := NameHolder compiledMethodFor: '{source}' protocol: 'a' package: 'Update' bindings: bindings.
        {then}"
    )
}

#[test]
fn names_are_looked_up_in_the_dictionary_first() {
    let run = "method valueWithReceiver: NameHolder new arguments: #()";
    let bound = "SystemDictionary new at: #Object put: 7; yourself";
    check(
        CLASSES,
        &[
            (&compile("name ^ Object", bound, run), "7"),
            (&compile("name ^ Object", "IdentityDictionary new", run), "Object"),
            (&compile("name ^ Object", "nil", run), "Object"),
            (
                &compile(
                    "name ^ NewName",
                    "SystemDictionary new at: #NewName put: 1; yourself",
                    &format!("bindings at: #NewName put: 8. {run}"),
                ),
                "8",
            ),
        ],
    );
}

#[test]
fn unknown_names_go_to_the_dictionary_and_nowhere_else() {
    let places = "{ (bindings associationAt: #UnknownName) value. bindings size.
        Smalltalk globals includesKey: #UnknownName. Undeclared includesKey: #UnknownName }";
    let in_block = "name ^ { UnknownName. [ UnknownName ] value. [ [ UnknownName ] value ] value }";
    let one = "bindings at: #UnknownName put: 9. method valueWithReceiver: nil arguments: #()";
    let compiled = |then| compile(in_block, "IdentityDictionary new", then);
    // A name that code waits for already stays one variable.
    let waiting = "| bindings method |
        NameHolder compile: 'other ^ WaitingName'.
        bindings := IdentityDictionary new.
        method := NameHolder compiledMethodFor: 'name ^ WaitingName' protocol: 'a' package: 'Update' bindings: bindings.
        (Undeclared associationAt: #WaitingName) value: 5.
        { bindings isEmpty. method valueWithReceiver: nil arguments: #() }";
    check(
        CLASSES,
        &[(&compiled(places), "#(nil 1 false false)"), (&compiled(one), "#(9 9 9)"), (waiting, "#(true 5)")],
    );
}

#[test]
fn without_a_dictionary_unknown_names_wait_in_undeclared() {
    let mut space = space(with_strategy(BecomeStrategy::Lazy), CLASSES);
    let program = "NameHolder compiledMethodFor: 'name ^ LoneName' protocol: 'a' package: 'Update'.
        { Undeclared includesKey: #LoneName. Smalltalk globals includesKey: #LoneName }";
    assert_eq!(space.evaluate_to_string(program).unwrap(), "#(true false)");
}

#[test]
fn what_is_no_dictionary_of_variables_is_refused() {
    let attempt = |dictionary: &str| {
        format!(
            "[ NameHolder compiledMethodFor: 'name ^ 1' protocol: 'a' package: 'Update' bindings: {dictionary}. 0 ]
                on: Error do: [ :error | 1 ]"
        )
    };
    let forged = "| bindings |
        bindings := IdentityDictionary new.
        bindings instVarAt: 2 put: (Array with: 3 with: Object new with: #UnknownName).
        [ (NameHolder compiledMethodFor: 'name ^ { UnknownName. Other }' protocol: 'a' package: 'Update' bindings: bindings)
            valueWithReceiver: nil arguments: #(). 1 ] on: Error do: [ :error | 1 ]";
    check(
        CLASSES,
        &[
            (&attempt("3"), "1"),
            (&attempt("OrderedCollection new"), "1"),
            (&attempt("#()"), "1"),
            (forged, "1"),
        ],
    );
}
