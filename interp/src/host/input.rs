//! The standard input of a program, for which a thread waits in the space's place: of the program, only the process that reads stands still.
//!
//! | step | thread | what |
//! |---|---|---|
//! | lend | the space's | an inbox is made, whose first message is what reading is asked for through |
//! | ask | the space's, as a reply to that message | one read is wished for; the first wish starts the thread |
//! | read | the thread | one read, whose bytes or error are posted |
//!
//! [read-on-demand] The thread reads once for each wish: a program that does not read takes nothing from a terminal, from whoever reads behind
//! it, or into memory. The guest wishes for one read at a time (`StandardInput`), so that bytes arrive in their order.
//!
//! The thread ends when the space is gone, or with the process: whoever waits in a read cannot be woken.

use std::io::{self, BufRead, ErrorKind, Read};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::vm::Space;
use crate::vm::inbox::{Inbox, Reply, STANDARD_INPUT};

/// The first message, and the bytes that were wished for.
const WAITING: usize = 2;
/// Bytes of one read.
const MOST_READ: usize = 16 << 10;

/// The first byte of a message whose others were read, none at the end.
const BYTES: u8 = 0;
/// The first byte of a message whose others say why nothing could be read.
const ERROR: u8 = 1;

/// Lets processes of the space read `input` as the standard input.
pub(crate) fn lend(space: &mut Space, input: impl Read + Send + 'static) {
    let inbox = space.make_inbox(STANDARD_INPUT, WAITING);
    let reader = Reader::Idle { input: Box::new(input), inbox: inbox.clone() };
    // A new inbox has room.
    let _ = inbox.post(Vec::new(), reader);
}

/// The standard input of the process, of which a read takes one line at most: programs that share it get whole lines.
pub(crate) struct Lines;

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_line(&mut io::stdin().lock(), buffer)
    }
}

/// Reads once, and nothing behind the end of a line: whatever else reads the same input, as a conversation does, has the rest.
pub(crate) fn read_line(input: &mut impl BufRead, bytes: &mut [u8]) -> io::Result<usize> {
    let there = input.fill_buf()?;
    let line = there.iter().position(|byte| *byte == b'\n').map_or(there.len(), |end| end + 1);
    let count = line.min(bytes.len());
    bytes[..count].copy_from_slice(&there[..count]);
    input.consume(count);
    Ok(count)
}

/// The reply to the first message: each piece is the wish for one read.
enum Reader {
    Idle {
        input: Box<dyn Read + Send>,
        inbox: Inbox,
    },
    Running(Sender<()>),
    /// There is no thread, and there will be none.
    Failed,
}

impl Reply for Reader {
    fn send(&mut self, _: &[u8]) -> bool {
        if let Reader::Idle { .. } = self
            && let Reader::Idle { input, inbox } = std::mem::replace(self, Reader::Failed)
        {
            let (wish, wishes) = channel();
            let name = "standard input".to_owned();
            if thread::Builder::new().name(name).spawn(move || serve(input, &inbox, &wishes)).is_ok() {
                *self = Reader::Running(wish);
            }
        }
        matches!(self, Reader::Running(wish) if wish.send(()).is_ok())
    }
}

fn serve(mut input: Box<dyn Read + Send>, inbox: &Inbox, wishes: &Receiver<()>) {
    for () in wishes {
        if inbox.post(read(&mut input), |_: &[u8]| false).is_err() {
            return;
        }
    }
}

/// One read, as a message.
fn read(input: &mut impl Read) -> Vec<u8> {
    let mut message = vec![BYTES; 1 + MOST_READ];
    loop {
        match input.read(&mut message[1..]) {
            Ok(count) => {
                message.truncate(1 + count);
                return message;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                message.clear();
                message.push(ERROR);
                message.extend(error.to_string().bytes());
                return message;
            }
        }
    }
}
