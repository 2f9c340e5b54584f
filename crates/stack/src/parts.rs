//! What is left of a connection.

use std::fmt;

use crate::{Epoch, Layer, Outcome, Stack};

/// A connection taken apart, so that other code can go on with it.
///
/// With the feature `tokio`, `Connection::into_parts` gives one with the socket; [`Stack::into_parts`] one with `()`.
#[non_exhaustive]
pub struct Parts<Io = ()> {
    /// The socket.
    pub io: Io,
    /// What was received and decoded, and not read, epoch by epoch.
    pub unread: Vec<(Epoch, Vec<u8>)>,
    /// What is ready for the socket, and was not taken by it. What the layers staged is in it;
    /// what a layer keeps during its handshake is not.
    pub unsent: Vec<u8>,
    /// The layers that stood, lowest first, each with the bytes that waited below it: they were
    /// received, and it has not taken them.
    pub layers: Vec<(Box<dyn Layer>, Vec<u8>)>,
    /// The layers that had left, and that nobody has taken.
    pub left: Vec<(Box<dyn Layer>, Outcome)>,
}

impl Stack {
    /// Takes the stack apart. Its layers are not told of an end, for they may go on elsewhere; an
    /// application that is a [`Protocol`](crate::Protocol) is, for it cannot.
    pub fn into_parts(mut self) -> Parts {
        self.flush();
        let unread = std::iter::from_fn(|| self.take_unread()).collect();
        let unsent = self.outgoing().to_vec();
        let over = std::mem::replace(&mut self.lost, true);
        if let Some(mut top) = self.slots.pop()
            && !over
        {
            top.node.lost(&self.last_end());
        }
        let left = self.left.drain(..);
        let left = left.map(|(_, layer, outcome)| (layer, outcome)).collect();
        let layers = self.slots.drain(..);
        let layers = layers.map(|slot| (slot.node, slot.held.bytes().to_vec()));
        Parts {
            io: (),
            unread,
            unsent,
            layers: layers.collect(),
            left,
        }
    }

    /// What waits at the top, of one epoch; nothing rises into its place.
    fn take_unread(&mut self) -> Option<(Epoch, Vec<u8>)> {
        let (top, epoch) = (self.top(), self.epoch());
        let held = &mut self.slots[top].held;
        let bytes = held.front().to_vec();
        held.consume(bytes.len());
        (!bytes.is_empty()).then_some((epoch, bytes))
    }
}

#[cfg(feature = "tokio")]
impl Parts {
    pub(crate) fn with_io<Io>(self, io: Io) -> Parts<Io> {
        Parts {
            io,
            unread: self.unread,
            unsent: self.unsent,
            layers: self.layers,
            left: self.left,
        }
    }
}

impl<Io> fmt::Debug for Parts<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unread = self.unread.iter().map(|(_, bytes)| bytes.len());
        let layers = self.layers.iter().map(|(layer, _)| layer.name());
        f.debug_struct("Parts")
            .field("unread", &unread.sum::<usize>())
            .field("unsent", &self.unsent.len())
            .field("layers", &layers.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
