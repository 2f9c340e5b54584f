//! What went wrong, in which layer, and who erred.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

/// Who erred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// This side: the application, a layer or their configuration.
    Local,
    /// The peer: what it sent, or failed to send, breaks the protocol.
    Remote,
    /// What carries the bytes: the socket below the stack.
    Transport,
}

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Bytes that the layer's protocol does not allow.
    Protocol,
    /// The input ended without the end mark that the layer's protocol asks for, or within a record.
    Truncated,
    /// Bytes that must not be there were waiting when the stack changed
    /// (see [`Residue::Reject`](crate::Residue::Reject)).
    Residue,
    /// A deadline passed.
    TimedOut,
    /// A bound was reached: a buffer, a budget, the depth of the stack.
    Limit,
    /// The connection, or this half of it, is closed.
    Closed,
    /// A change of the stack that is not possible as things stand.
    Refused,
    /// A change of the stack that is not possible before another has come to its end.
    Busy,
    /// A layer above or below another with which it does not go, unless that is meant (see
    /// [`Role`](crate::Role)).
    Order,
    /// The call does not fit the contract.
    Misuse,
    /// The socket reported this.
    Io(io::ErrorKind),
}

/// An error of a connection: what happened, in which layer, and who erred.
///
/// A layer makes one with [`Error::remote`], [`Error::local`] or [`Error::truncated`]; the stack
/// writes the layer's name on it. Cloning is cheap, for the same error meets the reader, the
/// writer and every layer.
///
/// As an [`io::Error`] it keeps its kind (a truncation is [`io::ErrorKind::UnexpectedEof`]), and
/// `io_error.get_ref().and_then(|e| e.downcast_ref::<stack::Error>())` finds it again.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    blame: Blame,
    layer: Option<Arc<str>>,
    message: String,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of any kind; the shorter constructors below fit most layers.
    pub fn new(kind: ErrorKind, blame: Blame, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            blame,
            layer: None,
            message: message.into(),
            source: None,
        }))
    }

    /// The peer broke the layer's protocol.
    pub fn remote(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Protocol, Blame::Remote, message)
    }

    /// This side asked for something that cannot be.
    pub fn local(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Misuse, Blame::Local, message)
    }

    /// The input ended before the layer's end mark, or within a record.
    pub fn truncated(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Truncated, Blame::Remote, message)
    }

    /// The socket failed.
    pub fn transport(error: io::Error) -> Self {
        Self::new(
            ErrorKind::Io(error.kind()),
            Blame::Transport,
            "the transport failed",
        )
        .with_source(error)
    }

    /// Attaches the error that caused this one: [`source`](StdError::source) gives it back, and its
    /// text is appended to this one's.
    #[must_use]
    pub fn with_source(self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.caused_by(Arc::new(source))
    }

    pub(crate) fn caused_by(self, source: Arc<dyn StdError + Send + Sync>) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        inner.source = Some(source);
        Self(Arc::new(inner))
    }

    /// Names the layer, unless one is named already.
    #[must_use]
    pub(crate) fn in_layer(self, name: &str) -> Self {
        if self.0.layer.is_some() {
            return self;
        }
        let mut inner = Arc::unwrap_or_clone(self.0);
        inner.layer = Some(name.into());
        Self(Arc::new(inner))
    }

    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Who erred.
    pub fn blame(&self) -> Blame {
        self.0.blame
    }

    /// The name of the layer that reported it; `None` if it was the stack or the transport.
    pub fn layer(&self) -> Option<&str> {
        self.0.layer.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(layer) = &self.0.layer {
            write!(f, "{layer}: ")?;
        }
        f.write_str(&self.0.message)?;
        if let Some(source) = &self.0.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("blame", &self.0.blame)
            .field("layer", &self.0.layer)
            .field("message", &self.0.message)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|s| s.as_ref() as _)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Protocol | ErrorKind::Residue => io::ErrorKind::InvalidData,
            ErrorKind::Truncated => io::ErrorKind::UnexpectedEof,
            ErrorKind::TimedOut => io::ErrorKind::TimedOut,
            ErrorKind::Closed => io::ErrorKind::BrokenPipe,
            ErrorKind::Refused | ErrorKind::Order | ErrorKind::Misuse => {
                io::ErrorKind::InvalidInput
            }
            ErrorKind::Limit if error.blame() == Blame::Remote => io::ErrorKind::InvalidData,
            ErrorKind::Limit => io::ErrorKind::Other,
            ErrorKind::Busy => io::ErrorKind::ResourceBusy,
            ErrorKind::Io(kind) => kind,
        };
        Self::new(kind, error)
    }
}

/// How a connection, or its input, ended.
#[derive(Clone, Debug)]
pub enum End {
    /// Every layer saw its end mark, and the transport its end.
    Clean,
    /// Something went wrong. An input that ended without a layer's end mark is an error of kind
    /// [`ErrorKind::Truncated`].
    Error(Error),
}

impl End {
    /// The input ended without the end mark of a layer, or within a record.
    pub fn is_truncated(&self) -> bool {
        matches!(self, Self::Error(e) if e.kind() == ErrorKind::Truncated)
    }

    /// The error, if it was one.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Clean => None,
            Self::Error(error) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_layer_named_stays_named() {
        let error = Error::remote("bad").in_layer("tls").in_layer("zstd");
        assert_eq!(error.layer(), Some("tls"));
        assert_eq!(error.to_string(), "tls: bad");
    }

    #[test]
    fn an_io_error_keeps_the_kind_and_can_be_downcast() {
        let io: io::Error = Error::truncated("cut").in_layer("tls").into();
        assert_eq!(io.kind(), io::ErrorKind::UnexpectedEof);
        let inner = io.get_ref().unwrap().downcast_ref::<Error>().unwrap();
        assert_eq!(inner.layer(), Some("tls"));
    }
}
