//! A node's place in the stack, and its life there.

use std::time::Duration;

use crate::Layer;
use crate::held::Held;
use crate::traffic::Counts;

/// A node with the boundary below it.
pub(crate) struct Slot {
    /// This place, as a bit of [`Places`](crate::bits::Places).
    pub(crate) bit: u64,
    pub(crate) node: Box<dyn Layer>,
    pub(crate) counts: Counts,
    /// Inbound bytes that the node has not taken.
    pub(crate) held: Held,
    pub(crate) life: Life,
    pub(crate) inbound: Inbound,
    /// The node was told of the end of input. That passes it again where a layer comes in below.
    pub(crate) told_end: bool,
    /// When the node was attached.
    pub(crate) since: Duration,
}

impl Slot {
    pub(crate) fn new(node: Box<dyn Layer>) -> Self {
        Self {
            bit: 0,
            node,
            counts: Counts::default(),
            held: Held::default(),
            life: Life::Standing,
            inbound: Inbound::Awaiting { attached: 0 },
            told_end: false,
            since: Duration::ZERO,
        }
    }

    pub(crate) fn place(&self) -> usize {
        self.bit.trailing_zeros() as usize
    }

    /// Whether rising bytes go past this node, untouched.
    pub(crate) fn passed_by(&self) -> bool {
        matches!(self.inbound, Inbound::Ended | Inbound::Awaiting { .. })
    }

    /// Whether rising bytes stop below this node, behind its peer's end mark.
    pub(crate) fn keeps_what_follows(&self) -> bool {
        matches!(self.inbound, Inbound::Parked { .. } | Inbound::Marked)
    }

    /// The number of the change in which this node was asked to leave, if bytes that came before
    /// its peer's end mark may still be on their way through it.
    pub(crate) fn leaving(&self) -> Option<u64> {
        match self.life {
            Life::Leaving { asked, .. } if self.inbound != Inbound::Ended => Some(asked),
            _ => None,
        }
    }
}

/// Where a node is in its life. The inbound valve beside it says how far that direction has ended,
/// the flag [`Core::down`](crate::core::Core) whether the outbound one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Attached, and talking with its peer. `early` says that those above may use it already, `back`
    /// whose it is again if it withdraws.
    Handshaking {
        until: Duration,
        early: bool,
        back: GivenBack,
    },
    /// At work.
    Standing,
    /// Asked to leave, in the change of this number.
    Leaving {
        until: Duration,
        late: bool,
        asked: u64,
    },
}

/// To whom a layer is given back that withdraws from its handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GivenBack {
    /// It came in with others, or in the place of another.
    Nobody,
    /// Who pushed it from outside.
    Asker,
    /// The application, which pushed it from within a callback.
    Application,
}

/// The inbound valve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inbound {
    /// About to begin; or attached, in the change of this number, above a layer that was leaving
    /// then: until that has met its peer's end mark, what rises passes by this node.
    Awaiting {
        attached: u64,
    },
    Decoding,
    /// The peer's end mark came unasked: what follows waits. `told` says that the owner knows.
    Parked {
        told: bool,
    },
    /// The end mark has come, and the layer is leaving: what follows waits until what came before
    /// has risen past the layers that await the mark.
    Marked,
    /// What follows the end mark passes by the node.
    Ended,
}
