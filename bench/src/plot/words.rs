//! Points in words, for subtitles.

use super::select::{Axis, Line};
use crate::figures;
use crate::point::{Age, Holder, Kind};

/// What all rows of a line have in common.
pub(super) fn fixed(line: &Line<'_>, axis: Axis) -> String {
    let point = &line.fixed;
    let kind = match point.kind {
        Kind::OneWay => "one-way become",
        Kind::OneWayHash => "one-way become with hash",
        Kind::TwoWay => "two-way become",
    };
    let age = match point.age {
        Age::Young => "young objects",
        Age::Old => "old objects",
    };
    let mut parts = vec![kind.to_owned(), age.to_owned()];
    let references = match point.references_per_object {
        1 => "one reference to each".to_owned(),
        several => format!("{several} references to each"),
    };
    let holder = match (axis, point.holder) {
        (Axis::Holder, _) => String::new(),
        (_, Holder::Field) => " from a field".to_owned(),
        (_, Holder::Array) => " from an array".to_owned(),
        (_, Holder::Closure) => " from a closure".to_owned(),
    };
    parts.push(references + &holder);
    if axis != Axis::Pairs {
        let pairs = if point.pairs == 1 { "pair" } else { "pairs" };
        parts.push(format!("{} {pairs}", figures::count(point.pairs)));
    }
    if axis != Axis::Bystanders {
        parts.push(format!("{} bystanders", figures::count(point.bystanders)));
    }
    parts.join(" · ")
}

/// What the marks and bars are.
pub(super) fn runs(line: &Line<'_>) -> String {
    format!("Marks: median of {} runs; bars: its 95 % bootstrap interval.", line.runs())
}
