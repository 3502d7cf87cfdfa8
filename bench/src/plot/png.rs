//! A scene as PNG, drawn by `tiny-skia` with the font that is in the program.

use tiny_skia::{
    FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Stroke as SkiaStroke, StrokeDash,
    Transform,
};

use super::font;
use super::scene::{At, Color, Scene, Shape, Stroke, Text};
use super::svg::DASH;

/// Pixels for each unit of the scene: sharp on dense screens and in print.
const SCALE: f32 = 2.0;

/// The whole file.
///
/// # Errors
/// If the picture is too large to be drawn or encoded, as a text.
pub(super) fn render(scene: &Scene) -> Result<Vec<u8>, String> {
    let (width, height) = ((scene.width * SCALE) as u32, (scene.height * SCALE) as u32);
    let mut pixmap = Pixmap::new(width, height).ok_or("the picture has no size")?;
    pixmap.fill(tiny_skia::Color::WHITE);
    for shape in &scene.shapes {
        draw(&mut pixmap, shape);
    }
    pixmap.encode_png().map_err(|error| error.to_string())
}

fn draw(pixmap: &mut Pixmap, shape: &Shape) {
    let scale = Transform::from_scale(SCALE, SCALE);
    match shape {
        Shape::Line { points, stroke } => {
            if let Some(path) = polygon(points, false) {
                pixmap.stroke_path(&path, &paint(stroke.color), &skia_stroke(*stroke), scale, None);
            }
        }
        Shape::Polygon { points, fill, rim } => {
            if let Some(path) = polygon(points, true) {
                filled(pixmap, &path, *fill, *rim, scale);
            }
        }
        Shape::Circle { at: (x, y), radius, fill, rim } => {
            if let Some(path) = PathBuilder::from_circle(*x, *y, *radius) {
                filled(pixmap, &path, *fill, *rim, scale);
            }
        }
        Shape::Text(text) => draw_text(pixmap, text),
    }
}

fn filled(pixmap: &mut Pixmap, path: &Path, fill: Color, rim: Color, transform: Transform) {
    pixmap.fill_path(path, &paint(fill), FillRule::Winding, transform, None);
    let stroke = skia_stroke(Stroke::solid(rim, 1.0));
    pixmap.stroke_path(path, &paint(rim), &stroke, transform, None);
}

fn draw_text(pixmap: &mut Pixmap, text: &Text) {
    let mut pen = SkiaPen(PathBuilder::new());
    font::outline(&text.text, text.size, text.bold, &mut pen);
    let Some(path) = pen.0.finish() else { return };
    let (x, y) = text.at;
    let turn = if text.upwards { Transform::from_rotate(-90.0) } else { Transform::identity() };
    let transform = Transform::from_translate(-text.offset(), 0.0)
        .post_concat(turn)
        .post_translate(x, y)
        .post_scale(SCALE, SCALE);
    if text.halo {
        let stroke = skia_stroke(Stroke::solid(Color::WHITE, 4.0));
        pixmap.stroke_path(&path, &paint(Color::WHITE), &stroke, transform, None);
    }
    pixmap.fill_path(&path, &paint(text.color), FillRule::Winding, transform, None);
}

fn paint(Color(red, green, blue): Color) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(red, green, blue, 255);
    paint
}

fn skia_stroke(Stroke { width, dashed, .. }: Stroke) -> SkiaStroke {
    let dash = if dashed { StrokeDash::new(vec![DASH.0, DASH.1], 0.0) } else { None };
    SkiaStroke { width, dash, line_cap: LineCap::Butt, line_join: LineJoin::Round, ..SkiaStroke::default() }
}

fn polygon(points: &[At], closed: bool) -> Option<Path> {
    let (&(x, y), rest) = points.split_first()?;
    let mut path = PathBuilder::new();
    path.move_to(x, y);
    rest.iter().for_each(|&(x, y)| path.line_to(x, y));
    if closed {
        path.close();
    }
    path.finish()
}

struct SkiaPen(PathBuilder);

impl font::Pen for SkiaPen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.0.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.0.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.0.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.0.close();
    }
}
