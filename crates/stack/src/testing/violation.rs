//! What must not be.

use std::fmt;

/// What a simulation saw that must not be, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub(super) String);

/// The outcome of something that is watched.
pub(super) type Checked<T = ()> = Result<T, Violation>;

/// Fails with these words.
pub(super) fn violation<T>(words: impl Into<String>) -> Checked<T> {
    Err(Violation(words.into()))
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
