//! Why a stream inside a layer has failed.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use crate::{Blame, Error, ErrorKind};

const FAILED: &str = "the stream failed";
pub(super) const ENDED: &str = "the input ends before the stream does";

/// The error of a stream, or of the function that makes it, whatever its type.
#[derive(Debug)]
pub(super) struct Failure(pub(super) Box<dyn StdError + Send + Sync>);

impl Failure {
    /// What the layer reports; `ended` says that nothing more came from below.
    pub(super) fn into_error(self, ended: bool) -> Error {
        let failure = match self.0.downcast::<io::Error>() {
            Ok(error) => return at_io(*error, ended),
            Err(failure) => failure,
        };
        match failure.downcast::<Error>() {
            Ok(error) => *error,
            Err(failure) if ended => Error::truncated(ENDED).with_source(Self(failure)),
            Err(failure) => Error::remote(FAILED).with_source(Self(failure)),
        }
    }
}

fn at_io(error: io::Error, ended: bool) -> Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    if let Some(inner) = inner {
        return Error::clone(inner);
    }
    match error.kind() {
        _ if ended => Error::truncated(ENDED),
        io::ErrorKind::UnexpectedEof => Error::truncated(ENDED),
        io::ErrorKind::TimedOut => Error::new(ErrorKind::TimedOut, Blame::Remote, FAILED),
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported => Error::local(FAILED),
        _ => Error::remote(FAILED),
    }
    .with_source(error)
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}
