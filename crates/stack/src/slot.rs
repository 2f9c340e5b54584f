//! A node's place in the stack, and its life there.

use std::time::Duration;

use crate::Layer;
use crate::held::Held;

/// A node with the boundary below it.
pub(crate) struct Slot {
    /// This place, as a bit of [`Places`](crate::bits::Places).
    pub(crate) bit: u64,
    pub(crate) node: Box<dyn Layer>,
    pub(crate) traffic: Traffic,
    /// Inbound bytes that the node has not taken.
    pub(crate) held: Held,
    pub(crate) life: Life,
    pub(crate) inbound: Inbound,
}

impl Slot {
    pub(crate) fn new(node: Box<dyn Layer>) -> Self {
        Self {
            bit: 0,
            node,
            traffic: Traffic::default(),
            held: Held::default(),
            life: Life::Standing,
            inbound: Inbound::Decoding,
        }
    }

    /// Whether rising bytes go past this node, untouched.
    pub(crate) fn passed_by(&self) -> bool {
        self.inbound == Inbound::Ended
    }
}

/// How many bytes a node took at its two faces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Inbound bytes that the node took from below.
    pub received: u64,
    /// Outbound bytes that the node took from above.
    pub sent: u64,
}

/// Where a node is in its life. The inbound valve beside it says how far that direction has ended,
/// the flag [`Core::down`](crate::core::Core) whether the outbound one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Attached, and talking with its peer; `pop` says that it is to leave once it is up.
    Handshaking { until: Duration, pop: bool },
    /// At work.
    Standing,
    /// Asked to leave.
    Leaving { until: Duration, late: bool },
}

/// The inbound valve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inbound {
    Decoding,
    /// The peer's end mark came unasked: what follows waits. `told` says that the owner knows.
    Parked {
        told: bool,
    },
    /// What follows the end mark passes by the node.
    Ended,
}
