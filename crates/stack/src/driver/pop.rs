//! How a pop that was awaited can fail to come to its end.

use std::fmt;

use crate::Error;

/// Why awaiting a pop ended before the layer had left.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PopError {
    /// Nothing has changed: the layer cannot be popped as things stand, or does not stand.
    Refused(Error),
    /// Our end mark is sent, and the peer's cannot come to light before the application has read
    /// what waits unread. The pop goes on; read, then await it again.
    NeedsRead,
    /// The peer's end mark has not come within [`Limits::pop`](crate::Limits::pop). What is
    /// written goes past the layer, what comes is decoded by it still. The pop goes on; await it
    /// again, or rip the layer out.
    Late,
    /// The connection has failed.
    Failed(Error),
}

impl fmt::Display for PopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => write!(f, "the pop was refused: {error}"),
            Self::NeedsRead => f.write_str("the pop cannot go on before what waits is read"),
            Self::Late => f.write_str("the peer has not ended its half in time"),
            Self::Failed(error) => write!(f, "the connection has failed: {error}"),
        }
    }
}

/// The text says all that the error inside does; so the source is that error's own.
impl std::error::Error for PopError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(error) | Self::Failed(error) => error.source(),
            Self::NeedsRead | Self::Late => None,
        }
    }
}

impl From<PopError> for std::io::Error {
    fn from(error: PopError) -> Self {
        match error {
            PopError::Refused(error) | PopError::Failed(error) => error.into(),
            PopError::NeedsRead => Self::new(std::io::ErrorKind::WouldBlock, error),
            PopError::Late => Self::new(std::io::ErrorKind::TimedOut, error),
        }
    }
}
