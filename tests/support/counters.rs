//! A program with counters that count, and patches of it.

#![allow(dead_code, reason = "each test file uses its part")]

use std::process::Output;

use crate::program::{Folder, instar};

pub const PACKAGE: &str = "Package { #name : 'Counters' }";

pub const COUNTER: &str = "\
Class { #name : 'Counter', #superclass : 'Object', #instVars : [ 'count' ], #category : 'Counters', #package : 'Counters' }

{ #category : 'counting' }
Counter >> initialize [ count := 0 ]

{ #category : 'counting' }
Counter >> count [ ^ count ]

{ #category : 'counting' }
Counter >> step [ count := count + 1. ^ count ]

{ #category : 'counting' }
Counter >> text [ ^ 'old ' , count printString ]

{ #category : 'waiting' }
Counter >> keep: aSemaphore [ aSemaphore wait ]
";

/// Prints a line for each round: what the first counter says, the class's variables, and identity hash and place of an object.
pub const MAIN: &str = "\
| counters hash keeper gate |
counters := (1 to: 500) collect: [ :each | Counter new ].
hash := counters first identityHash.
gate := Semaphore new.
keeper := [ counters first keep: gate ] newProcess.
keeper name: 'keeper'.
(Smalltalk arguments includes: 'keep') ifTrue: [ keeper priority: 50; resume ].
Smalltalk at: #Gate put: gate.
[ (Smalltalk at: #Stop ifAbsent: [ nil ]) isNil ] whileTrue: [
    counters do: [ :each | each step ].
    Transcript show: counters first text; show: ' | '; show: Counter instVarNames asArray printString; show: ' | ';
        show: (counters collect: [ :each | each count ]) asSet size printString; show: ' | ';
        show: (hash = counters first identityHash) printString; cr; flush.
    (Delay forMilliseconds: 5) wait ].
Transcript show: 'stopped'; cr; flush.
";

/// A new variable in front, and a method that shows it.
pub const NAMES: &str = "\
| patch |
patch := DSUPatch named: 'Counters have names'.
patch class: #Counter instanceVariables: #( name count ).
patch compile: 'text ^ ''new '' , name , '' '' , count printString' in: #Counter.
patch policy: (DSUPolicy default: 'anna' for: 'name') for: #Counter.
patch
";

pub const KEEP: &str =
    "(DSUPatch named: 'Keep') compile: 'keep: aSemaphore aSemaphore wait. ^ self' in: #Counter; yourself";
pub const STOP: &str = "(DSUPatch named: 'Stop') after: [ Smalltalk at: #Stop put: true ]; yourself";

pub fn folder(name: &str) -> Folder {
    Folder::new(
        name,
        &[
            ("app/package.st", PACKAGE),
            ("app/Counter.class.st", COUNTER),
            ("main.st", MAIN),
            ("names.st", NAMES),
            ("keep.st", KEEP),
            ("stop.st", STOP),
        ],
    )
}

pub fn apply(folder: &Folder, patch: &str, options: &[&str]) -> Output {
    let (socket, patch) = (folder.path("s"), folder.path(patch));
    let mut arguments = vec!["apply", "--to", &socket, &patch];
    arguments.extend(options);
    instar(&arguments)
}

pub fn to(folder: &Folder, what: &str) -> Output {
    instar(&[what, "--to", &folder.path("s")])
}
