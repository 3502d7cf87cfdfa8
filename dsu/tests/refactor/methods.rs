//! Selectors renamed, methods moved.

use super::*;

fn shop() -> Vec<Package> {
    program(&[
        (
            "Order < Object",
            "#instVars : [ 'items' ]",
            "Order >> add: item times: \"n\" count [
	\"add: item times: count\"
	^ items add: (self add: item   times: (count - 1)); add: item
]
Order >> total [ ^ (self add: 3 times: (self add: (4) \"times: 5\" times: 5)); yourself ]
Order >> + other [ ^ other ]
Order >> both [ ^ self + self + 3 ]
Order >> text [ ^ self perform: #add:times: with: 1 with: 2 ]
Order >> names [ ^ #(add:times: #foo) ]",
        ),
        ("Special < Order", "", "Special >> add: item times: count [ ^ super add: item times: count ]"),
        ("Client < Object", "", "Client >> use: order [ ^ order size; add: 1 times: 2; yourself ]"),
    ])
}

#[test]
fn renaming_a_selector_keeps_arguments_comments_and_layout() {
    let outcome = made(&rename_method("Order>>add:times:", "put:count:", false), &shop());
    assert_source(
        &outcome,
        "Order>>put:count:",
        "put: item count: \"n\" count
	\"add: item times: count\"
	^ items add: (self put: item   count: (count - 1)); add: item",
    );
    assert_source(
        &outcome,
        "Order>>total",
        "total ^ (self put: 3 count: (self put: (4) \"times: 5\" count: 5)); yourself",
    );
    assert_source(&outcome, "Order>>text", "text ^ self perform: #put:count: with: 1 with: 2");
    assert_source(&outcome, "Special>>put:count:", "put: item count: count ^ super put: item count: count");
    assert_source(&outcome, "Client>>use:", "use: order ^ order size; put: 1 count: 2; yourself");
    assert_eq!(source_of(&outcome.after, "Order>>add:times:"), None);
    assert_eq!(outcome.warnings.len(), 1, "{:?}", outcome.warnings);
    assert!(outcome.warnings[0].contains("Order>>names: a symbol of this name may be a selector"));
    let outcome = made(&rename_method("Order>>+", "*", true), &shop());
    assert_source(&outcome, "Order>>both", "both ^ self + self + 3".replacen("self +", "self *", 1).as_str());
}

#[test]
fn messages_that_may_go_elsewhere_are_shown() {
    let before = program(&[
        ("A < Object", "", "A >> rate [ ^ 1 ]\nA >> twice [ ^ self rate * 2 ]"),
        ("B < A", "", "B >> rate [ ^ super rate ]"),
        ("Z < Object", "", "Z >> rate [ ^ 9 ]\nZ >> m: a [ ^ a rate + self rate ]"),
    ]);
    let outcome = made(&rename_method("A>>rate", "price", true), &before);
    assert_source(&outcome, "A>>twice", "twice ^ self price * 2");
    assert_source(&outcome, "B>>price", "price ^ super price");
    assert_source(&outcome, "Z>>rate", "rate ^ 9");
    assert_source(&outcome, "Z>>m:", "m: a ^ a rate + self rate");
    assert_eq!(outcome.warnings.len(), 2, "{:?}", outcome.warnings);
    assert!(
        outcome.warnings[0].contains("may go to either (also Z>>rate), and stays rate"),
        "{:?}",
        outcome.warnings
    );
    assert!(outcome.warnings[0].starts_with("P/Z.class.st:4:17: Z>>m:"), "{:?}", outcome.warnings);
    let all = made(&rename_method("A>>rate", "price", false), &before);
    assert_source(&all, "Z>>m:", "m: a ^ a price + self price");
    assert!(all.warnings.is_empty());
}

#[test]
fn selectors_that_clash_or_do_not_fit_are_refused() {
    let before = program(&[
        ("A < Object", "", "A >> top [ ^ 1 ]"),
        (
            "B < A",
            "",
            "B >> foo [ ^ 1 ]\nB >> printOn: s [ ^ 1 ]\nB >> a: x b: y [ ^ 1 ]\nB >> size [ ^ 1 ]\nB class >> fresh [ ^ self new ]",
        ),
        ("C < B", "", "C >> below [ ^ 1 ]"),
    ]);
    let foo = |new: &str| rename_method("B>>foo", new, false);
    assert_refused(&foo("top"), &before, &["there is A>>top already", "choose another name"]);
    assert_refused(&foo("below"), &before, &["there is C>>below already"]);
    assert_refused(&foo("hash"), &before, &["there is Object>>hash already"]);
    assert_refused(&foo("foo:"), &before, &["are written differently", "a word without colons"]);
    assert_refused(&foo("foo"), &before, &["has that name already"]);
    assert_refused(&foo("a b"), &before, &["is no selector", "at:put:"]);
    assert_refused(&foo("self"), &before, &["self is reserved"]);
    assert_refused(&rename_method("B>>a:b:", "a:", false), &before, &["2 words with colons"]);
    assert_refused(
        &rename_method("B>>size", "extent", false),
        &before,
        &["the library has", "--only-hierarchy to B"],
    );
    assert_refused(
        &rename_method("B>>printOn:", "showOn:", true),
        &before,
        &["overrides Object>>printOn:", "top of the hierarchy"],
    );
    assert_refused(
        &rename_method("C>>foo", "bar", false),
        &before,
        &["there is no method C>>foo", "inherited: name B>>foo"],
    );
    assert_refused(&rename_method("C>>nothing", "bar", false), &before, &["there is no method C>>nothing"]);
    assert_refused(
        &rename_method("B class>>fresh", "subclasses", false),
        &before,
        &["there is Class>>subclasses already"],
    );
}

#[test]
fn traits_are_renamed_in_and_compositions_are_not() {
    let with = |composition: &str| {
        let class = format!(
            "Class {{ #name : #A, #superclass : #Object, #traits : '{composition}', #package : 'P' }}\n\nA >> m [ ^ self foo ]\n"
        );
        packages(&[
            ("P/package.st", "Package { #name : 'P' }"),
            (
                "P/TA.trait.st",
                "Trait { #name : #TA, #package : 'P' }\n\nTA >> foo [ ^ 1 ]\nTA >> taken [ ^ 2 ]\n",
            ),
            ("P/A.class.st", &class),
        ])
    };
    let outcome = made(&rename_method("TA>>foo", "bar", false), &with("TA"));
    assert_source(&outcome, "A>>m", "m ^ self bar");
    assert_source(&outcome, "TA>>bar", "bar ^ 1");
    assert_refused(&rename_method("TA>>foo", "taken", false), &with("TA"), &["there is TA>>taken already"]);
    assert_refused(&rename_method("TA>>foo", "m", false), &with("TA"), &["there is A>>m already"]);
    assert_refused(
        &rename_method("TA>>foo", "bar", false),
        &with("TA - {#foo}"),
        &["composition of A excludes or aliases foo"],
    );
}

fn family() -> Vec<Package> {
    program(&[
        (
            "A < Object",
            "",
            "A >> base [ ^ 1 ]\nA >> calls [ ^ self pushed ]\nA >> pushed [ ^ 1 ]\nA >> free [ ^ super hash ]\nA >> sup [ ^ super base ]",
        ),
        (
            "B < A",
            "#instVars : [ 'x' ], #classVars : [ 'K' ]",
            "B >> same [\n\t^ self base\n]\nB >> own [ ^ x ]\nB >> shared [ ^ K ]\nB >> up [ ^ super base ]\nB >> printOn: s [ ^ s ]\nB >> base [ ^ 2 ]\nB class >> make [ ^ self new ]",
        ),
        ("C < A", "", "C >> same [\n\t^ self base\n]\nC >> over [ ^ super free ]"),
        ("D < A", "", "D >> same [ ^ 4 ]"),
    ])
}

fn pull(name: &str) -> Refactoring {
    Refactoring::PullUpMethod { method: method(name) }
}

fn push(name: &str, into: &[&str]) -> Refactoring {
    Refactoring::PushDownMethod { method: method(name), into: strings(into) }
}

#[test]
fn a_method_moves_up_and_equal_ones_go() {
    let outcome = made(&pull("B>>same"), &family());
    assert_source(&outcome, "A>>same", "same\n\t^ self base");
    assert_eq!(source_of(&outcome.after, "B>>same"), None);
    assert_eq!(source_of(&outcome.after, "C>>same"), None);
    assert_source(&outcome, "D>>same", "same ^ 4");
    let outcome = made(&pull("B class>>make"), &family());
    assert_source(&outcome, "A class>>make", "make ^ self new");
    assert_refused(
        &pull("B>>own"),
        &family(),
        &["B>>own uses x", "not the same variable in A", "pull the variable up"],
    );
    assert_refused(&pull("B>>shared"), &family(), &["B>>shared uses K"]);
    assert_refused(&pull("B>>up"), &family(), &["sends super base", "another method"]);
    assert_refused(&pull("B>>printOn:"), &family(), &["A inherits Object>>printOn:"]);
    assert_refused(&pull("B>>base"), &family(), &["A>>base exists already"]);
    assert_refused(&pull("B>>nothing"), &family(), &["there is no method B>>nothing"]);
    assert_refused(&pull("A>>base"), &family(), &["Object belongs to the library"]);
}

#[test]
fn a_method_moves_down() {
    let before = family();
    let free = {
        let mut all = before.clone();
        all[0].classes[2].methods.retain(|method| method.selector().unwrap().text != "over");
        all
    };
    let outcome = made(&push("A>>free", &[]), &free);
    for name in ["B>>free", "C>>free", "D>>free"] {
        assert_source(&outcome, name, "free ^ super hash");
    }
    assert_eq!(source_of(&outcome.after, "A>>free"), None);
    assert_eq!(outcome.warnings, ["free is no message to direct instances of A any more"]);
    let outcome = made(&push("A>>free", &["B"]), &free);
    assert_eq!(source_of(&outcome.after, "C>>free"), None);
    assert!(outcome.warnings[0].contains("C, D, A"), "{:?}", outcome.warnings);
    assert_refused(&push("A>>free", &[]), &before, &["C>>over needs A>>free where it is"]);
    assert_refused(
        &push("A>>pushed", &[]),
        &before,
        &["A>>calls needs A>>pushed", "move or change that method"],
    );
    assert_refused(&push("B>>same", &[]), &before, &["B has no subclasses"]);
    assert_refused(&push("A>>free", &["Object"]), &free, &["belongs to the library"]);
    assert_refused(&push("A>>base", &["B"]), &before, &["B>>up needs A>>base"]);
    let overridden = program(&[
        ("A < Object", "", "A >> m [ ^ 1 ]\nA >> n [ ^ super m ]\nA >> k [ ^ Max ]"),
        ("B < A", "#classVars : [ 'Max' ]", "B >> m [ ^ 2 ]"),
        ("E < B", "", ""),
    ]);
    assert_refused(&push("A>>m", &[]), &overridden, &["every subclass of A has its own method m"]);
    assert_refused(&push("A>>m", &["B"]), &overridden, &["B>>m exists already", "overrides"]);
    assert_refused(&push("A>>n", &["E"]), &overridden, &["E is no direct subclass of A"]);
    assert_refused(&push("A>>n", &[]), &overridden, &["A>>n sends super m", "another method"]);
    assert_refused(
        &push("A>>k", &[]),
        &overridden,
        &["A>>k uses Max", "rename that variable of the subclass"],
    );
}
