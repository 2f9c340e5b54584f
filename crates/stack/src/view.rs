//! The stack, to look at.

use std::fmt;

use crate::slot::{Life, Slot};
use crate::{LayerKey, Stack, Traffic};

/// A layer as it stands in the stack, to look at.
#[derive(Clone, Copy)]
pub struct LayerView<'a> {
    key: LayerKey,
    slot: &'a Slot,
}

impl<'a> LayerView<'a> {
    pub(crate) fn new(key: LayerKey, slot: &'a Slot) -> Self {
        Self { key, slot }
    }

    /// Which layer.
    pub fn key(self) -> LayerKey {
        self.key
    }

    /// Its name.
    pub fn name(self) -> &'a str {
        self.slot.node.name()
    }

    /// What it took at its two faces.
    pub fn traffic(self) -> Traffic {
        self.slot.traffic
    }

    /// The bytes inside it, and those that wait below it.
    pub fn held(self) -> usize {
        self.slot.node.held() + self.slot.held.len()
    }

    /// Whether it is up, and not on its way out.
    pub fn is_standing(self) -> bool {
        self.slot.life == Life::Standing
    }
}

impl fmt::Debug for LayerView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerView")
            .field("name", &self.name())
            .field("life", &self.slot.life)
            .field("inbound", &self.slot.inbound)
            .field("outbound", &self.slot.outbound)
            .field("traffic", &self.slot.traffic)
            .field("held", &self.held())
            .finish()
    }
}

/// The stack in a line: `app <=> zstd <=> tls <=> network`.
impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for slot in self.slots.iter().rev() {
            write!(f, "{} <=> ", slot.node.name())?;
        }
        f.write_str("network")
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack")
            .field("layers", &self.layers().collect::<Vec<_>>())
            .field("end", &self.end)
            .field("failure", &self.failure)
            .field("outgoing", &self.outgoing)
            .field("readable", &self.readable().len())
            .field("outbox", &self.core.outbox.len())
            .finish_non_exhaustive()
    }
}
