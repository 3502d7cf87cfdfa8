//! Noto Sans (SIL Open Font License 1.1), from the `notosans` crate: a fresh machine has no fonts.

use std::sync::OnceLock;

use ttf_parser::{Face, GlyphId, OutlineBuilder};

/// Families for SVG viewers; the first is the one that the layout is measured with.
pub(super) const FAMILIES: &str = "Noto Sans, Open Sans, Helvetica, Arial, sans-serif";

fn face(bold: bool) -> &'static Face<'static> {
    static REGULAR: OnceLock<Face<'static>> = OnceLock::new();
    static BOLD: OnceLock<Face<'static>> = OnceLock::new();
    let parse = |bytes| Face::parse(bytes, 0).expect("the font in the program is whole");
    if bold {
        BOLD.get_or_init(|| parse(notosans::BOLD_TTF))
    } else {
        REGULAR.get_or_init(|| parse(notosans::REGULAR_TTF))
    }
}

/// The glyphs of a text with their positions in pixels from its start, and the width of the whole.
fn layout(text: &str, size: f32, bold: bool) -> (Vec<(GlyphId, f32)>, f32) {
    let face = face(bold);
    let scale = size / f32::from(face.units_per_em());
    let mut x = 0.0;
    let glyphs = text.chars().map(|character| {
        let glyph = face.glyph_index(character).unwrap_or_default();
        let at = x;
        x += f32::from(face.glyph_hor_advance(glyph).unwrap_or(0)) * scale;
        (glyph, at)
    });
    (glyphs.collect(), x)
}

/// Width of a text in pixels.
pub(super) fn width(text: &str, size: f32, bold: bool) -> f32 {
    layout(text, size, bold).1
}

/// Draws the outlines of a text into `pen`, its baseline starting at (0, 0), y downwards.
pub(super) fn outline(text: &str, size: f32, bold: bool, pen: &mut dyn Pen) {
    let face = face(bold);
    let scale = size / f32::from(face.units_per_em());
    for (glyph, x) in layout(text, size, bold).0 {
        face.outline_glyph(glyph, &mut Placed { pen: &mut *pen, x, scale });
    }
}

/// What draws outlines, in pixels.
pub(super) trait Pen {
    fn move_to(&mut self, x: f32, y: f32);
    fn line_to(&mut self, x: f32, y: f32);
    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32);
    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32);
    fn close(&mut self);
}

/// A glyph's own units, placed in the line.
struct Placed<'a> {
    pen: &'a mut dyn Pen,
    x: f32,
    scale: f32,
}

impl Placed<'_> {
    const fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, -y * self.scale)
    }
}

impl OutlineBuilder for Placed<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.pen.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.pen.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.pen.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.pen.curve_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.pen.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_of_the_plots_has_a_glyph() {
        for bold in [false, true] {
            for character in "AZaz09 .,:;()/%+-–—×·µ⁰¹²³⁴⁵⁶⁷⁸⁹≥±".chars() {
                assert!(face(bold).glyph_index(character).is_some(), "{character} bold {bold}");
            }
        }
    }

    #[test]
    fn widths_grow_with_the_text_and_the_size() {
        assert_eq!(width("", 10.0, false), 0.0);
        assert!(width("pause", 10.0, false) < width("pauses", 10.0, false));
        assert!((width("pause", 20.0, true) - 2.0 * width("pause", 10.0, true)).abs() < 0.01);
    }
}
