//! What is left of a connection.

use std::fmt;

use crate::{Layer, Stack};

/// A connection taken apart.
#[non_exhaustive]
pub struct Parts<Io> {
    /// The socket.
    pub io: Io,
    /// What was received and decoded, and not read.
    pub unread: Vec<u8>,
    /// What is ready for the socket, and was not taken by it.
    pub unsent: Vec<u8>,
    /// The layers that stood, lowest first.
    pub layers: Vec<Box<dyn Layer>>,
}

impl<Io> fmt::Debug for Parts<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layers = self.layers.iter().map(|layer| layer.name());
        f.debug_struct("Parts")
            .field("unread", &self.unread.len())
            .field("unsent", &self.unsent.len())
            .field("layers", &layers.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl<Io> Parts<Io> {
    pub(super) fn new(io: Io, mut stack: Stack) -> Self {
        stack.flush();
        let unread = stack.readable().to_vec();
        let unsent = stack.outgoing().to_vec();
        Self {
            io,
            unread,
            unsent,
            layers: stack.into_layers(),
        }
    }
}
