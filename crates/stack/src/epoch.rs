//! The spans between two changes of the stack.

use std::fmt;
use std::sync::Arc;

/// A span between two changes of the stack, in one direction, and the layers that stood in it.
///
/// Bytes are stamped with their epoch when they are decoded (inbound) or written (outbound), so a
/// byte that was protected when it came stays known as such however late it is read.
#[derive(Clone, PartialEq, Eq)]
pub struct Epoch {
    pub(crate) number: u64,
    pub(crate) layers: Arc<[Arc<str>]>,
}

impl Epoch {
    /// Counts the changes in this direction since the connection began.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The names of the layers that the bytes of this epoch crossed, lowest first.
    pub fn layers(&self) -> impl ExactSizeIterator<Item = &str> {
        self.layers.iter().map(|name| &**name)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Epoch({} {:?})", self.number, self.layers)
    }
}
