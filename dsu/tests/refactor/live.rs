//! Refactorings applied to a program that runs, with instances, and taken back by the engine.

use instar_interp::host::Session;
use instar_interp::vm::{Space, SpaceOptions};

use super::*;

struct Live {
    session: Session,
}

impl Live {
    fn new(packages: &[Package]) -> Live {
        let mut session = Session::new(Space::new(SpaceOptions::default()).unwrap()).unwrap();
        let mut all = instar_dsu::packages(instar_dsu::ENGINE).unwrap_or_else(|errors| panic!("{errors}"));
        all.extend(packages.iter().cloned());
        session.load(&all).unwrap_or_else(|problem| panic!("{problem}"));
        Live { session }
    }

    fn evaluate(&mut self, source: &str) -> String {
        self.session.evaluate(source).unwrap_or_else(|problem| panic!("{source}: {problem}")).0
    }

    /// Applies what a refactoring makes.
    fn refactor(&mut self, what: &Refactoring, packages: &[Package]) -> Outcome {
        let outcome = made(what, packages);
        let expression = outcome.patch.expression().unwrap();
        assert_eq!(self.evaluate(&format!("(DSUUpdate apply: [ {expression} ] value) isCommitted")), "true");
        outcome
    }

    /// Takes the last update back, of which nothing may be lost.
    fn undo(&mut self) {
        assert_eq!(self.evaluate("DSUUpdate undo isCommitted"), "true");
    }
}

const COUNTER: &str = "Counter >> up [ count := (count ifNil: [ 0 ]) + 1. ^ count ]
Counter >> count [ ^ count ]
Counter class >> made [ ^ made := (made ifNil: [ 0 ]) + 1 ]
Counter class >> all [ ^ All ifNil: [ All := OrderedCollection new ] ]";

fn counters() -> Vec<Package> {
    program(&[
        (
            "Counter < Object",
            "#instVars : [ 'count' ], #classInstVars : [ 'made' ], #classVars : [ 'All' ]",
            COUNTER,
        ),
        (
            "Timer < Counter",
            "#instVars : [ 'step' ]",
            "Timer >> step: n [ step := n ]\nTimer >> step [ ^ step ]",
        ),
    ])
}

#[test]
fn renamed_variables_keep_their_values_and_get_their_names_back() {
    let packages = counters();
    let mut live = Live::new(&packages);
    live.evaluate("c := Counter new. c up. t := Timer new. t up; up. t step: 9. Counter made; made. Timer made. Counter all add: c");
    let state = "{ c count. t count. t step. (Counter instVarNamed: 'NAME'). (Timer instVarNamed: 'NAME'). Counter all size. Counter classPool keys asArray }";
    let expect = |live: &mut Live, side: &str, shared: &str| {
        let state_now = state.replace("NAME", side);
        let found = live.evaluate(&format!("({state_now}) printString = '#(1 2 9 2 1 1 #(#{shared}))'"));
        assert_eq!(found, "true", "{}", live.evaluate(&state.replace("NAME", side)));
    };
    expect(&mut live, "made", "All");
    live.refactor(&rename_variable("Counter", "count", "total"), &packages);
    assert_eq!(live.evaluate("Counter instVarNames asArray = #('total')"), "true");
    expect(&mut live, "made", "All");
    live.undo();
    assert_eq!(live.evaluate("Counter instVarNames asArray = #('count')"), "true");
    expect(&mut live, "made", "All");
    live.refactor(&renamed("Counter", VariableKind::ClassSide, "made", "born"), &packages);
    expect(&mut live, "born", "All");
    assert_eq!(live.evaluate("Counter made + Timer made"), "5");
    live.evaluate("Counter instVarNamed: 'born' put: 2. Timer instVarNamed: 'born' put: 1");
    live.undo();
    expect(&mut live, "made", "All");
    live.refactor(&renamed("Counter", VariableKind::Shared, "All", "Known"), &packages);
    expect(&mut live, "made", "Known");
    live.undo();
    expect(&mut live, "made", "All");
}

#[test]
fn the_inverse_of_a_renamed_shared_variable_is_made_from_the_file_as_well() {
    let packages = counters();
    let mut live = Live::new(&packages);
    live.evaluate("Counter all add: 3");
    let outcome = live.refactor(&renamed("Counter", VariableKind::Shared, "All", "Known"), &packages);
    let inverse = outcome.patch.invert(&packages).unwrap();
    assert_eq!(inverse.undecided(), [""; 0]);
    assert_eq!(
        live.evaluate(&format!("(DSUUpdate apply: [ {} ] value) isCommitted", inverse.expression().unwrap())),
        "true"
    );
    assert_eq!(
        live.evaluate("Counter all first = 3 and: [ (Counter classVarNamed: #All) size = 1 ]"),
        "true"
    );
}

#[test]
fn a_renamed_variable_that_is_not_there_is_refused() {
    let mut live = Live::new(&counters());
    for (definition, why) in [
        (
            "renameVariable: #Nope to: #Known; classVariables: #(Known)",
            "no class or class-side variable Nope",
        ),
        ("renameVariable: #All to: #Known", "no class or class-side variable Known"),
        ("renameVariable: #All to: #Known; classVariables: #(All Known)", "still has the variable All"),
    ] {
        let text = live.evaluate(&format!(
            "| patch | patch := DSUPatch named: 'x'. (patch class: #Counter) {definition}. [ (DSUUpdate apply: patch) printString ] on: DSUError do: [ :e | e messageText ]"
        ));
        assert!(text.contains(why), "{definition}: {text}");
    }
}

#[test]
fn a_renamed_class_and_selector_reach_those_that_live() {
    let packages = counters();
    let mut live = Live::new(&packages);
    live.evaluate("c := Counter new. c up. t := Timer new. t up");
    let outcome = live.refactor(&rename_class("Counter", "Tally"), &packages);
    assert_eq!(
        live.evaluate(
            "c up = 2 and: [ c class name = #Tally and: [ t class superclass == (Smalltalk at: #Tally) ] ]"
        ),
        "true"
    );
    live.refactor(&rename_method("Tally>>up", "increment", false), &outcome.after);
    assert_eq!(live.evaluate("c increment + t increment"), "5");
    live.undo();
    assert_eq!(live.evaluate("c up + t up"), "7");
}

#[test]
fn values_follow_variables_up_and_down() {
    let packages = counters();
    let mut live = Live::new(&packages);
    live.evaluate("c := Counter new. c up. t := Timer new. t up. t step: 9");
    let up = Refactoring::PullUpVariable {
        class: "Timer".to_owned(),
        kind: VariableKind::Instance,
        name: "step".to_owned(),
    };
    let outcome = live.refactor(&up, &packages);
    assert_eq!(
        live.evaluate("t step = 9 and: [ t count = 1 and: [ (c instVarNamed: 'step') isNil ] ]"),
        "true"
    );
    let down = Refactoring::PushDownVariable {
        class: "Counter".to_owned(),
        kind: VariableKind::Instance,
        name: "step".to_owned(),
        into: Vec::new(),
    };
    live.refactor(&down, &outcome.after);
    assert_eq!(live.evaluate("t step = 9 and: [ t count = 1 and: [ c count = 1 ] ]"), "true");
    live.undo();
    assert_eq!(live.evaluate("t step = 9 and: [ t count = 1 and: [ c count = 1 ] ]"), "true");
}

#[test]
fn an_extracted_superclass_has_the_values() {
    let packages = counters();
    let mut live = Live::new(&packages);
    live.evaluate("c := Counter new. c up. t := Timer new. t up. t step: 9");
    let extract = Refactoring::ExtractSuperclass {
        classes: strings(&["Counter"]),
        name: "Countable".to_owned(),
        variables: strings(&["count"]),
        methods: strings(&["up", "count"]),
    };
    live.refactor(&extract, &packages);
    assert_eq!(
        live.evaluate(
            "c up = 2 and: [ t count = 1 and: [ t step = 9 and: [ Counter superclass name = #Countable ] ] ]"
        ),
        "true"
    );
    live.undo();
    assert_eq!(
        live.evaluate("c count = 2 and: [ t step = 9 and: [ Counter superclass == Object ] ]"),
        "true"
    );
}

#[test]
fn a_split_instance_has_its_part_and_gets_its_values_back() {
    let packages = program(&[(
        "Order < Object",
        "#instVars : [ 'item', 'street', 'town' ]",
        "Order >> item: i street: s town: t [ item := i. street := s. town := t ]
Order >> text [ ^ item , street , town ]
Order >> town: t [ ^ town := t ]
Order >> town [ ^ town ]",
    )]);
    let mut live = Live::new(&packages);
    live.evaluate("o := Order new. o item: 'i' street: 's' town: 't'. empty := Order new");
    let split = Refactoring::SplitClass {
        class: "Order".to_owned(),
        variables: strings(&["street", "town"]),
        into: "Address".to_owned(),
        holder: "address".to_owned(),
    };
    live.refactor(&split, &packages);
    assert_eq!(live.evaluate("o text = 'ist' and: [ o address town = 't' and: [ Order instVarNames asArray = #('item' 'address') ] ]"), "true");
    assert_eq!(
        live.evaluate(
            "Order new town isNil and: [ (Order new town: 3; town) = 3 and: [ empty town isNil ] ]"
        ),
        "true"
    );
    assert_eq!(live.evaluate("p := o copy. p town: 'x'. o text = 'ist' and: [ p text = 'isx' ]"), "true");
    live.undo();
    assert_eq!(live.evaluate("o text = 'ist' and: [ p text = 'isx' and: [ Order instVarNames size = 3 and: [ (Smalltalk includesKey: #Address) not ] ] ]"), "true");
}

#[test]
fn added_variables_have_their_values_in_what_exists() {
    let packages = counters();
    let mut live = Live::new(&packages);
    live.evaluate("c := Counter new. t := Timer new");
    let add = |kind, name: &str, default: &str, initialize| Refactoring::AddVariable {
        class: "Counter".to_owned(),
        kind,
        name: name.to_owned(),
        default: Some(default.to_owned()),
        initialize,
    };
    let outcome = live.refactor(&add(VariableKind::Instance, "limit", "6 * 7", true), &packages);
    assert_eq!(
        live.evaluate(
            "{ c. t. Counter new. Timer new } allSatisfy: [ :each | (each instVarNamed: 'limit') = 42 ]"
        ),
        "true"
    );
    let outcome = live.refactor(&add(VariableKind::Shared, "Most", "3 + 4", false), &outcome.after);
    assert_eq!(live.evaluate("Counter classVarNamed: #Most"), "7");
    let outcome = live.refactor(&add(VariableKind::ClassSide, "least", "1 + 1", false), &outcome.after);
    assert_eq!(live.evaluate("(Counter instVarNamed: 'least') + (Timer instVarNamed: 'least')"), "4");
    let remove = Refactoring::RemoveVariable {
        class: "Counter".to_owned(),
        kind: VariableKind::ClassSide,
        name: "least".to_owned(),
    };
    live.refactor(&remove, &outcome.after);
    assert_eq!(live.evaluate("Counter class instVarNames asArray = #('made')"), "true");
}
