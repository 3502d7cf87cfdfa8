//! Where a program can be reached: a Unix socket, or a TCP port.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// As people write it: `app.sock`, `127.0.0.1:1702`, `tcp:localhost:1702`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket at this path.
    Socket(PathBuf),
    /// Host and port.
    Tcp(String),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        if let Some(place) = text.strip_prefix("tcp:") {
            let is_place = place
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
            return if is_place {
                Ok(Address::Tcp(place.to_owned()))
            } else {
                Err("a TCP address is written as tcp:HOST:PORT".to_owned())
            };
        }
        Ok(match text.parse::<SocketAddr>() {
            Ok(_) => Address::Tcp(text.to_owned()),
            Err(_) => Address::Socket(text.into()),
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Socket(path) => write!(f, "{}", path.display()),
            Address::Tcp(place) => write!(f, "tcp:{place}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_from_ports() {
        let read = |text: &str| text.parse::<Address>();
        for text in ["app.sock", "/run/app:1702", "localhost:1702", "1702", "127.0.0.1"] {
            assert_eq!(read(text), Ok(Address::Socket(text.into())));
        }
        for (text, place) in [
            ("127.0.0.1:1702", "127.0.0.1:1702"),
            ("[::1]:0", "[::1]:0"),
            ("tcp:localhost:1702", "localhost:1702"),
            ("tcp:0.0.0.0:1702", "0.0.0.0:1702"),
        ] {
            assert_eq!(read(text), Ok(Address::Tcp(place.to_owned())));
        }
        for text in ["tcp:", "tcp:localhost", "tcp::1702", "tcp:localhost:x", "tcp:localhost:70000"] {
            assert!(read(text).unwrap_err().contains("tcp:HOST:PORT"), "{text}");
        }
    }
}
