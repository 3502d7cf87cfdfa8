//! Any text compiles to code that the verifier accepts, or is rejected with errors about the text.

#![no_main]

use instar_interp::code::disassemble;
use instar_interp::compiler::{Empty, compile_doit, compile_method};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &str| {
    for result in [compile_method(source, &Empty), compile_doit(source, &Empty)] {
        match result {
            Ok(info) => drop(disassemble(&info.unit, Some(source))),
            Err(errors) => {
                let is_ours = errors.iter().any(|error| error.message.contains("code that cannot run"));
                assert!(!is_ours, "{errors:?}");
            }
        }
    }
});
