//! Why there is no TLS.

use std::fmt;

use stack::{Blame, Error, ErrorKind};

/// The most of a server's words that are kept, in characters.
const WORDS: usize = 200;

/// Why a server does not begin TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StarttlsError {
    /// It does not offer it; or somebody in between has taken the offer out.
    NotOffered,
    /// It does not want to, or not to talk with us at all; in its words, shortened.
    Refused(String),
    /// It says in plain that we are logged in (IMAP's PREAUTH): what comes behind that is anybody's.
    LoggedIn,
}

impl fmt::Display for StarttlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOffered => f.write_str("the server does not offer TLS"),
            Self::Refused(words) => write!(f, "the server refuses: {words}"),
            Self::LoggedIn => f.write_str("the server says in plain that we are logged in"),
        }
    }
}

impl std::error::Error for StarttlsError {}

impl From<StarttlsError> for Error {
    fn from(why: StarttlsError) -> Self {
        let kind = match why {
            StarttlsError::LoggedIn => ErrorKind::Protocol,
            _ => ErrorKind::Io(std::io::ErrorKind::ConnectionRefused),
        };
        Self::new(kind, Blame::Remote, "there is no TLS").with_source(why)
    }
}

/// The server's words are a refusal.
pub(super) fn refused(words: &str) -> Error {
    let words = words.trim().chars().take(WORDS);
    let words = words.map(|it| if it.is_control() { '?' } else { it });
    StarttlsError::Refused(words.collect()).into()
}

/// The server's words make no sense here.
pub(super) fn unexpected(words: &str) -> Error {
    let words: String = words.chars().take(WORDS).collect();
    Error::remote(format!("the server says {words:?}"))
}
