//! Stack traces: what the processes' frames are doing, with source lines.

#![allow(unsafe_code)]

use std::fmt::Write;

use super::Space;
use super::contexts::FrameId;
use crate::code::CodeKind;
use crate::objects::Value;
use crate::objects::layout::compiled;

/// Frames that a trace shows at either end; of a deeper stack the middle is left out.
const MOST_FRAMES: usize = 40;

impl Space {
    /// What a frame does: `Class(Holder)>>selector (file:line): ` and that line of the source. Without a file the line is the method's own.
    pub(crate) fn describe_frame(&self, id: FrameId) -> Option<String> {
        let frame = self.frame(id)?;
        let method = self.value(frame.method);
        let holder = self.holder_of(method)?;
        // SAFETY: [frame-code]; the frame is in use.
        let (code, receiver) = unsafe { (&*frame.code, self.value(*frame.base)) };
        let mut outer = method;
        while let Some(next) = outer.slot(compiled::OUTER).filter(|next| !next.is_nil()) {
            outer = next;
        }
        let selector = outer.slot(compiled::SELECTOR).and_then(Value::text).unwrap_or_else(|| "?".to_owned());
        let block = if code.kind == CodeKind::Block { "[] in " } else { "" };
        let (class, holder_name) = (receiver.class(), self.describe_class(holder));
        let mut text = format!("{block}{holder_name}");
        if class.oop() != holder.oop() {
            text = format!("{block}{}({holder_name})", self.describe_class(class));
        }
        // SAFETY: the pc lies inside the frame's code.
        let word = unsafe { frame.pc.offset_from(code.words.as_ptr()) } as usize;
        let source = outer.slot(compiled::SOURCE).and_then(Value::text).unwrap_or_default();
        let _ = write!(text, ">>{selector}");
        if let Some(span) = code.span_at(word) {
            let (number, line) = line_of(&source, span.start as usize);
            let _ = match self.origin_of(outer) {
                Some(origin) => write!(text, " ({}:{}): {line}", origin.file().path, origin.line(span.start)),
                None => write!(text, " (line {number}): {line}"),
            };
        }
        Some(text)
    }

    /// The trace of a stack, its top first, one frame a line.
    pub(crate) fn trace(&mut self, stack: usize) -> String {
        self.set_active_top();
        let top = self.roots.stacks.get(stack).and_then(Option::as_ref).map_or(0, |stack| stack.top);
        let mut text = String::new();
        for frame in (0..=top).rev() {
            if top > 2 * MOST_FRAMES && frame == top - MOST_FRAMES {
                let _ = writeln!(text, "    … {} frames …", top - 2 * MOST_FRAMES);
            }
            if top > 2 * MOST_FRAMES && frame <= top - MOST_FRAMES && frame > MOST_FRAMES {
                continue;
            }
            if let Some(line) = self.describe_frame(FrameId { stack, frame }) {
                let _ = writeln!(text, "    {line}");
            }
        }
        text
    }

    /// The runtime ends a process: keeps why for the host that waits for it; of others that is said on the error output.
    pub(crate) fn report(&mut self, reason: &str) {
        let trace = self.trace(self.roots.active);
        let text = format!("{reason}\n{trace}");
        if self.awaited == Some(self.roots.active) {
            self.last_failure = Some(text);
        } else {
            // That nobody can read it is no reason to stop the others.
            let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{text}\n"));
        }
    }
}

/// The number of the line (from 1) that holds byte `at`, and its text.
fn line_of(source: &str, at: usize) -> (usize, &str) {
    let before = source.get(..at).unwrap_or(source);
    let number = before.matches('\n').count() + 1;
    (number, source.lines().nth(number - 1).unwrap_or("").trim())
}
