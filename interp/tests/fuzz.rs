//! The bodies of the fuzz targets with bounded random inputs: plain noise, sources of the kernel with damage, and code of the
//! compiler with damage. `PROPTEST_CASES` makes it longer.

#[path = "../fuzz/bodies.rs"]
mod bodies;

use std::path::Path;
use std::sync::LazyLock;

use instar_interp::compiler::{Empty, compile_method};
use instar_interp::source;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// The files and the methods of the kernel's packages.
static SOURCES: LazyLock<(Vec<String>, Vec<String>)> = LazyLock::new(|| {
    let kernel = Path::new(env!("CARGO_MANIFEST_DIR")).join("kernel");
    let mut files = Vec::new();
    for folder in kernel.read_dir().unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for file in folder.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
            // Short ones, so that damage is not lost in them.
            files.push(std::fs::read_to_string(file).unwrap());
        }
    }
    files.sort_by_key(String::len);
    files.truncate(files.len() / 2);
    let packages = source::read(&kernel).unwrap();
    let mut methods: Vec<String> = packages
        .iter()
        .flat_map(source::Package::methods)
        .map(|(_, method)| format!("{}{}", method.pattern(), method.body()))
        .collect();
    methods.sort();
    (files, methods)
});

fn file() -> impl Strategy<Value = &'static String> {
    any::<Index>().prop_map(|index| &SOURCES.0[index.index(SOURCES.0.len())])
}

fn method() -> impl Strategy<Value = &'static String> {
    any::<Index>().prop_map(|index| &SOURCES.1[index.index(SOURCES.1.len())])
}

/// Cuts at places that the indices name, with what is put in each.
type Damage = Vec<(Index, u8, &'static str)>;

fn damage() -> impl Strategy<Value = Damage> {
    let put = [
        "",
        "",
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
        "'",
        "\"",
        "$",
        "#",
        "|",
        ":",
        "::",
        ":=",
        "^",
        ".",
        ";",
        "!",
        "<",
        ">",
        "#(",
        "#[",
        "#{",
        " super ",
        " thisContext ",
        " ifTrue: ",
        " whileTrue",
        " 16r",
        "1e99999",
        " >> ",
        "\0",
        "\r",
        "\u{feff}",
        "\u{1F600}",
        "<primitive: #x>",
        "{ #category : 'x' }\n",
    ];
    vec((any::<Index>(), 0_u8..6, select(put.to_vec())), 1..5)
}

fn damaged(text: &str, damage: &Damage) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for (at, length, put) in damage {
        let from = at.index(letters.len() + 1);
        let to = (from + usize::from(*length)).min(letters.len());
        letters.splice(from..to, put.chars());
    }
    letters.into_iter().collect()
}

proptest! {
    #[test]
    fn noise_is_parsed_read_and_compiled_or_rejected(text in any::<String>(), bytes in vec(any::<u8>(), 0..300)) {
        for text in [text, String::from_utf8_lossy(&bytes).into_owned()] {
            bodies::parse(&text);
            bodies::read(&text);
            bodies::compile(&text);
        }
    }

    #[test]
    fn damaged_files_are_read_or_rejected(file in file(), damage in damage()) {
        bodies::read(&damaged(file, &damage));
    }

    #[test]
    fn damaged_methods_are_parsed_and_compiled_or_rejected(method in method(), damage in damage()) {
        let text = damaged(method, &damage);
        bodies::parse(&text);
        bodies::compile(&text);
    }

    #[test]
    fn random_code_is_sound_or_rejected(
        counts: (u8, u8, u8), small: bool, code in vec((any::<u32>(), any::<u8>()), 0..24),
    ) {
        let few = |count: u8| if small { count % 8 } else { count };
        let code = code.into_iter().map(|(word, height)| (if small { word & 0x0707_073F } else { word }, few(height)));
        bodies::verify_any((few(counts.0), few(counts.1) / 2, few(counts.2) / 2, code.collect()));
    }

    #[test]
    fn damaged_code_is_sound_or_rejected(method in method(), hits in vec((any::<Index>(), 0_u32..32, -1_i8..2), 0..3)) {
        let Ok(info) = compile_method(method, &Empty) else { return Ok(()) };
        let unit = info.unit;
        let mut code: Vec<(u32, u8)> = unit.words.iter().copied().zip(unit.heights.iter().copied()).collect();
        for (at, bit, height) in hits {
            let place = &mut code[at.index(unit.words.len())];
            *place = (place.0 ^ 1 << bit, place.1.wrapping_add_signed(height));
        }
        bodies::verify_any((unit.registers, unit.arguments, unit.temporaries, code));
    }
}
