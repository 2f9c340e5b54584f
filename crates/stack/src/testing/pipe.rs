//! What is under way from one peer to the other.

use std::collections::VecDeque;

/// One way between the peers, with a bound.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    pub(super) bytes: VecDeque<u8>,
    pub(super) capacity: usize,
    /// So many steps long it takes nothing.
    pub(super) blocked: u32,
    /// Nothing more will be sent.
    pub(super) ended: bool,
    /// It is broken: what is sent gets lost.
    pub(super) broken: bool,
}

impl Pipe {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            ..Self::default()
        }
    }

    /// How many bytes it takes now.
    pub(super) fn room(&self) -> usize {
        match self {
            Self { broken: true, .. } => usize::MAX,
            Self { blocked: 0, .. } => self.capacity.saturating_sub(self.bytes.len()),
            _ => 0,
        }
    }

    pub(super) fn put(&mut self, bytes: &[u8]) {
        if !self.broken {
            self.bytes.extend(bytes);
        }
    }

    /// Moves the first bytes to the front of `to`, and says how many.
    pub(super) fn take(&mut self, to: &mut [u8]) -> usize {
        let n = to.len().min(self.bytes.len());
        for (to, byte) in to.iter_mut().zip(self.bytes.drain(..n)) {
            *to = byte;
        }
        n
    }
}
