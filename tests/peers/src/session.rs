//! What a server can tell of a session that is over.

use std::io;

use compress_layer::CompressInfo;
use stack::{End, Error, Stack};
use tls_layer::TlsInfo;

/// A client's session with one of our servers, once it is over.
#[derive(Debug)]
pub struct Session {
    /// Each line or message that the server heard, behind the layers that it crossed: `EHLO here`,
    /// `tls: QUIT`.
    pub heard: Vec<String>,
    /// What the latest handshake agreed on.
    pub tls: Option<TlsInfo>,
    /// What COMPRESS has saved, if the client wanted it.
    pub compression: Option<CompressInfo>,
    /// How the client left when the server had said farewell.
    pub leaving: Option<Leaving>,
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

/// How a client left.
#[derive(Debug)]
pub enum Leaving {
    /// It closed, and no layer was there.
    Closed,
    /// With the end mark of this layer. What it then did below that, nobody has looked at.
    Marked(String),
    /// With a layer's end mark missing, or worse.
    Error(Error),
}

impl Leaving {
    /// As the stack saw it; `None` if the client is there still.
    pub(crate) fn seen(stack: &Stack) -> Option<Self> {
        let parked = stack.parked();
        let mut layers = stack.layers();
        Some(match (stack.input_end()?, parked) {
            (End::Error(error), _) => Self::Error(error),
            (End::Clean, None) => Self::Closed,
            (End::Clean, Some(key)) => {
                Self::Marked(layers.find(|layer| layer.key() == key)?.name().to_owned())
            }
        })
    }
}
