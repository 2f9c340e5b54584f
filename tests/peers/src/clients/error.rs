//! Why a client gave up.

use std::error::Error;
use std::{fmt, io};

use net_layers::StarttlsError;
use stack::{PopError, PushError};

/// Why a client gave up.
#[derive(Debug)]
pub enum ClientError {
    /// The server does not offer TLS.
    NotOffered,
    /// The server does not want to begin TLS, or does not let us in; in its words.
    Refused(String),
    /// The server says in plain that we are logged in: what comes behind that is anybody's.
    LoggedInInPlain,
    /// The answer came in another epoch than the question was asked in, so it is no answer.
    OldAnswer,
    /// The server has said something that makes no sense here.
    Unexpected(String),
    /// The layers have changed, or failed, otherwise than they should.
    Stack(stack::Error),
    /// Reading or writing failed.
    Io(io::Error),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOffered => f.write_str("the server does not offer TLS"),
            Self::Refused(words) => write!(f, "the server has refused: {words}"),
            Self::LoggedInInPlain => f.write_str("the server says in plain that we are logged in"),
            Self::OldAnswer => f.write_str("an answer of before the change"),
            Self::Unexpected(words) => write!(f, "the server has said: {words}"),
            Self::Stack(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl Error for ClientError {}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl<L> From<PushError<L>> for ClientError {
    fn from(error: PushError<L>) -> Self {
        let error = error.error();
        let why = error.source().and_then(|source| source.downcast_ref());
        match why {
            Some(StarttlsError::NotOffered) => Self::NotOffered,
            Some(StarttlsError::Refused(words)) => Self::Refused(words.clone()),
            Some(StarttlsError::LoggedIn) => Self::LoggedInInPlain,
            _ => Self::Stack(error.clone()),
        }
    }
}

impl From<PopError> for ClientError {
    fn from(error: PopError) -> Self {
        Self::Io(error.into())
    }
}
