//! A point of experiment E1: which become is measured, on how many objects, in which heap.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Defines an enum whose values have one fixed spelling, shared by CSV cells, options and messages.
macro_rules! named {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$inner])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every value, in the order in which tables and legends show them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The spelling in CSV cells and options.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// All spellings, for messages: `a, b or c`.
            #[must_use]
            pub fn accepted() -> String {
                one_of(&[$($text),+])
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(format!("\"{text}\" is none of {}", Self::accepted())),
                }
            }
        }
    };
}

/// `a, b or c`.
pub(crate) fn one_of(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

named! {
    /// How a become makes every reference to the old object lead to the new one.
    Strategy {
        /// A forwarder replaces the object; the partial read barrier meets it only where a send misses.
        Lazy = "lazy",
        /// A forwarder replaces the object; every access checks for it.
        AlwaysCheck = "always-check",
        /// The heap is scanned and every reference replaced; no access ever checks.
        FullScan = "full-scan",
        /// Every reference goes through a table of objects; become swaps two entries.
        ObjectTable = "object-table",
    }
}

named! {
    /// What is swapped.
    Kind {
        /// References to the old object lead to the new one, which keeps its own identity hash.
        OneWay = "one-way",
        /// The same, and the new object takes the old one's identity hash.
        OneWayHash = "one-way-hash",
        /// The two objects exchange their identities.
        TwoWay = "two-way",
    }
}

named! {
    /// Where the swapped objects live when the become starts.
    Age {
        /// In the young generation, never collected.
        Young = "young",
        /// In the old generation, after full collections.
        Old = "old",
    }
}

named! {
    /// Where the references stand that point at the swapped objects.
    Holder {
        /// In an instance variable of a holder object for each reference.
        Field = "field",
        /// In the elements of one array.
        Array = "array",
        /// In the copied values of closures.
        Closure = "closure",
    }
}

/// One point of the sweep. Every field is a column of `become.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Point {
    /// How the become works.
    pub strategy: Strategy,
    /// Threads that may work on the become and on collections.
    pub workers: u32,
    /// What is swapped.
    pub kind: Kind,
    /// Pairs swapped by the one bulk become.
    pub pairs: u64,
    /// Live objects that take no part: neither swapped nor pointing at swapped ones.
    pub bystanders: u64,
    /// Generation of the swapped objects.
    pub age: Age,
    /// References that point at each swapped object.
    pub references_per_object: u32,
    /// Where those references stand.
    pub holder: Holder,
}

impl Point {
    /// Live objects in the heap during the become: both sides of the pairs, the bystanders, a holder a reference.
    #[must_use]
    pub const fn objects(&self) -> u64 {
        let references = self.pairs.saturating_mul(self.references_per_object as u64);
        self.pairs.saturating_mul(2).saturating_add(self.bystanders).saturating_add(references)
    }

    /// A number for this point, the same in every process: mixed into the seed so that no two points share a heap.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        // The strategy and the workers stay out: strategies are compared on the same heap.
        let fields = [
            self.kind as u64,
            self.pairs,
            self.bystanders,
            self.age as u64,
            u64::from(self.references_per_object),
            self.holder as u64,
        ];
        fields.iter().fold(0, |mixed, &field| crate::rng::SplitMix64::new(mixed ^ field).next_u64())
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { strategy, workers, kind, pairs, bystanders, age, references_per_object, holder } = self;
        let plural = if *pairs == 1 { "pair" } else { "pairs" };
        write!(f, "{strategy}/{workers} {kind} of {} {age} {plural}", crate::figures::count(*pairs))?;
        write!(f, ", {} bystanders", crate::figures::count(*bystanders))?;
        write!(f, ", {references_per_object} × {holder}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINT: Point = Point {
        strategy: Strategy::Lazy,
        workers: 1,
        kind: Kind::OneWay,
        pairs: 10,
        bystanders: 1000,
        age: Age::Old,
        references_per_object: 4,
        holder: Holder::Field,
    };

    #[test]
    fn spellings_go_there_and_back() {
        for &strategy in Strategy::ALL {
            assert_eq!(strategy.name().parse(), Ok(strategy));
            assert_eq!(serde_json::to_string(&strategy).unwrap(), format!("\"{strategy}\""));
        }
        let error = "eager".parse::<Strategy>().unwrap_err();
        assert_eq!(error, "\"eager\" is none of lazy, always-check, full-scan or object-table");
    }

    #[test]
    fn strategies_share_a_heap_and_sizes_do_not() {
        let other = Point { strategy: Strategy::FullScan, workers: 2, ..POINT };
        assert_eq!(POINT.fingerprint(), other.fingerprint());
        assert_ne!(POINT.fingerprint(), Point { pairs: 11, ..POINT }.fingerprint());
    }

    #[test]
    fn absurd_sizes_saturate() {
        assert_eq!(POINT.objects(), 1060);
        assert_eq!(Point { pairs: u64::MAX, ..POINT }.objects(), u64::MAX);
    }
}
