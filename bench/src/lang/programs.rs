//! The programs, which are built into this one: their names, parameters, results and sources.

use std::io;

use include_dir::{Dir, include_dir};

use crate::unpacked::Unpacked;

static LANG: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/lang");

/// A program of the classic set. Each exists in Smalltalk, Python and Lua.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classic {
    /// Its name, which is the same in all languages.
    pub name: &'static str,
    /// The parameter for measuring time.
    pub parameter: u32,
    /// What the program must answer for that parameter.
    pub checksum: i64,
    /// A parameter for counting instructions by simulation: some 10⁷ of them, if the program has such a parameter.
    pub small: u32,
}

const fn classic(name: &'static str, parameter: u32, checksum: i64, small: u32) -> Classic {
    Classic { name, parameter, checksum, small }
}

/// The classic set.
pub const CLASSIC: [Classic; 13] = [
    classic("Richards", 8, 232_469_297, 1),
    classic("DeltaBlue", 5000, 72_492_475, 100),
    classic("Json", 24, 20_178, 1),
    classic("Havlak", 3, 16_475_213, 1),
    classic("CD", 50, 2130, 2),
    classic("Bounce", 400, 1331, 5),
    classic("List", 500, 10, 5),
    classic("Permute", 150, 8660, 4),
    classic("Queens", 300, 15_863_724, 4),
    classic("Sieve", 500, 669, 8),
    classic("Storage", 150, 5461, 4),
    classic("Towers", 150, 8191, 2),
    classic("Fib", 32, 3_524_578, 22),
];

/// A program of the Benchmarks Game with the output that it must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Game {
    /// Its name.
    pub name: &'static str,
    /// The size for which the output is known.
    pub size: u32,
    /// The output: characters are bytes, and a line `*` stands for any line.
    pub expected: &'static [u8],
}

/// The programs of the Benchmarks Game, by name.
#[must_use]
pub fn games() -> Vec<Game> {
    let files = LANG.get_dir("expected").into_iter().flat_map(Dir::files);
    let game = |file: &'static include_dir::File<'static>| {
        let (name, size) = file.path().file_stem()?.to_str()?.rsplit_once('-')?;
        Some(Game { name, size: size.parse().ok()?, expected: file.contents() })
    };
    let mut games: Vec<Game> = files.filter_map(game).collect();
    games.sort_by_key(|game| game.name);
    games
}

/// Sizes for counting instructions by simulation, where the one with the known output takes too long or next to no time.
const SMALL: [(&str, u32); 12] = [
    ("BinaryTrees", 8),
    ("Chameneos", 2000),
    ("Fasta", 2000),
    ("KNucleotide", 300),
    ("Mandelbrot", 60),
    ("Meteor", 1),
    ("NBody", 500),
    ("PiDigits", 200),
    ("RegexDNA", 200),
    ("ReverseComplement", 2000),
    ("SpectralNorm", 40),
    ("ThreadRing", 3000),
];

impl Game {
    /// The size for counting instructions by simulation.
    #[must_use]
    pub fn small(&self) -> u32 {
        SMALL.iter().find(|(name, _)| *name == self.name).map_or(self.size, |(_, size)| *size)
    }

    /// The Adler-32 checksum of the known output; `None` if not all of it is known.
    #[must_use]
    pub fn checksum(&self) -> Option<u32> {
        if self.expected.split(|&byte| byte == b'\n').any(|line| line == b"*") {
            return None;
        }
        let step = |(a, b): (u32, u32), &byte: &u8| {
            let a = (a + u32::from(byte)) % 65_521;
            (a, (b + a) % 65_521)
        };
        let (a, b) = self.expected.iter().fold((1, 0), step);
        Some(b << 16 | a)
    }

    /// Compares an output with the expected one.
    ///
    /// # Errors
    /// Names the first line that differs.
    pub fn check(&self, output: &[u8]) -> Result<(), String> {
        let lines = |text: &'static [u8]| text.split(|&byte| byte == b'\n');
        let mut expected = lines(self.expected);
        let mut found = output.split(|&byte| byte == b'\n');
        for number in 1.. {
            match (expected.next(), found.next()) {
                (None, None) => break,
                (Some(b"*"), Some(_)) => {}
                (Some(wanted), Some(line)) if wanted == line => {}
                (wanted, line) => {
                    let show = |line: Option<&[u8]>| match line {
                        None => "nothing".to_owned(),
                        Some(line) => format!("\"{}\"", line.escape_ascii()),
                    };
                    let (wanted, line) = (show(wanted), show(line));
                    return Err(format!("line {number} of the output is {line} and should be {wanted}"));
                }
            }
        }
        Ok(())
    }
}

/// The Smalltalk sources below `lang/smalltalk`, tests left out: path and text.
#[must_use]
pub fn smalltalk() -> Vec<(String, &'static str)> {
    let mut files = Vec::new();
    for package in LANG.get_dir("smalltalk").into_iter().flat_map(Dir::dirs) {
        if !package.path().ends_with("Benchmarks-Tests") {
            collect(package, &mut files);
        }
    }
    files.sort();
    files
}

fn collect(folder: &Dir<'static>, files: &mut Vec<(String, &'static str)>) {
    for file in folder.files() {
        if let (Some(text), true) = (file.contents_utf8(), file.path().extension().is_some_and(|e| e == "st"))
        {
            files.push((file.path().display().to_string(), text));
        }
    }
    folder.dirs().for_each(|inner| collect(inner, files));
}

/// All sources in a folder, for the interpreters of other languages.
///
/// # Errors
/// Those of the file system.
pub fn unpack() -> io::Result<Unpacked> {
    Unpacked::new(&LANG, "bench")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_programs_are_there_in_all_languages() {
        let files = smalltalk();
        for classic in CLASSIC {
            let lower = classic.name.to_lowercase();
            assert!(
                files.iter().any(|(path, _)| path.ends_with(&format!("/{}Benchmark.class.st", classic.name)))
            );
            assert!(LANG.get_file(format!("python/classic/{lower}.py")).is_some(), "{lower}");
            assert!(LANG.get_file(format!("lua/{lower}.lua")).is_some(), "{lower}");
        }
        let games = games();
        assert_eq!(games.len(), 14);
        for game in games {
            assert!(
                files.iter().any(|(path, _)| path.ends_with(&format!("/{}.class.st", game.name))),
                "{}",
                game.name
            );
        }
    }

    #[test]
    fn outputs_are_compared_by_line_with_wildcards() {
        let game = Game { name: "x", size: 1, expected: b"one\n*\nthree\n" };
        assert_eq!(game.check(b"one\ntwo\nthree\n"), Ok(()));
        let wrong = game.check(b"one\ntwo\nfour\n").unwrap_err();
        assert_eq!(wrong, "line 3 of the output is \"four\" and should be \"three\"");
        assert!(game.check(b"one\ntwo\nthree\nmore").unwrap_err().starts_with("line 4"));
        assert!(game.check(b"one").unwrap_err().contains("is nothing"));
    }

    #[test]
    fn other_languages_are_unpacked_and_removed() {
        let unpacked = unpack().unwrap();
        let path = unpacked.path("lua/run.lua");
        assert!(path.exists() && unpacked.path("python/classic/fib.py").exists());
        drop(unpacked);
        assert!(!path.exists());
    }
}
