//! Who is drawn how: one colour and one mark a strategy in every plot, dashed lines for several workers.

use super::scene::{At, Color, Scene, Stroke};
use crate::point::Strategy;

/// A strategy with its number of workers: one line of a plot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Contender {
    pub strategy: Strategy,
    pub workers: u32,
}

impl Contender {
    /// The colours of Okabe and Ito (2008), which all kinds of colour blindness tell apart.
    pub(super) const fn color(self) -> Color {
        match self.strategy {
            Strategy::Lazy => Color(0x00, 0x72, 0xb2),
            Strategy::AlwaysCheck => Color(0x00, 0x9e, 0x73),
            Strategy::FullScan => Color(0xd5, 0x5e, 0x00),
            Strategy::ObjectTable => Color(0xcc, 0x79, 0xa7),
        }
    }

    pub(super) const fn stroke(self) -> Stroke {
        Stroke { color: self.color(), width: 2.0, dashed: self.workers > 1 }
    }

    /// For legends: `full scan, 2 workers`.
    pub(crate) fn label(self) -> String {
        let name = strategy(self.strategy);
        if self.workers > 1 { format!("{name}, {} workers", self.workers) } else { name.to_owned() }
    }

    /// Draws the strategy's mark; hollow with several workers.
    pub(super) fn mark(self, scene: &mut Scene, (x, y): At) {
        let color = self.color();
        let fill = if self.workers > 1 { Color::WHITE } else { color };
        let r = 4.0;
        match self.strategy {
            Strategy::Lazy => scene.circle((x, y), r, fill, color),
            Strategy::AlwaysCheck => {
                scene.polygon([(x, y - 1.3 * r), (x + 1.2 * r, y + r), (x - 1.2 * r, y + r)], fill, color);
            }
            Strategy::FullScan => {
                let d = 0.9 * r;
                scene.polygon([(x - d, y - d), (x + d, y - d), (x + d, y + d), (x - d, y + d)], fill, color);
            }
            Strategy::ObjectTable => {
                let d = 1.3 * r;
                scene.polygon([(x, y - d), (x + d, y), (x, y + d), (x - d, y)], fill, color);
            }
        }
    }
}

/// A strategy's name in a sentence.
pub(crate) const fn strategy(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Lazy => "lazy",
        Strategy::AlwaysCheck => "always check",
        Strategy::FullScan => "full scan",
        Strategy::ObjectTable => "object table",
    }
}
