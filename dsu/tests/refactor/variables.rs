//! Variables renamed, added, removed and moved.

use super::*;

const USER: &str = "A >> sum [
	\"x is not y\"
	| z |
	z := #(x y) size.   \"odd   layout\"
	x := x + [ :x | x ] value: 3.
	^ [ :each | | x | x := each. x ] value: z + (x)
]
A class >> x [ ^ x ]
A >> text [ ^ 'x' , x printString ]";

#[test]
fn renaming_a_variable_changes_what_refers_to_it_and_nothing_else() {
    let before = program(&[
        ("A < Object", "#instVars : [ 'w', 'x' ]", USER),
        ("B < A", "", "B >> x [ ^ x ]\nB >> x: x [ ^ x ]"),
        ("C < Object", "", "C >> x [ ^ x ]"),
    ]);
    let outcome = made(&rename_variable("A", "x", "left"), &before);
    assert_source(
        &outcome,
        "A>>sum",
        "sum
	\"x is not y\"
	| z |
	z := #(x y) size.   \"odd   layout\"
	left := left + [ :x | x ] value: 3.
	^ [ :each | | x | x := each. x ] value: z + (left)",
    );
    assert_source(&outcome, "A>>text", "text ^ 'x' , left printString");
    assert_source(&outcome, "A class>>x", "x ^ x");
    assert_source(&outcome, "B>>x", "x ^ left");
    assert_source(&outcome, "B>>x:", "x: x ^ x");
    assert_source(&outcome, "C>>x", "x ^ x");
    assert_eq!(class(&outcome.after, "A").instance_variables, ["w", "left"]);
    let (owner, rule) = slots(&outcome);
    assert_eq!((owner, rule.renames.as_slice()), ("A", &[("x".to_owned(), "left".to_owned())][..]));
    assert_eq!(outcome.patch.methods.len(), 3);
    assert_eq!(outcome.warnings.len(), 2, "{:?}", outcome.warnings);
    assert!(
        outcome.warnings[0].starts_with("P/A.class.st:6:7: A>>sum names x in a literal"),
        "{:?}",
        outcome.warnings
    );
}

#[test]
fn class_side_and_shared_variables_are_renamed_and_keep_their_values() {
    let before = program(&[
        ("Pool < SharedPool", "#classVars : [ 'Max' ]", "Pool class >> set [ Max := 3 ]"),
        (
            "A < Object",
            "#classInstVars : [ 'count' ], #classVars : [ 'All' ], #pools : [ 'Pool' ]",
            "A class >> count [ ^ count ]\nA >> count [ ^ All size + Max ]\nA class >> all [ ^ All ]",
        ),
        ("B < A", "", "B class >> twice [ ^ count * 2 + Max ]"),
    ]);
    let outcome = made(&renamed("A", VariableKind::ClassSide, "count", "total"), &before);
    assert_source(&outcome, "A class>>count", "count ^ total");
    assert_source(&outcome, "B class>>twice", "twice ^ total * 2 + Max");
    assert_eq!(outcome.patch.methods.len(), 2);
    assert!(outcome.patch.policies.is_empty());
    assert_eq!(outcome.patch.classes[0].renamed_variables, [("count".to_owned(), "total".to_owned())]);
    let outcome = made(&renamed("A", VariableKind::Shared, "All", "Known"), &before);
    assert_source(&outcome, "A>>count", "count ^ Known size + Max");
    assert_source(&outcome, "A class>>all", "all ^ Known");
    let outcome = made(&renamed("Pool", VariableKind::Shared, "Max", "Most"), &before);
    assert_source(&outcome, "Pool class>>set", "set Most := 3");
    assert_source(&outcome, "A>>count", "count ^ All size + Most");
    assert_source(&outcome, "B class>>twice", "twice ^ count * 2 + Most");
}

#[test]
fn names_that_clash_or_are_none_are_refused() {
    let before = program(&[
        ("A < Object", "#instVars : [ 'a' ], #classVars : [ 'K' ]", ""),
        ("B < A", "#instVars : [ 'x' ]", ""),
        ("C < B", "#instVars : [ 'c' ]", ""),
        ("D < OrderedCollection", "#instVars : [ 'x' ]", ""),
    ]);
    for (new, parts) in [
        ("a", ["A declares the instance variable a already", "choose another name"]),
        ("c", ["C declares the instance variable c already", "choose another name"]),
        ("K", ["A declares the class variable K already", "choose another name"]),
        ("self", ["self is reserved", "variable"]),
        ("thisContext", ["thisContext is reserved", "variable"]),
        ("1st", ["\"1st\" is no name of a variable", "begins with a letter"]),
        ("a b", ["\"a b\" is no name", "begins with a letter"]),
    ] {
        assert_refused(&rename_variable("B", "x", new), &before, &parts);
    }
    assert_refused(&rename_variable("D", "x", "firstIndex"), &before, &["OrderedCollection declares"]);
    assert_refused(
        &rename_variable("C", "x", "y"),
        &before,
        &["C declares no instance variable x", "declared by B"],
    );
    assert_refused(
        &rename_variable("A", "K", "y"),
        &before,
        &["no instance variable K", "it declares a class variable"],
    );
    assert_refused(&rename_variable("B", "y", "z"), &before, &["it declares x"]);
    assert_refused(
        &renamed("B", VariableKind::ClassSide, "x", "y"),
        &before,
        &["it declares an instance variable"],
    );
    let of_class = program(&[("A < Object", "#classInstVars : [ 'x' ]", "")]);
    assert_refused(
        &renamed("A", VariableKind::ClassSide, "x", "methodDict"),
        &of_class,
        &["Behavior declares the instance variable methodDict already"],
    );
}

#[test]
fn capture_is_refused_with_its_place() {
    let before = program(&[(
        "A < Object",
        "#instVars : [ 'x' ]",
        "A >> one [\n\t^ [ :each | each + x ]\n]\nA >> two [\n\t| fresh |\n\tfresh := 1.\n\t^ fresh + self x\n]\nA >> three [ ^ global ]",
    )]);
    assert_refused(
        &rename_variable("A", "x", "each"),
        &before,
        &["P/A.class.st:4:21: A>>one has an argument or temporary each here", "rename that each first"],
    );
    assert_refused(
        &rename_variable("A", "x", "global"),
        &before,
        &["P/A.class.st:11:16: A>>three names global", "choose another name"],
    );
    // A temporary of the new name where the variable is not used shadows it as it should.
    let outcome = made(&rename_variable("A", "x", "fresh"), &before);
    assert_source(&outcome, "A>>one", "one \n\t^ [ :each | each + fresh ]".replace("one ", "one").as_str());
    assert_eq!(outcome.patch.methods.len(), 1);
}

fn add(class: &str, name: &str, default: Option<&str>, initialize: bool, kind: VariableKind) -> Refactoring {
    let default = default.map(str::to_owned);
    Refactoring::AddVariable { class: class.to_owned(), kind, name: name.to_owned(), default, initialize }
}

#[test]
fn an_added_variable_has_its_default() {
    let before = program(&[
        ("A < Object", "#instVars : [ 'x' ]", "A >> initialize [\n\tsuper initialize.\n\tx := (3)\n]"),
        ("B < Object", "", ""),
        ("C < Object", "", "C >> initialize [\n\t^ 3\n]"),
        ("D < Object", "", "D >> initialize [\n\t\"nothing\"\n]"),
    ]);
    let instance = VariableKind::Instance;
    let outcome = made(&add("A", "y", Some("OrderedCollection new"), true, instance), &before);
    assert_eq!(class(&outcome.after, "A").instance_variables, ["x", "y"]);
    let (_, rule) = slots(&outcome);
    assert_eq!(rule.defaults, [("y".to_owned(), "OrderedCollection new".to_owned())]);
    assert_source(
        &outcome,
        "A>>initialize",
        "initialize\n\tsuper initialize.\n\tx := (3).\n\ty := OrderedCollection new",
    );
    let outcome = made(&add("B", "y", None, true, instance), &before);
    assert_source(&outcome, "B>>initialize", "initialize\n\tsuper initialize.\n\ty := nil");
    let outcome = made(&add("D", "y", Some("1"), true, instance), &before);
    assert_source(&outcome, "D>>initialize", "initialize\n\t\"nothing\"\n\ty := 1");
    assert_eq!(made(&add("B", "y", None, false, instance), &before).patch.methods.len(), 0);
    assert_refused(
        &add("C", "y", None, true, instance),
        &before,
        &["P/C.class.st:4:2: C>>initialize ends with a return"],
    );
    assert_refused(
        &add("B", "Y", None, true, VariableKind::Shared),
        &before,
        &["only instances are initialized"],
    );
    for (wrong, why) in [
        ("3 +", "an argument"),
        ("1. 2", "one expression"),
        ("^ 1", "one expression"),
        (" ", "empty"),
        ("1.", "one"),
    ] {
        assert_refused(&add("B", "y", Some(wrong), false, instance), &before, &["is no expression", why]);
    }
    assert_refused(
        &add("A", "x", None, false, instance),
        &before,
        &["A declares the instance variable x already"],
    );
    assert_refused(&add("A", "nil", None, false, instance), &before, &["nil is reserved"]);
    let used = program(&[("A < Object", "", "A >> m [ ^ y ]")]);
    assert_refused(&add("A", "y", None, false, instance), &used, &["A>>m names y"]);
}

#[test]
fn a_removed_variable_is_used_by_nobody() {
    let before = program(&[
        (
            "A < Object",
            "#instVars : [ 'x', 'y' ], #classVars : [ 'K' ]",
            "A >> y: x [ ^ x ]\nA class >> k [ ^ K ]",
        ),
        ("B < A", "", "B >> m [\n\ty := 3\n]"),
    ]);
    let remove =
        |name: &str, kind| Refactoring::RemoveVariable { class: "A".to_owned(), kind, name: name.to_owned() };
    let outcome = made(&remove("x", VariableKind::Instance), &before);
    assert_eq!(class(&outcome.after, "A").instance_variables, ["y"]);
    assert_eq!(slots(&outcome).1.drops, ["x"]);
    assert_refused(
        &remove("y", VariableKind::Instance),
        &before,
        &["P/B.class.st:4:2: B>>m uses y", "change or remove that method"],
    );
    assert_refused(&remove("K", VariableKind::Shared), &before, &["A class>>k uses K"]);
    assert_refused(&remove("z", VariableKind::Instance), &before, &["A declares no instance variable z"]);
}

fn up(class: &str, name: &str, kind: VariableKind) -> Refactoring {
    Refactoring::PullUpVariable { class: class.to_owned(), kind, name: name.to_owned() }
}

fn down(class: &str, name: &str, into: &[&str]) -> Refactoring {
    let into = strings(into);
    Refactoring::PushDownVariable {
        class: class.to_owned(),
        kind: VariableKind::Instance,
        name: name.to_owned(),
        into,
    }
}

#[test]
fn a_variable_moves_up_for_all_that_declare_it() {
    let before = program(&[
        ("Person < Object", "#instVars : [ 'name' ]", ""),
        ("Employee < Person", "#instVars : [ 'since', 'id' ]", "Employee >> id [ ^ id ]"),
        ("Guest < Person", "#instVars : [ 'id' ]", ""),
        ("Other < Person", "", "Other >> m [ ^ since ]"),
        ("Top < Object", "#classVars : [ 'K' ]", ""),
        ("Mid < Person", "#classVars : [ 'id' ]", ""),
    ]);
    let without_mid: Vec<Package> = {
        let mut all = before.clone();
        all[0].classes.retain(|class| class.name != "Mid");
        all
    };
    let outcome = made(&up("Employee", "id", VariableKind::Instance), &without_mid);
    assert_eq!(class(&outcome.after, "Person").instance_variables, ["name", "id"]);
    assert_eq!(class(&outcome.after, "Employee").instance_variables, ["since"]);
    assert!(class(&outcome.after, "Guest").instance_variables.is_empty());
    assert!(outcome.patch.policies.is_empty() && outcome.patch.methods.is_empty());
    let instance = VariableKind::Instance;
    assert_refused(&up("Employee", "id", instance), &before, &["Mid declares the class variable id"]);
    assert_refused(
        &up("Employee", "since", instance),
        &without_mid,
        &["Other>>m names since", "rename the variable first"],
    );
    assert_refused(&up("Person", "name", instance), &before, &["Object belongs to the library"]);
    assert_refused(&up("Top", "K", VariableKind::Shared), &before, &["class variable K cannot move"]);
    assert_refused(&up("Guest", "name", instance), &before, &["declared by Person"]);
}

#[test]
fn a_variable_moves_down_to_those_that_use_it() {
    let before = program(&[
        ("A < Object", "#instVars : [ 'x', 'y', 'z' ]", "A >> y [ ^ y ]"),
        ("B < A", "", ""),
        ("C < B", "", "C >> x [ ^ x ]"),
        ("D < A", "", ""),
        ("Alone < Object", "#instVars : [ 'x' ]", ""),
    ]);
    let outcome = made(&down("A", "x", &[]), &before);
    assert_eq!(class(&outcome.after, "A").instance_variables, ["y", "z"]);
    assert_eq!(class(&outcome.after, "B").instance_variables, ["x"]);
    assert!(class(&outcome.after, "D").instance_variables.is_empty());
    assert_eq!(slots(&outcome).1.drops, ["x"]);
    let outcome = made(&down("A", "x", &["C", "D"]), &before);
    assert_eq!(class(&outcome.after, "C").instance_variables, ["x"]);
    assert_eq!(class(&outcome.after, "D").instance_variables, ["x"]);
    assert_refused(&down("A", "x", &["D"]), &before, &["C>>x uses x", "--into C"]);
    assert_refused(&down("A", "x", &["B", "C"]), &before, &["C and B would have x twice"]);
    assert_refused(&down("A", "x", &["Alone"]), &before, &["Alone is no subclass of A"]);
    assert_refused(&down("A", "y", &[]), &before, &["A>>y uses y"]);
    assert_refused(&down("A", "z", &[]), &before, &["no subclass of A uses z", "--into"]);
    assert_refused(&down("Alone", "x", &[]), &before, &["Alone has no subclasses", "remove-variable"]);
}
