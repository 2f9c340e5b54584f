//! What a client asks for, before anybody has answered.

use std::fmt;

use rustls::InvalidMessage;
use rustls::server::{Accepted, Acceptor};

/// What a hello may take on the wire, to be looked at: it is kept twice meanwhile.
const LONGEST: usize = 16 * 1024;

/// A client's first message (RFC 8446, section 4.1.2), as far as it helps to choose the server's
/// configuration.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientHello {
    /// The name of the server that the client asks for (SNI, RFC 6066), in lower case.
    pub server_name: Option<String>,
    /// The application protocols that it speaks (ALPN, RFC 7301), the one that it likes best first.
    pub alpn: Vec<Vec<u8>>,
    /// The cipher suites that it offers, by their numbers (IANA).
    pub cipher_suites: Vec<u16>,
    /// The signatures that it can verify, by their numbers (IANA).
    pub signature_schemes: Vec<u16>,
}

impl ClientHello {
    fn new(accepted: &Accepted) -> Self {
        let hello = accepted.client_hello();
        let alpn = hello.alpn().into_iter().flatten();
        let suites = hello.cipher_suites().iter();
        let schemes = hello.signature_schemes().iter();
        Self {
            server_name: hello.server_name().map(str::to_ascii_lowercase),
            alpn: alpn.map(<[u8]>::to_vec).collect(),
            cipher_suites: suites.map(|&suite| suite.into()).collect(),
            signature_schemes: schemes.map(|&scheme| scheme.into()).collect(),
        }
    }
}

impl fmt::Debug for ClientHello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alpn = self.alpn.iter().map(|it| String::from_utf8_lossy(it));
        f.debug_struct("ClientHello")
            .field("server_name", &self.server_name)
            .field("alpn", &alpn.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Looks at a copy of what a client sends, until its hello is there.
#[derive(Default)]
pub(crate) struct Lookout {
    acceptor: Acceptor,
    seen: usize,
}

/// What rustls says of a hello that is none, and the alert that tells the client.
pub(crate) struct Unfit {
    pub(crate) error: rustls::Error,
    pub(crate) alert: Vec<u8>,
}

impl Lookout {
    /// Looks at `bytes`, which follow those of the last call. Not to be called again when the hello
    /// is there, or an error.
    pub(crate) fn look(&mut self, mut bytes: &[u8]) -> Result<Option<ClientHello>, Unfit> {
        bytes = &bytes[..bytes.len().min(LONGEST - self.seen)];
        self.seen += bytes.len();
        // It reads as much as it has room for, and none when it has what it wants.
        while self.acceptor.read_tls(&mut bytes).is_ok_and(|n| n > 0) {
            match self.acceptor.accept() {
                Ok(Some(accepted)) => return Ok(Some(ClientHello::new(&accepted))),
                Ok(None) => {}
                Err((error, mut said)) => {
                    let mut alert = Vec::new();
                    // A vector takes all.
                    let _ = said.write_all(&mut alert);
                    return Err(Unfit { error, alert });
                }
            }
        }
        if self.seen == LONGEST {
            return Err(Unfit {
                error: InvalidMessage::HandshakePayloadTooLarge.into(),
                alert: Vec::new(),
            });
        }
        Ok(None)
    }

    /// How many bytes it has seen.
    pub(crate) fn seen(&self) -> usize {
        self.seen
    }
}
