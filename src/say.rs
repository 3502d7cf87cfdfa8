//! Text for whoever reads the standard output and the error output. A reader that has gone is no reason to fail: what it does not want
//! to read is lost, and nothing else.

/// As `print!`, but for that.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write;
        let _ = write!(std::io::stdout(), $($text)*);
    }};
}

/// As `eprint!`, but for that.
macro_rules! complain {
    ($($text:tt)*) => {{
        use std::io::Write;
        let _ = write!(std::io::stderr(), $($text)*);
    }};
}

pub(crate) use {complain, say};
