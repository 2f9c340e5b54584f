//! What must not be.

use std::fmt;

use super::Rule;

/// What a simulation saw that must not be: which rule was broken, and how, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub(super) rule: Rule,
    pub(super) words: String,
}

impl Violation {
    pub(super) fn of(rule: Rule, words: impl Into<String>) -> Self {
        let words = words.into();
        Self { rule, words }
    }

    /// The rule that was broken.
    pub fn rule(&self) -> Rule {
        self.rule
    }
}

/// The outcome of something that is watched.
pub(super) type Checked<T = ()> = Result<T, Violation>;

/// Fails: the rule is broken, in these words.
pub(super) fn broken<T>(rule: Rule, words: impl Into<String>) -> Checked<T> {
    Err(Violation::of(rule, words))
}

/// Fails: something that is the stack's own is not as it must be.
pub(super) fn violation<T>(words: impl Into<String>) -> Checked<T> {
    broken(Rule::Stack, words)
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}
