//! What an application is told of its stack.

use std::fmt;

use crate::{Error, Layer, LayerKey, Outcome};

/// Something about the stack that the application may want to know.
pub enum Event {
    /// A pushed layer works from here on.
    Up(LayerKey),
    /// A push that was asked for from a callback did not take place; nothing has changed.
    Refused {
        /// Which push, by the id that asking for it returned.
        key: LayerKey,
        /// The layer, unchanged.
        layer: Box<dyn Layer>,
        /// Why.
        error: Error,
    },
    /// The peer ended a layer's inbound half, and nobody here had asked for that. The layer is
    /// parked: what follows waits until the layer is popped. If it is not popped from within this
    /// call, the application sees the end of input next.
    Ended(LayerKey),
    /// A layer that was popped has left.
    Left {
        /// Which layer.
        key: LayerKey,
        /// The layer itself.
        layer: Box<dyn Layer>,
        /// How it left.
        outcome: Outcome,
    },
    /// A pop could not take place; nothing has changed.
    NotPopped {
        /// Which layer.
        key: LayerKey,
        /// Why.
        error: Error,
    },
    /// A pop takes longer than [`Limits::pop`](crate::Limits::pop). It goes on.
    PopLate(LayerKey),
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up(key) => f.debug_tuple("Up").field(key).finish(),
            Self::Refused { key, error, .. } => {
                f.debug_tuple("Refused").field(key).field(error).finish()
            }
            Self::Ended(key) => f.debug_tuple("Ended").field(key).finish(),
            Self::Left { key, outcome, .. } => {
                f.debug_tuple("Left").field(key).field(outcome).finish()
            }
            Self::NotPopped { key, error } => {
                f.debug_tuple("NotPopped").field(key).field(error).finish()
            }
            Self::PopLate(key) => f.debug_tuple("PopLate").field(key).finish(),
        }
    }
}
