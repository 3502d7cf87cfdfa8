//! The `instar` command line: nothing but glue.
fn main() {}
