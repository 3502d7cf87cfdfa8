//! A drawing as a list of shapes, so that SVG and PNG show the same.

use super::font;

/// A point in pixels, from the top left.
pub(super) type At = (f32, f32);

/// An opaque colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Color(pub u8, pub u8, pub u8);

impl Color {
    pub(super) const WHITE: Self = Self(255, 255, 255);
    pub(super) const BLACK: Self = Self(0x22, 0x22, 0x22);
    pub(super) const GREY: Self = Self(0x66, 0x66, 0x66);
    pub(super) const PALE: Self = Self(0xdd, 0xdd, 0xdd);
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stroke {
    pub color: Color,
    pub width: f32,
    pub dashed: bool,
}

impl Stroke {
    pub(super) const fn solid(color: Color, width: f32) -> Self {
        Self { color, width, dashed: false }
    }
}

/// Where a text's position is in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A line of text; `at` is on its baseline.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub at: At,
    pub text: String,
    pub size: f32,
    pub bold: bool,
    pub color: Color,
    pub anchor: Anchor,
    /// Read from bottom to top.
    pub upwards: bool,
    /// A white rim that keeps it readable over lines.
    pub halo: bool,
}

impl Text {
    pub(super) fn new(at: At, text: impl Into<String>) -> Self {
        let (color, anchor) = (Color::BLACK, Anchor::Start);
        Self { at, text: text.into(), size: 13.0, bold: false, color, anchor, upwards: false, halo: false }
    }

    pub(super) const fn size(mut self, size: f32) -> Self {
        self.size = size;
        self
    }

    pub(super) const fn bold(mut self) -> Self {
        self.bold = true;
        self
    }

    pub(super) const fn color(mut self, color: Color) -> Self {
        self.color = color;
        self
    }

    pub(super) const fn anchor(mut self, anchor: Anchor) -> Self {
        self.anchor = anchor;
        self
    }

    pub(super) const fn upwards(mut self) -> Self {
        self.upwards = true;
        self
    }

    pub(super) const fn halo(mut self) -> Self {
        self.halo = true;
        self
    }

    /// Pixels from the anchor back to the start of the text.
    pub(super) fn offset(&self) -> f32 {
        match self.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => font::width(&self.text, self.size, self.bold) / 2.0,
            Anchor::End => font::width(&self.text, self.size, self.bold),
        }
    }
}

/// One shape.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// Straight lines from point to point.
    Line { points: Vec<At>, stroke: Stroke },
    /// A filled polygon with a rim.
    Polygon { points: Vec<At>, fill: Color, rim: Color },
    /// A filled circle with a rim.
    Circle { at: At, radius: f32, fill: Color, rim: Color },
    /// A line of text.
    Text(Text),
}

/// A drawing on white.
#[derive(Clone, Debug)]
pub struct Scene {
    pub(super) width: f32,
    pub(super) height: f32,
    /// What the drawing shows, for those who cannot see it.
    pub(super) title: String,
    pub(super) shapes: Vec<Shape>,
}

impl Scene {
    pub(super) fn new(width: f32, height: f32, title: &str) -> Self {
        Self { width, height, title: title.to_owned(), shapes: Vec::new() }
    }

    pub(super) fn line(&mut self, points: impl Into<Vec<At>>, stroke: Stroke) {
        self.shapes.push(Shape::Line { points: points.into(), stroke });
    }

    pub(super) fn polygon(&mut self, points: impl Into<Vec<At>>, fill: Color, rim: Color) {
        self.shapes.push(Shape::Polygon { points: points.into(), fill, rim });
    }

    pub(super) fn circle(&mut self, at: At, radius: f32, fill: Color, rim: Color) {
        self.shapes.push(Shape::Circle { at, radius, fill, rim });
    }

    pub(super) fn text(&mut self, text: Text) {
        self.shapes.push(Shape::Text(text));
    }
}
