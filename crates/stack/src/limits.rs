//! Bounds and deadlines.

use std::time::Duration;

use crate::buffer::{BLOCK, USUAL};

/// The bounds of a connection's buffers, and its deadlines.
///
/// ```
/// use stack::Limits;
/// let limits = Limits { inbox: 16 * 1024, ..Limits::default() };
/// assert_eq!(limits.boundary, 64 * 1024);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that may wait unread at the top before the layers stop making more. A layer may pass
    /// it by what it had begun (one record, one block). Default 64 KiB.
    pub inbox: usize,
    /// Bytes that may wait below a layer. A record that a layer wants whole must not be larger,
    /// its header included.
    /// Default 64 KiB.
    pub boundary: usize,
    /// Bytes waiting for the socket from which on writing pauses. Default 64.5 KiB, which four full records
    /// of TLS do not pass.
    pub outbox_high: usize,
    /// Writing resumes when no more than this many bytes wait for the socket. A value over
    /// [`outbox_high`](Self::outbox_high) counts as `outbox_high`. Default 16 KiB.
    pub outbox_low: usize,
    /// All the bytes that the connection may hold, together: at the boundaries, in the queue, waiting
    /// for the socket, and inside the layers, as they report ([`Layer::held`](crate::Layer::held));
    /// more is an error of the layer that made or holds them. What is inside the layers is asked for
    /// once in 16 KiB of traffic. Less than 192 KiB counts as 192 KiB: an inbox, and one read more.
    /// Default 4 MiB.
    pub budget: usize,
    /// Blocks that the layers may make in one turn, all together (see
    /// [`Context::wanted`](crate::Context::wanted)); then other tasks of the thread have their
    /// turn. Default 16, which is 256 KiB of full TLS records.
    pub work: u32,
    /// How long a layer may take from its push until it is up. Default 10 s.
    pub handshake: Duration,
    /// How long a pop may take until it is reported as late. Default 5 s.
    pub pop: Duration,
}

impl Limits {
    /// Without what would never come to rest: marks the wrong way round, and bounds of zero.
    pub(crate) fn sane(mut self) -> Self {
        self.outbox_low = self.outbox_low.min(self.outbox_high);
        self.inbox = self.inbox.max(1);
        self.boundary = self.boundary.max(1);
        self.work = self.work.max(1);
        self.budget = self.budget.max(3 * BLOCK);
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            inbox: BLOCK,
            boundary: BLOCK,
            outbox_high: USUAL,
            outbox_low: 16 * 1024,
            budget: 4 * 1024 * 1024,
            work: 16,
            handshake: Duration::from_secs(10),
            pop: Duration::from_secs(5),
        }
    }
}
