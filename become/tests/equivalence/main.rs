//! Random programs under each strategy against one model of what become means: identities that are united by one-way
//! becomes and that exchange bodies by two-way ones. After each become and each collection the reachable graph must be
//! the model's: classes, formats, sizes, values, flags and identity hashes; and each refusal must be the model's.
//!
//! What is inherent to the object table and therefore modelled apart: nil and immediates are no entries, so that a
//! one-way become to one is refused with [`BecomeError::NotAnEntry`].
//!
//! The model says what is reachable, not when what is unreachable goes: weak slots that hold the only way to an object
//! are compared after full collections only, and keys of ephemerons are kept until the program's end.

#![allow(unsafe_code)]

#[path = "../common/mod.rs"]
mod common;
mod model;
mod program;
mod run;

use instar_become::{AlwaysCheck, FullScan, Lazy, ObjectTable};
use proptest::prelude::*;

use program::program;
use run::run;

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, max_shrink_iters: 4000, ..ProptestConfig::default() })]

    #[test]
    fn every_strategy_means_the_same(program in program()) {
        let lazy = run::<Lazy>(1, &program);
        prop_assert_eq!(&lazy, &run::<Lazy>(2, &program));
        prop_assert_eq!(&lazy, &run::<AlwaysCheck>(1, &program));
        prop_assert_eq!(&lazy, &run::<FullScan>(1, &program));
        prop_assert_eq!(&lazy, &run::<FullScan>(2, &program));
        run::<ObjectTable>(1, &program);
    }
}
