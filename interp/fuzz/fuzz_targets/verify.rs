//! `bodies::verify_any` under libFuzzer.

#![no_main]
#![allow(dead_code, reason = "each target runs one of the bodies")]

#[path = "../bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|noise: bodies::Noise| bodies::verify_any(noise));
