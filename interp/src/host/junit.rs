//! Results of tests in the XML form that JUnit made common.

use std::fmt::{self, Write};
use std::time::Duration;

use super::suite::{Kind, Outcome};

/// Writes outcomes, those of one class beside each other, as a document.
///
/// # Errors
/// Those of the writer.
pub fn write_junit(outcomes: &[Outcome], name: &str, out: &mut impl Write) -> fmt::Result {
    out.write_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
    writeln!(out, "<testsuites name=\"{}\"{}>", Escaped(name), Counts(outcomes))?;
    for suite in outcomes.chunk_by(|one, other| one.test.class == other.test.class) {
        writeln!(out, "  <testsuite name=\"{}\"{}>", Escaped(&suite[0].test.class), Counts(suite))?;
        suite.iter().try_for_each(|outcome| write_case(outcome, out))?;
        out.write_str("  </testsuite>\n")?;
    }
    out.write_str("</testsuites>\n")
}

fn write_case(outcome: &Outcome, out: &mut impl Write) -> fmt::Result {
    let Outcome { test, kind, message, exception, trace, time } = outcome;
    let (class, selector, time) = (Escaped(&test.class), Escaped(&test.selector), Seconds(*time));
    write!(out, "    <testcase classname=\"{class}\" name=\"{selector}\" time=\"{time}\"")?;
    let element = match kind {
        Kind::Passed => return out.write_str("/>\n"),
        Kind::Failed => "failure",
        Kind::Error => "error",
        Kind::Skipped => "skipped",
    };
    let (message, exception, trace) = (Escaped(message), Escaped(exception), Escaped(trace));
    writeln!(out, ">\n      <{element} message=\"{message}\" type=\"{exception}\">{trace}</{element}>")?;
    out.write_str("    </testcase>\n")
}

/// Attributes that count outcomes.
struct Counts<'o>(&'o [Outcome]);

impl fmt::Display for Counts<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |kind| self.0.iter().filter(|outcome| outcome.kind == kind).count();
        let time: Duration = self.0.iter().map(|outcome| outcome.time).sum();
        write!(
            out,
            " tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\"",
            self.0.len(),
            count(Kind::Failed),
            count(Kind::Error),
            count(Kind::Skipped),
            Seconds(time)
        )
    }
}

struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{:06}", self.0.as_secs(), self.0.subsec_micros())
    }
}

/// Text for attributes and elements. Characters that XML 1.0 cannot hold are replaced.
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '<' => out.write_str("&lt;")?,
                '>' => out.write_str("&gt;")?,
                '&' => out.write_str("&amp;")?,
                '"' => out.write_str("&quot;")?,
                // As themselves they would be made spaces in attributes.
                '\n' => out.write_str("&#10;")?,
                '\r' => out.write_str("&#13;")?,
                '\t' => out.write_str("&#9;")?,
                '\0'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => out.write_char('\u{FFFD}')?,
                other => out.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Test;

    fn outcome(class: &str, kind: Kind, message: &str) -> Outcome {
        Outcome {
            test: Test { class: class.to_owned(), selector: "testIt".to_owned() },
            kind,
            message: message.to_owned(),
            exception: "TestFailure".to_owned(),
            trace: "A>>b (a.st:3): ^ 1 < 2".to_owned(),
            time: Duration::from_micros(1_500_000),
        }
    }

    #[test]
    fn every_kind_is_counted_and_every_character_is_escaped() {
        let outcomes = [
            outcome("A", Kind::Passed, ""),
            outcome("A", Kind::Failed, "<&\"\u{1}\n>"),
            outcome("B", Kind::Error, "e"),
            outcome("B", Kind::Skipped, "s"),
        ];
        let mut text = String::new();
        write_junit(&outcomes, "all", &mut text).unwrap();
        assert!(text.contains("tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"1\" time=\"6.000000\""));
        assert!(text.contains("message=\"&lt;&amp;&quot;\u{FFFD}&#10;&gt;\""));
        assert!(text.contains("^ 1 &lt; 2</failure>"));
        assert_eq!(text.matches("<testsuite ").count(), 2);
        assert_eq!(text.matches("<testcase ").count(), 4);
    }
}
