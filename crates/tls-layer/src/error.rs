//! What rustls reports, in the words of the stack.

use std::error::Error as StdError;
use std::fmt;

use rustls::Error as TlsError;
use stack::Error;

/// What went wrong, and who erred: the peer, unless only this side can have.
pub(crate) fn tls(error: TlsError) -> Error {
    let ours = matches!(
        &error,
        TlsError::UnsupportedNameType
            | TlsError::EncryptError
            | TlsError::HandshakeNotComplete
            | TlsError::FailedToGetCurrentTime
            | TlsError::FailedToGetRandomBytes
            | TlsError::BadMaxFragmentSize
            | TlsError::InconsistentKeys(_)
            | TlsError::InvalidCertRevocationList(_)
            | TlsError::InvalidEncryptedClientHello(_)
            | TlsError::General(_)
            | TlsError::Other(_)
    );
    let stack_error = if ours {
        Error::local("TLS cannot go on")
    } else if matches!(error, TlsError::AlertReceived(_)) {
        Error::remote("the peer has given up")
    } else {
        Error::remote("the peer's TLS cannot be accepted")
    };
    stack_error.with_source(error)
}

/// This side's configuration does not do.
pub(crate) fn local(error: TlsError) -> Error {
    Error::local("TLS cannot begin").with_source(error)
}

/// No record is that long.
pub(crate) fn too_long(body: usize) -> Error {
    Error::remote(format!("record_overflow: a record of {body} bytes"))
        .with_source(TlsError::PeerSentOversizedRecord)
}

/// Every record must say that it is application data now.
pub(crate) fn unprotected(kind: u8) -> Error {
    Error::remote(format!("unexpected_message: a record of type {kind}"))
}

/// The user's own error, whatever its type.
#[derive(Debug)]
pub(crate) struct Cause(pub(crate) Box<dyn StdError + Send + Sync>);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}
