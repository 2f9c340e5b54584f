//! How a change of the stack came out.

use std::fmt;

use crate::Error;

/// How far a pop has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Popping {
    /// Nobody has asked for it.
    NotAsked,
    /// The layer is in its handshake; it leaves once it is up.
    Waiting,
    /// The first stage: our end mark is sent, the peer's has not come.
    OutboundEnded {
        /// It has taken longer than [`Limits::pop`](crate::Limits::pop).
        late: bool,
        /// It cannot go on before the application reads.
        needs_read: bool,
    },
    /// The second stage: the layer has left, and waits for
    /// [`take_popped`](crate::Stack::take_popped).
    Left,
    /// There is no such layer, or it was taken already.
    Gone,
}

/// Why a layer did not come in: a pushed, inserted or replacing one, or all of
/// [`Changes`](crate::Changes). `T` is what is given back.
#[non_exhaustive]
pub enum PushError<T> {
    /// Nothing began: the stack works on as before.
    Refused {
        /// What was to come in. Nobody has changed it; what a layer itself did when it was attached
        /// is its own affair.
        back: T,
        /// Why.
        error: Error,
    },
    /// Bytes were there that must not be, under [`Residue::Reject`](crate::Residue::Reject). Nothing was written. The
    /// inbound half is sealed: nothing of these bytes, nor any byte after them, is ever read.
    Rejected {
        /// What was to come in, unchanged.
        back: T,
        /// The bytes that waited unread.
        residue: Vec<u8>,
        /// The same in words, as reads report it from now on.
        error: Error,
    },
    /// The layer had begun to talk: the connection cannot be used any more.
    Begun(Error),
}

impl<T> PushError<T> {
    /// What went wrong.
    pub fn error(&self) -> &Error {
        match self {
            Self::Refused { error, .. } | Self::Rejected { error, .. } | Self::Begun(error) => {
                error
            }
        }
    }

    /// The same, with something else made of what is given back.
    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> PushError<U> {
        match self {
            Self::Refused { back, error } => PushError::Refused {
                back: with(back),
                error,
            },
            Self::Rejected {
                back,
                residue,
                error,
            } => PushError::Rejected {
                back: with(back),
                residue,
                error,
            },
            Self::Begun(error) => PushError::Begun(error),
        }
    }
}

impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Refused { .. } => "Refused",
            Self::Rejected { .. } => "Rejected",
            Self::Begun(_) => "Begun",
        };
        f.debug_tuple(name).field(self.error()).finish()
    }
}

impl<T> fmt::Display for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self {
            Self::Refused { .. } => "the push was refused",
            Self::Rejected { .. } => "the push was rejected",
            Self::Begun(_) => "the push failed",
        };
        write!(f, "{outcome}: {}", self.error())
    }
}

/// The text says all that [`error`](PushError::error) does; so the source is that error's own.
impl<T> std::error::Error for PushError<T> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error().source()
    }
}

impl<T> From<PushError<T>> for std::io::Error {
    fn from(error: PushError<T>) -> Self {
        error.error().clone().into()
    }
}

/// How a layer left the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Each direction was cut at its exact byte.
    Clean,
    /// It was ripped out: `held` bytes were inside it or waiting for it, and where its inbound
    /// bytes ended is unknown.
    Ripped {
        /// The bytes that were inside the layer, plus those below it that it had not taken.
        held: usize,
    },
}
