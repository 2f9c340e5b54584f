//! What both sides know beforehand.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A dictionary; clones are of one. It may be large, and nobody else's business, so it is not drawn.
#[derive(Clone)]
pub(crate) struct Dictionary(Arc<[u8]>);

impl From<&[u8]> for Dictionary {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl Deref for Dictionary {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dictionary({} bytes)", self.len())
    }
}
