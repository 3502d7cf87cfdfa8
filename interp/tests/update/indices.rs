//! Indices in the class table: given back with the last instance, so that updates in a row do not fill it.

use super::check;

/// Evaluates `then` with a class `made`, and answers by how many indices the class table has grown once that is over and a full collection
/// has run.
fn growth(then: &str) -> String {
    format!(
        "| make before |
        make := [ :name | Object subclass: name instanceVariableNames: 'a b' classVariableNames: '' package: 'Update' ].
        2 timesRepeat: [ Smalltalk garbageCollect ].
        before := Smalltalk vm statistic: 'classes'.
        [ | made | made := make value: #PassingClass. {then} ] value.
        2 timesRepeat: [ Smalltalk garbageCollect ].
        (Smalltalk vm statistic: 'classes') - before"
    )
}

#[test]
fn a_removed_class_gives_its_indices_back_with_its_last_instance() {
    let remove = "made removeFromSystem. made := nil";
    let drop = "Smalltalk at: #Kept put: nil. made removeFromSystem. made := nil";
    check(&[], &[(&growth(remove), "0"), (&growth(&format!("made new. {remove}")), "0")]);
    check(
        &[],
        &[(&growth(&format!("Smalltalk at: #Kept put: made new. {remove}")), "2"), (&growth(drop), "-2")],
    );
    check(&[], &[(&growth(&format!("Smalltalk at: #Kept put: made. {remove}")), "2"), (&growth(drop), "-2")]);
    let often =
        "20 timesRepeat: [ | each | each := make value: #OftenMade. each new. each removeFromSystem ]";
    check(&[], &[(&growth(&format!("{often}. {remove}")), "0")]);
}

#[test]
fn a_retired_index_is_good_as_long_as_there_are_instances() {
    let class = "[ | class | class := Object subclass: #ShapedClass instanceVariableNames: 'a' classVariableNames: '' package: 'Update'.
        Smalltalk at: #OldInstance put: class new.
        Smalltalk at: #OldIndex put: class classIndex.
        class register; retireIndex: (Smalltalk at: #OldIndex).
        2 timesRepeat: [ Smalltalk garbageCollect ].
        { (Smalltalk at: #OldInstance) class == class. (Smalltalk at: #OldInstance) class name.
            class classIndex = (Smalltalk at: #OldIndex). Probe count: class } ] value";
    let gone = "| before |
        before := Smalltalk vm statistic: 'classes'.
        Smalltalk at: #OldInstance put: nil.
        2 timesRepeat: [ Smalltalk garbageCollect ].
        { before - (Smalltalk vm statistic: 'classes'). ((Smalltalk at: #ShapedClass) new instVarAt: 1; yourself) class name }";
    // The next class gets the index.
    let again = "(Object subclass: #NextClass instanceVariableNames: '' classVariableNames: '' package: 'Update').
        { (Smalltalk at: #NextClass) classIndex. (Smalltalk at: #NextClass) class classIndex } includes: (Smalltalk at: #OldIndex)";
    check(&[], &[(class, "#(true #ShapedClass false 0)"), (gone, "#(1 #ShapedClass)"), (again, "true")]);
}

#[test]
fn what_is_no_index_to_be_given_back_is_refused() {
    let attempt = |index: &str| format!("[ Object retireIndex: {index}. 0 ] on: Error do: [ :error | 1 ]");
    let kept = "Object retireIndex: Array classIndex. 2 timesRepeat: [ Smalltalk garbageCollect ]. { Array new: 2. #( 3 ) class == Array }";
    check(
        &[],
        &[
            (&attempt("nil"), "1"),
            (&attempt("0"), "1"),
            (&attempt("-1"), "1"),
            (&attempt("8"), "1"),
            // The runtime goes on using these, whatever is asked.
            (&attempt("UndefinedObject classIndex"), "0"),
            (&attempt("4194303"), "1"),
            (kept, "#(#(nil nil) true)"),
        ],
    );
}
