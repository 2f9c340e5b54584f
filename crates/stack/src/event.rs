//! What an application is told of its stack.

use std::fmt;

use crate::{Error, Layer, LayerKey, Outcome};

/// Something about the stack that the application may want to know.
#[non_exhaustive]
pub enum Event {
    /// A pushed layer works from here on.
    Up(LayerKey),
    /// A push, or other [`Changes`](crate::Changes), asked for from a callback did not take place,
    /// and the stack stands as before. What the callback sent behind it is forgotten, for it was
    /// meant to go through what was to come in, and further changes that it asked for are refused
    /// as well.
    PushRefused {
        /// The layers that were to come in, unchanged, each with the id that asking returned.
        layers: Vec<(LayerKey, Box<dyn Layer>)>,
        /// Why.
        error: Error,
    },
    /// A push that was asked for from a callback met bytes that must not be there, under
    /// [`Residue::Reject`](crate::Residue::Reject). The inbound half is sealed; as for
    /// [`PushRefused`](Self::PushRefused), nothing sent behind the push goes out.
    PushRejected {
        /// The layer that was to come in, unchanged, with the id that asking returned.
        layers: Vec<(LayerKey, Box<dyn Layer>)>,
        /// The bytes that waited.
        residue: Vec<u8>,
        /// The same in words; the input ends with it.
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
    PopRefused {
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
            Self::PushRefused { error, .. } => f.debug_tuple("PushRefused").field(error).finish(),
            Self::PushRejected { error, .. } => f.debug_tuple("PushRejected").field(error).finish(),
            Self::Ended(key) => f.debug_tuple("Ended").field(key).finish(),
            Self::Left { key, outcome, .. } => {
                f.debug_tuple("Left").field(key).field(outcome).finish()
            }
            Self::PopRefused { key, error } => {
                f.debug_tuple("PopRefused").field(key).field(error).finish()
            }
            Self::PopLate(key) => f.debug_tuple("PopLate").field(key).finish(),
        }
    }
}
