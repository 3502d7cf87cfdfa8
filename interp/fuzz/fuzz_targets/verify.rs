//! Any words and heights are accepted or rejected, and can be listed.

#![no_main]

use instar_interp::code::{Binding, CodeUnit, Literal, SiteUnit, disassemble, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, u8, Vec<(u32, u8)>)| {
    let (registers, arguments, temporaries, code) = input;
    let unit = CodeUnit {
        words: code.iter().map(|(word, _)| *word).collect(),
        heights: code.iter().map(|(_, height)| *height).collect(),
        registers,
        arguments,
        temporaries,
        literals: vec![
            Literal::Symbol("foo:".to_owned()),
            Literal::Symbol("bar".to_owned()),
            Literal::Binding(Binding::Global("G".to_owned())),
            Literal::Integer(1),
        ],
        sites: vec![SiteUnit { selector: 0, arguments: 1 }, SiteUnit { selector: 1, arguments: 0 }],
        ..CodeUnit::default()
    };
    let _ = verify(&unit);
    let _ = disassemble(&unit, None);
});
