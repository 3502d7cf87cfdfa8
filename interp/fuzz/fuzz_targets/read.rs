//! Any text is read in each format, or rejected with errors that can be shown; what Tonel takes is read back the same.
#![no_main]

use instar_interp::source::{SourceFile, read_files, tonel};
use libfuzzer_sys::fuzz_target;

const PATHS: [&str; 4] =
    ["A.class.st", "A.st", "P.package/A.class/properties.json", "P.package/A.class/instance/x.st"];

fuzz_target!(|text: &str| {
    for path in PATHS {
        match read_files(&[SourceFile::new(path, text.to_owned())]) {
            Err(errors) => assert!(!errors.to_string().is_empty()),
            Ok(packages) => {
                for package in packages {
                    let Ok(written) = tonel::write(&package) else { continue };
                    let files: Vec<_> =
                        written.into_iter().map(|(path, text)| SourceFile::new(path, text)).collect();
                    assert_eq!(read_files(&files).expect("what was written").first(), Some(&package));
                }
            }
        }
    }
});
