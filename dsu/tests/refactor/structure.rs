//! Classes renamed, extracted and split.

use super::*;

#[test]
fn a_class_is_renamed_wherever_it_is_named() {
    let before = packages(&[
        ("P/package.st", "Package { #name : 'P' }"),
        (
            "P/Old.class.st",
            "Class { #name : #Old, #superclass : #Object, #classVars : [ 'K' ], #package : 'P' }\n\nOld class >> make [ ^ Old new ]\nOld >> me [ ^ self class == Old ]\n",
        ),
        (
            "P/Sub.class.st",
            "Class { #name : #Sub, #superclass : #Old, #pools : [ 'Old' ], #package : 'P' }\n\nSub >> m: Old [ ^ Old ]\nSub >> n [ \"Old\" ^ { Old. #Old. 'Old' } ]\n",
        ),
        ("Q/package.st", "Package { #name : 'Q' }"),
        ("Q/Old.extension.st", "Extension { #name : #Old }\n\n{ #category : '*Q' }\nOld >> more [ ^ Old ]\n"),
    ]);
    let outcome = made(&rename_class("Old", "New"), &before);
    assert_source(&outcome, "New class>>make", "make ^ New new");
    assert_source(&outcome, "New>>me", "me ^ self class == New");
    assert_source(&outcome, "New>>more", "more ^ New");
    assert_source(&outcome, "Sub>>m:", "m: Old ^ Old");
    assert_source(&outcome, "Sub>>n", "n \"Old\" ^ { New. #Old. 'Old' }");
    assert_eq!(class(&outcome.after, "Sub").superclass.as_deref(), Some("New"));
    assert_eq!(class(&outcome.after, "Sub").pools, ["New"]);
    assert_eq!(outcome.warnings.len(), 1, "{:?}", outcome.warnings);
    assert!(outcome.warnings[0].contains("Sub>>n has the symbol #Old"));
    let more = outcome.patch.methods.iter().find(|one| one.title() == "New>>more").unwrap();
    assert_eq!(more.package.as_deref(), Some("Q"));
}

#[test]
fn names_of_classes_that_clash_are_refused() {
    let before = program(&[
        ("A < Object", "", "A >> m [ ^ Later ]"),
        ("B < Object", "", "B >> k: There [ ^ A -> There ]"),
        ("C < Object", "#classVars : [ 'Known' ]", "C >> k [ ^ A -> Known ]"),
    ]);
    assert_refused(&rename_class("A", "B"), &before, &["there is B already, a class in P"]);
    assert_refused(&rename_class("A", "Array"), &before, &["there is Array already, a class in Collections"]);
    assert_refused(&rename_class("A", "lower"), &before, &["begins with a capital letter"]);
    assert_refused(&rename_class("A", "A-B"), &before, &["is no name of a class"]);
    assert_refused(&rename_class("A", "Later"), &before, &["P/A.class.st:3:12: A>>m names Later already"]);
    assert_refused(&rename_class("A", "There"), &before, &["B>>k: has another variable There here"]);
    assert_refused(&rename_class("A", "Known"), &before, &["C>>k has another variable Known here"]);
    assert_refused(&rename_class("Array", "B"), &before, &["Array belongs to the library"]);
}

fn extract(name: &str, classes: &[&str], variables: &[&str], methods: &[&str]) -> Refactoring {
    Refactoring::ExtractSuperclass {
        classes: strings(classes),
        name: name.to_owned(),
        variables: strings(variables),
        methods: strings(methods),
    }
}

fn zoo() -> Vec<Package> {
    program(&[
        (
            "Cat < Object",
            "#instVars : [ 'name', 'lives' ]",
            "Cat >> name [ ^ name ]\nCat >> lives [ ^ lives ]\nCat >> printOn: s [ s << name ]\nCat >> hash [ ^ super hash ]",
        ),
        ("Dog < Object", "#instVars : [ 'name' ]", "Dog >> name [ ^ name ]\nDog >> call [ ^ self name ]"),
        ("Puppy < Dog", "", "Puppy >> lives [ ^ lives ]"),
    ])
}

#[test]
fn a_superclass_is_extracted() {
    let outcome = made(&extract("Pet", &["Cat", "Dog"], &["name"], &["name", "call"]), &zoo());
    let pet = class(&outcome.after, "Pet");
    assert_eq!(
        (pet.superclass.as_deref(), pet.instance_variables.as_slice()),
        (Some("Object"), &["name".to_owned()][..])
    );
    assert_eq!(class(&outcome.after, "Cat").superclass.as_deref(), Some("Pet"));
    assert_eq!(class(&outcome.after, "Cat").instance_variables, ["lives"]);
    assert_source(&outcome, "Pet>>name", "name ^ name");
    assert_source(&outcome, "Pet>>call", "call ^ self name");
    for gone in ["Cat>>name", "Dog>>name", "Dog>>call"] {
        assert_eq!(source_of(&outcome.after, gone), None);
    }
    assert!(outcome.patch.policies.is_empty());
    let alone = made(&extract("Pet", &["Cat"], &[], &["hash"]), &zoo());
    assert_source(&alone, "Pet>>hash", "hash ^ super hash");
}

#[test]
fn superclasses_that_would_change_anything_are_refused() {
    let zoo = zoo();
    assert_refused(&extract("Dog", &["Cat"], &[], &[]), &zoo, &["there is Dog already"]);
    assert_refused(&extract("pet", &["Cat"], &[], &[]), &zoo, &["capital letter"]);
    assert_refused(&extract("Pet", &["Cat", "Puppy"], &[], &[]), &zoo, &["different superclasses"]);
    assert_refused(&extract("Pet", &["Cow"], &[], &[]), &zoo, &["there is no class Cow"]);
    assert_refused(&extract("Pet", &["Cat"], &["age"], &[]), &zoo, &["none of Cat declares"]);
    assert_refused(&extract("Pet", &["Cat", "Dog"], &["lives"], &[]), &zoo, &["Puppy>>lives names lives"]);
    assert_refused(&extract("Pet", &["Cat"], &[], &["bark"]), &zoo, &["Cat have no method bark"]);
    assert_refused(
        &extract("Pet", &["Cat"], &[], &["lives"]),
        &zoo,
        &["Cat>>lives uses lives", "pull the variable up"],
    );
    assert_refused(
        &extract("Pet", &["Cat", "Dog"], &["name"], &["printOn:"]),
        &zoo,
        &["Dog uses Object>>printOn:"],
    );
    let named = program(&[("A < Object", "", "A >> m [ ^ Pet ]")]);
    assert_refused(&extract("Pet", &["A"], &[], &[]), &named, &["A>>m names Pet already"]);
}

fn split(class: &str, variables: &[&str], into: &str, holder: &str) -> Refactoring {
    Refactoring::SplitClass {
        class: class.to_owned(),
        variables: strings(variables),
        into: into.to_owned(),
        holder: holder.to_owned(),
    }
}

#[test]
fn variables_move_into_an_object_of_their_own() {
    let before = program(&[
        (
            "Order < Object",
            "#instVars : [ 'item', 'street', 'town' ]",
            "Order >> move: aTown [\n\tstreet := nil. \"gone\"\n\ttown := aTown from: item.\n\t^ town := (aTown from: street)\n]
Order >> text [ ^ street , ' ' , town printString; yourself ]
Order >> town: town [ ^ town ]
Order >> all [ ^ [ :x | street := town := x foo; bar ] ]",
        ),
        ("Late < Order", "", "Late >> town [ ^ town ]"),
    ]);
    let outcome = made(&split("Order", &["street", "town"], "Address", "address"), &before);
    assert_source(
        &outcome,
        "Order>>move:",
        "move: aTown\n\tself address street: nil. \"gone\"\n\tself address town: (aTown from: item).\n\t^ self address town: (aTown from: self address street)",
    );
    assert_source(
        &outcome,
        "Order>>text",
        "text ^ self address street , ' ' , self address town printString; yourself",
    );
    assert_source(&outcome, "Order>>town:", "town: town ^ town");
    assert_source(&outcome, "Late>>town", "town ^ self address town");
    assert_source(&outcome, "Order>>address", "address\n\t^ address ifNil: [ address := Address new ]");
    assert_source(&outcome, "Order>>postCopy", "postCopy\n\tsuper postCopy.\n\taddress := address copy");
    assert_source(&outcome, "Address>>street", "street\n\t^ street");
    assert_source(&outcome, "Address>>street:", "street: anObject\n\t^ street := anObject");
    assert_eq!(class(&outcome.after, "Order").instance_variables, ["item", "address"]);
    assert_eq!(class(&outcome.after, "Address").instance_variables, ["street", "town"]);
    let [Policy { rule: Rule::Split { moves, into, holder }, .. }] = outcome.patch.policies.as_slice() else {
        panic!("{}", outcome.patch)
    };
    assert_eq!(
        (moves.as_slice(), into.as_str(), holder.as_str()),
        (&strings(&["street", "town"])[..], "Address", "address")
    );
}

#[test]
fn copies_are_made_where_the_class_says_what_copies_do() {
    let with =
        |body: &str| program(&[("A < Object", "#instVars : [ 'x' ]", &format!("A >> postCopy [ {body} ]"))]);
    let what = split("A", &["x"], "Part", "part");
    let outcome = made(&what, &with("super postCopy. x := x copy"));
    assert_source(
        &outcome,
        "A>>postCopy",
        "postCopy super postCopy.\n\tpart := part copy. self part x: self part x copy",
    );
    assert_refused(&what, &with("x := x copy"), &["A>>postCopy does not begin with super postCopy"]);
}

#[test]
fn splits_that_clash_are_refused() {
    let before = program(&[
        ("A < Object", "#instVars : [ 'x', 'hash', 'y' ]", "A >> part [ ^ 1 ]\nA >> m [ ^ other ]"),
        ("B < A", "", "B >> below [ ^ 1 ]"),
    ]);
    assert_refused(&split("A", &[], "Part", "p"), &before, &["no variable is named"]);
    assert_refused(&split("A", &["x", "x"], "Part", "p"), &before, &["x is named twice"]);
    assert_refused(&split("A", &["z"], "Part", "p"), &before, &["A declares no instance variable z"]);
    assert_refused(
        &split("A", &["hash"], "Part", "p"),
        &before,
        &["every object has a method hash", "rename the variable"],
    );
    assert_refused(&split("A", &["x"], "B", "p"), &before, &["there is B already"]);
    assert_refused(
        &split("A", &["x"], "Part", "y"),
        &before,
        &["A declares the instance variable y already"],
    );
    assert_refused(&split("A", &["x"], "Part", "part"), &before, &["there is A>>part already"]);
    assert_refused(&split("A", &["x"], "Part", "below"), &before, &["there is B>>below already"]);
    assert_refused(&split("A", &["x"], "Part", "other"), &before, &["A>>m names other"]);
    assert_refused(&split("A", &["x"], "Part", "super"), &before, &["super is reserved"]);
}
