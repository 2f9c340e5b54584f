//! What a server can tell of a session that is over.

use std::io;

use compress_layer::CompressInfo;
use stack::{End, Error};
use tls_layer::TlsInfo;

/// A client's session with one of our servers, once it is over.
#[derive(Debug)]
pub struct Session {
    /// Each line or message that the server heard, behind the layers that it crossed: `EHLO here`,
    /// `tls: QUIT`.
    pub heard: Vec<String>,
    /// What the latest handshake agreed on.
    pub tls: Option<TlsInfo>,
    /// What COMPRESS has gained, if the client wanted it.
    pub compression: Option<CompressInfo>,
    /// How the client left, if it was the server that closed.
    pub parting: Option<End>,
    /// Whether it ended well, in the server's eyes.
    pub end: io::Result<()>,
}

impl Session {
    /// Whether the server heard this.
    pub fn has_heard(&self, line: &str) -> bool {
        self.heard.iter().any(|heard| heard == line)
    }

    /// The stack's error with which it ended.
    pub fn error(&self) -> Option<&Error> {
        self.end.as_ref().err()?.get_ref()?.downcast_ref()
    }
}
