//! The six steps.

use std::time::Duration;

/// One step: a change of the stack, after which the file is carried once.
pub(crate) struct Step {
    pub(crate) title: &'static str,
    pub(crate) change: Option<Change>,
}

/// A change at the top of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    PushTls,
    PushZstd,
    Pop,
}

pub(crate) const STEPS: [Step; 6] = [
    Step::new("plain", None),
    Step::new("TLS pushed", Some(Change::PushTls)),
    Step::new("zstd pushed above it", Some(Change::PushZstd)),
    Step::new("zstd popped", Some(Change::Pop)),
    Step::new("TLS popped, plain again", Some(Change::Pop)),
    Step::new("zstd alone", Some(Change::PushZstd)),
];

impl Step {
    const fn new(title: &'static str, change: Option<Change>) -> Self {
        Self { title, change }
    }
}

/// What a step took.
pub(crate) struct Carried {
    /// The bytes of the file, which the application wrote or read.
    pub(crate) app: u64,
    /// The bytes that they became on the network.
    pub(crate) wire: u64,
    pub(crate) time: Duration,
}
