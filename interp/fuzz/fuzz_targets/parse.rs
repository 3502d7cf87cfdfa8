//! Any text is parsed, or rejected with errors that can be shown.
#![no_main]

use instar_interp::syntax::{completeness, parse_doit, parse_method, render, tokens};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &str| {
    if let Err(errors) = parse_method(source) {
        assert!(!render("source", source, &errors).is_empty());
    }
    if let Err(errors) = parse_doit(source) {
        assert!(!render("source", source, &errors).is_empty());
    }
    completeness(source);
    assert!(tokens(source).all(|token| source.get(token.span.range()).is_some()));
});
