//! What the safe interface must not let through, and beside each program its twin that it must.
//!
//! Messages are the compiler's own: with another toolchain than the pinned one, `TRYBUILD=overwrite` writes them anew.

#[test]
fn the_compiler_rejects_references_and_handles_that_would_dangle() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/fail_*.rs");
    cases.pass("tests/ui/pass_*.rs");
}
