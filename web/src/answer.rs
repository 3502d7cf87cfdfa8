//! From the guest's pieces to an answer: what stands between the thread of a space and that of the server.
//!
//! [answered-once] A request is answered once: with what the guest said, or, when the guest has let go of it before that was whole, with nothing,
//! which the server makes a 500. A streamed body that breaks off ends the connection instead, so that nobody takes it for whole.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use instar_interp::vm::inbox::Reply;
use tokio::sync::{mpsc, oneshot};

use crate::connection::Busy;
use crate::wire::Head;

/// The guest's answer to a request.
#[derive(Debug)]
pub enum Answer {
    /// Whole.
    Whole(Head, Bytes),
    /// The begin; the pieces follow.
    Streamed(Head, Pieces),
    /// The guest said what is no answer.
    Wrong(String),
}

/// Takes what the guest says to one request. Runs on the thread of the space.
#[derive(Debug)]
pub struct Answering {
    state: State,
    stream_bytes: usize,
    /// Until the answer begins: whoever has it may send the next body.
    charge: Option<Charge>,
}

#[derive(Debug)]
enum State {
    Waiting(oneshot::Sender<Answer>),
    /// The head is there, and no piece yet.
    Headed(oneshot::Sender<Answer>, Head),
    Streaming(mpsc::UnboundedSender<Piece>, Arc<AtomicUsize>),
    Done,
}

#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    End,
}

impl Answering {
    /// For an answer that is sent to `sender`.
    pub fn new(sender: oneshot::Sender<Answer>, stream_bytes: usize, charge: Charge) -> Answering {
        Answering { state: State::Waiting(sender), stream_bytes, charge: Some(charge) }
    }

    fn head(sender: oneshot::Sender<Answer>, bytes: &[u8]) -> State {
        match Head::parse(bytes) {
            Err(reason) => {
                let _ = sender.send(Answer::Wrong(reason));
                State::Done
            }
            Ok(head) if head.is_stream => {
                let (pieces, receiver) = mpsc::unbounded_channel();
                let held = Arc::new(AtomicUsize::new(0));
                let body = Pieces { receiver, held: held.clone(), is_over: false, busy: None };
                match sender.send(Answer::Streamed(head, body)) {
                    Ok(()) => State::Streaming(pieces, held),
                    Err(_) => State::Done,
                }
            }
            Ok(head) => State::Headed(sender, head),
        }
    }
}

impl Reply for Answering {
    /// An empty piece before the head asks whether anybody waits.
    fn send(&mut self, bytes: &[u8]) -> bool {
        if !bytes.is_empty() || matches!(self.state, State::Headed(..)) {
            self.charge = None;
        }
        match std::mem::replace(&mut self.state, State::Done) {
            State::Waiting(sender) => {
                if sender.is_closed() {
                    return false;
                }
                self.state =
                    if bytes.is_empty() { State::Waiting(sender) } else { Answering::head(sender, bytes) };
                !matches!(self.state, State::Done)
            }
            State::Headed(sender, head) => {
                sender.send(Answer::Whole(head, Bytes::copy_from_slice(bytes))).is_ok()
            }
            State::Streaming(pieces, _) if bytes.is_empty() => pieces.send(Piece::End).is_ok(),
            State::Streaming(pieces, held) => {
                let before = held.fetch_add(bytes.len(), Ordering::AcqRel);
                // The sender is dropped, and with it the stream, if the peer is too slow.
                let is_taken = before < self.stream_bytes
                    && pieces.send(Piece::Bytes(Bytes::copy_from_slice(bytes))).is_ok();
                if is_taken {
                    self.state = State::Streaming(pieces, held);
                }
                is_taken
            }
            State::Done => false,
        }
    }
}

/// A streamed body.
#[derive(Debug)]
pub struct Pieces {
    receiver: mpsc::UnboundedReceiver<Piece>,
    held: Arc<AtomicUsize>,
    is_over: bool,
    busy: Option<Busy>,
}

impl Pieces {
    /// Keeps the connection busy until the last piece was taken.
    pub fn during(mut self, busy: Busy) -> Pieces {
        self.busy = Some(busy);
        self
    }
}

/// A streamed body ended before the guest had said that it was whole.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the answer broke off")]
pub struct BrokenOff;

impl Body for Pieces {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        self.receiver.poll_recv(context).map(|piece| match piece {
            Some(Piece::Bytes(bytes)) => {
                self.held.fetch_sub(bytes.len(), Ordering::AcqRel);
                Some(Ok(Frame::data(bytes)))
            }
            Some(Piece::End) => {
                self.is_over = true;
                None
            }
            None => {
                self.is_over = true;
                Some(Err(BrokenOff))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.is_over
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// Bytes of bodies that a server holds, of all requests together.
#[derive(Clone, Debug)]
pub struct Account {
    held: Arc<AtomicUsize>,
    most: usize,
}

impl Account {
    /// One that holds so many bytes.
    pub fn new(most: usize) -> Account {
        Account { held: Arc::default(), most }
    }

    /// A charge of nothing yet.
    pub fn charge(&self) -> Charge {
        Charge { account: self.clone(), bytes: 0 }
    }
}

/// What one request's body takes of an account, until this is dropped.
#[derive(Debug)]
pub struct Charge {
    account: Account,
    bytes: usize,
}

impl Charge {
    /// Takes more; false if that would be too much for the account.
    pub fn add(&mut self, bytes: usize) -> bool {
        let before = self.account.held.fetch_add(bytes, Ordering::AcqRel);
        self.bytes += bytes;
        before + bytes <= self.account.most
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.account.held.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}
