//! How requests and answers are written as bytes that a guest can take apart with a few sends.
//!
//! | bytes of a request | are |
//! |---|---|
//! | 1 | 1; a message that is the single byte 0 says that the server has shut down |
//! | 1 | length of the method |
//! | 2 | length of the target, the higher byte first |
//! | 4 | length of the header lines, the higher bytes first |
//! | … | method, target (path and query as they were sent), lines `name: value` with a line feed behind each, body |
//!
//! Header lines are UTF-8: a value that is not is taken for Latin-1. Names are in lower case.
//!
//! An answer is a *head*, then pieces of the body. The head is the status in three digits, `=` or `+`, a line feed, and header lines. Behind `=` one
//! piece follows, the whole body; behind `+` any number of pieces, and an empty one at the end.

use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use hyper::http::request::Parts;
use hyper::{HeaderMap, StatusCode};

/// What is posted when no request will follow.
pub const STOPPED: &[u8] = &[0];

const REQUEST: u8 = 1;

/// A request as a message. None if a part of it is longer than its length can say, which limits exclude.
pub fn request(parts: &Parts, target: &str, body: &[u8]) -> Option<Vec<u8>> {
    let method = parts.method.as_str();
    let lines: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 3).sum();
    let mut bytes = Vec::with_capacity(8 + method.len() + target.len() + lines + body.len());
    bytes.extend([REQUEST, u8::try_from(method.len()).ok()?]);
    bytes.extend(u16::try_from(target.len()).ok()?.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(method.as_bytes());
    bytes.extend(target.as_bytes());
    let first = bytes.len();
    for (name, value) in &parts.headers {
        bytes.extend(name.as_str().as_bytes());
        bytes.extend(b": ");
        push_text(&mut bytes, value.as_bytes());
        bytes.push(b'\n');
    }
    let lines = u32::try_from(bytes.len() - first).ok()?;
    bytes[4..8].copy_from_slice(&lines.to_be_bytes());
    bytes.extend(body);
    Some(bytes)
}

fn push_text(bytes: &mut Vec<u8>, text: &[u8]) {
    if std::str::from_utf8(text).is_ok() {
        bytes.extend(text);
    } else {
        let latin: String = text.iter().map(|&byte| char::from(byte)).collect();
        bytes.extend(latin.as_bytes());
    }
}

/// What an answer begins with.
#[derive(Debug)]
pub struct Head {
    /// From 200 to 599.
    pub status: StatusCode,
    /// Whether pieces follow one by one.
    pub is_stream: bool,
    /// Without those that are the server's own affair.
    pub headers: HeaderMap,
}

impl Head {
    /// Reads a head that a guest wrote.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Head, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "the head is not UTF-8".to_owned())?;
        let (first, lines) = text.split_once('\n').unwrap_or((text, ""));
        let (digits, is_stream) = match (first.strip_suffix('='), first.strip_suffix('+')) {
            (Some(digits), _) => (digits, false),
            (_, Some(digits)) => (digits, true),
            _ => return Err(format!("no head: {first:?}")),
        };
        let status = digits.parse().ok().filter(|status| (200..600).contains(status));
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.ok_or_else(|| format!("{digits:?} is no status from 200 to 599"))?;
        let mut headers = HeaderMap::new();
        for line in lines.lines() {
            let wrong = || format!("{line:?} is no header");
            let (name, value) = line.split_once(": ").ok_or_else(wrong)?;
            let name = HeaderName::try_from(name).map_err(|_| wrong())?;
            let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| wrong())?;
            // How a body is delimited is not the guest's to say; that the connection ends, is.
            let is_ours = [CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE].contains(&name)
                || name == CONNECTION && !value.as_bytes().eq_ignore_ascii_case(b"close");
            if !is_ours {
                headers.append(name, value);
            }
        }
        Ok(Head { status, is_stream, headers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_with_its_lengths() {
        let request = hyper::Request::builder()
            .method("PUT")
            .uri("/user/ann?x=1")
            .header("X-Name", HeaderValue::from_bytes(b"gr\xFC\xDFe").unwrap())
            .header("accept", "*/*")
            .body(())
            .unwrap();
        let bytes = super::request(&request.into_parts().0, "/user/ann?x=1", b"\x00body").unwrap();
        let lines = "x-name: grüße\naccept: */*\n";
        let mut wanted = vec![1, 3, 0, 13, 0, 0, 0, lines.len() as u8];
        wanted.extend(b"PUT/user/ann?x=1");
        wanted.extend(lines.as_bytes());
        wanted.extend(b"\x00body");
        assert_eq!(bytes, wanted);
    }

    #[test]
    fn heads_are_read_and_wrong_ones_refused() {
        let head =
            Head::parse(b"201=\ncontent-type: text/plain\nConnection: close\ncontent-length: 7\n").unwrap();
        assert_eq!((head.status, head.is_stream), (StatusCode::CREATED, false));
        assert_eq!(head.headers.len(), 2);
        assert!(Head::parse(b"200+").unwrap().is_stream);
        for wrong in [
            &b""[..],
            b"200",
            b"100=",
            b"600=",
            b"20x=",
            b"200=\nno header",
            b"200=\na b: c",
            b"200=\na: \x01",
            b"200=\na: \xFF",
            b"\n200=",
        ] {
            assert!(Head::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
