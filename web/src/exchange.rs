//! One request and its answer: what is wrong with a request before the program sees it, the post to the program's inbox, and what is said for a
//! program that does not answer.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode, Version};
use instar_interp::vm::inbox::{Inbox, Refused};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::answer::{Account, Answer, Answering, Charge, Pieces};
use crate::connection::Busy;
use crate::limits::Limits;
use crate::metrics::WebMetrics;
use crate::wire;

/// What is sent: a whole body, or pieces.
pub type Sent = Response<Either<Full<Bytes>, Pieces>>;

/// What all connections of a server share.
#[derive(Debug)]
pub struct Desk {
    inbox: Inbox,
    account: Account,
    limits: Limits,
    pub(crate) metrics: WebMetrics,
}

/// An answer that is the server's own.
struct Refusal {
    status: StatusCode,
    text: &'static str,
    /// Whether the rest of the connection cannot be made sense of, or is not wanted.
    closes: bool,
}

const fn refusal(status: StatusCode, text: &'static str) -> Refusal {
    Refusal { status, text, closes: false }
}

const fn closing(status: StatusCode, text: &'static str) -> Refusal {
    Refusal { status, text, closes: true }
}

const NO_HOST: Refusal = closing(StatusCode::BAD_REQUEST, "a request has one header Host.\n");
const NO_PATH: Refusal = closing(StatusCode::BAD_REQUEST, "a request has a path.\n");
const TOO_LARGE: Refusal = closing(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large.\n");
const BROKEN_BODY: Refusal = closing(StatusCode::BAD_REQUEST, "the body is not whole.\n");
const SLOW_BODY: Refusal = closing(StatusCode::REQUEST_TIMEOUT, "the body did not come in time.\n");
const NO_ROOM: Refusal = closing(StatusCode::SERVICE_UNAVAILABLE, "too many bodies are under way.\n");
const BUSY: Refusal = refusal(StatusCode::SERVICE_UNAVAILABLE, "too many requests are waiting.\n");
const GONE: Refusal = closing(StatusCode::SERVICE_UNAVAILABLE, "the program takes no requests.\n");
const LATE: Refusal = refusal(StatusCode::SERVICE_UNAVAILABLE, "the program did not answer in time.\n");
const UNANSWERED: Refusal =
    refusal(StatusCode::INTERNAL_SERVER_ERROR, "the program ended this request without an answer.\n");
const WRONG: Refusal =
    refusal(StatusCode::INTERNAL_SERVER_ERROR, "the program answered what is no HTTP response.\n");

impl Desk {
    /// Hands requests to this inbox.
    pub fn new(inbox: Inbox, limits: Limits, metrics: WebMetrics) -> Desk {
        Desk { inbox, account: Account::new(limits.all_body_bytes), limits, metrics }
    }

    /// The bounds that it keeps.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Tells the program that no request will follow.
    pub fn stop(&self) {
        // A program that takes no messages any more needs not be told.
        let _ = self.inbox.post(wire::STOPPED.to_vec(), |_: &[u8]| false);
    }

    /// Answers a request, whatever happens.
    pub async fn answer(&self, request: Request<Incoming>, busy: Busy) -> Sent {
        let (begun, method) = (Instant::now(), request.method().clone());
        let path = tracing::enabled!(tracing::Level::DEBUG).then(|| request.uri().path().to_owned());
        let sent = self.try_answer(request, busy).await.unwrap_or_else(Refusal::sent);
        self.metrics.count(&method, sent.status(), begun);
        let us = begun.elapsed().as_micros() as u64;
        tracing::debug!(%method, path, status = sent.status().as_u16(), us, "request");
        sent
    }

    async fn try_answer(&self, request: Request<Incoming>, busy: Busy) -> Result<Sent, Refusal> {
        let (parts, body) = request.into_parts();
        let target = target(&parts)?;
        let mut charge = self.account.charge();
        let body = self.body(body, &mut charge).await?;
        let message = wire::request(&parts, target, &body).ok_or(TOO_LARGE)?;
        let (sender, receiver) = oneshot::channel();
        let answering = Answering::new(sender, self.limits.stream_bytes, charge);
        self.inbox.post(message, answering).map_err(|refused| match refused {
            Refused::Full => BUSY,
            Refused::Closed => GONE,
        })?;
        let answer = timeout(self.limits.answer_time, receiver).await.map_err(|_| LATE)?;
        match answer {
            Ok(Answer::Whole(head, body)) => Ok(sent(head, Either::Left(Full::new(body)))),
            Ok(Answer::Streamed(head, pieces)) => Ok(sent(head, Either::Right(pieces.during(busy)))),
            Ok(Answer::Wrong(reason)) => {
                eprintln!("{} {target}: the program's answer is no HTTP response: {reason}", parts.method);
                Err(WRONG)
            }
            // [answered-once]
            Err(_) => Err(UNANSWERED),
        }
    }

    /// The whole body, within its limits of size and time.
    async fn body(&self, mut body: Incoming, charge: &mut Charge) -> Result<Bytes, Refusal> {
        if body.is_end_stream() {
            return Ok(Bytes::new());
        }
        let most = self.limits.body_bytes;
        if body.size_hint().lower() > most as u64 {
            return Err(TOO_LARGE);
        }
        let collect = async {
            let mut first = Bytes::new();
            let mut rest = BytesMut::new();
            while let Some(frame) = body.frame().await {
                let Ok(bytes) = frame.map_err(|_| BROKEN_BODY)?.into_data() else { continue };
                if first.len() + rest.len() + bytes.len() > most {
                    return Err(TOO_LARGE);
                }
                if !charge.add(bytes.len()) {
                    return Err(NO_ROOM);
                }
                match (first.is_empty(), rest.is_empty()) {
                    (true, true) => first = bytes,
                    (false, _) => {
                        rest.extend_from_slice(&std::mem::take(&mut first));
                        rest.extend_from_slice(&bytes);
                    }
                    _ => rest.extend_from_slice(&bytes),
                }
            }
            Ok(if rest.is_empty() { first } else { rest.freeze() })
        };
        timeout(self.limits.body_time, collect).await.unwrap_or(Err(SLOW_BODY))
    }
}

/// Path and query, if the request is one that HTTP allows.
fn target(parts: &Parts) -> Result<&str, Refusal> {
    let hosts = parts.headers.get_all(HOST).iter().count();
    if hosts > 1 || hosts == 0 && parts.version == Version::HTTP_11 {
        return Err(NO_HOST);
    }
    let target = parts.uri.path_and_query().ok_or(NO_PATH)?;
    Ok(target.as_str())
}

fn sent<B>(head: wire::Head, body: B) -> Response<B> {
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers;
    response
}

impl Refusal {
    fn sent(self) -> Sent {
        let mut response = Response::new(Either::Left(Full::from(self.text)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// What a connection is told that is one too many.
pub const TOO_MANY_CONNECTIONS: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// How long that may take.
pub const REFUSAL_TIME: Duration = Duration::from_secs(1);
