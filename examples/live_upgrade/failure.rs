//! Why the program failed.

use std::fmt;
use std::io;

/// Why the program failed, in one line.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    peer_has_gone: bool,
}

impl Failure {
    pub(crate) fn new(what: impl fmt::Display) -> Self {
        Self {
            what: what.to_string(),
            peer_has_gone: false,
        }
    }

    /// Makes a failure of an [`io::Error`], for `map_err`.
    pub(crate) fn because<E: Into<io::Error>>(doing: impl fmt::Display) -> impl FnOnce(E) -> Self {
        move |error| {
            let error = error.into();
            let peer_has_gone = matches!(
                error.kind(),
                io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::NotConnected
            );
            let gone = if peer_has_gone {
                "the peer has gone: "
            } else {
                ""
            };
            Self {
                what: format!("{doing}: {gone}{error}"),
                peer_has_gone,
            }
        }
    }

    /// Whether all that is known is that the peer has gone.
    pub(crate) fn peer_has_gone(&self) -> bool {
        self.peer_has_gone
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}
