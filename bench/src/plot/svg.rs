//! A scene as SVG. Texts stay texts: they can be searched, and edited in a drawing program.

use std::fmt::Write;

use super::font;
use super::scene::{Anchor, At, Color, Scene, Shape, Stroke, Text};

/// The whole file; it can also stand inline in HTML.
pub(super) fn render(scene: &Scene) -> String {
    let Scene { width, height, title, shapes } = scene;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" font-family=\"{}\">\n<title>{}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n",
        font::FAMILIES,
        escape(title),
    );
    for shape in shapes {
        match shape {
            Shape::Line { points, stroke } => line(&mut out, points, *stroke),
            Shape::Polygon { points, fill, rim } => {
                let (points, fill, rim) = (list(points), hex(*fill), hex(*rim));
                push(
                    &mut out,
                    format_args!("<polygon points=\"{points}\" fill=\"{fill}\" stroke=\"{rim}\"/>"),
                );
            }
            Shape::Circle { at: (x, y), radius, fill, rim } => {
                let (fill, rim) = (hex(*fill), hex(*rim));
                push(
                    &mut out,
                    format_args!(
                        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{fill}\" stroke=\"{rim}\"/>"
                    ),
                );
            }
            Shape::Text(shape) => text(&mut out, shape),
        }
    }
    out.push_str("</svg>\n");
    out
}

fn push(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{line}");
}

fn line(out: &mut String, points: &[At], Stroke { color, width, dashed }: Stroke) {
    let dashes =
        if dashed { format!(" stroke-dasharray=\"{}\"", list(&[(DASH.0, DASH.1)])) } else { String::new() };
    let (points, color) = (list(points), hex(color));
    push(
        out,
        format_args!(
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"{width}\" \
             stroke-linejoin=\"round\"{dashes}/>"
        ),
    );
}

/// Pixels drawn and left out of a dashed line.
pub(super) const DASH: (f32, f32) = (6.0, 4.0);

fn text(out: &mut String, text: &Text) {
    let (x, y) = text.at;
    let anchor = match text.anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let mut more = String::new();
    if text.bold {
        more += " font-weight=\"bold\"";
    }
    if text.upwards {
        more += &format!(" transform=\"rotate(-90 {x:.1} {y:.1})\"");
    }
    if text.halo {
        more += " stroke=\"#ffffff\" stroke-width=\"4\" stroke-linejoin=\"round\" paint-order=\"stroke\"";
    }
    let (size, fill, words) = (text.size, hex(text.color), escape(&text.text));
    push(
        out,
        format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" fill=\"{fill}\" text-anchor=\"{anchor}\"{more}>{words}</text>"
        ),
    );
}

fn list(points: &[At]) -> String {
    points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
}

fn hex(Color(red, green, blue): Color) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// A text for XML and HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
