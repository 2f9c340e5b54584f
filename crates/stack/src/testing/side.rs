//! The two peers of a simulation.

/// One of the two peers of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one.
    A,
    /// The other.
    B,
}

impl Side {
    /// Both, in the order in which a drain lets them act.
    pub(super) const BOTH: [Self; 2] = [Self::A, Self::B];

    /// The peer.
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    pub(super) fn index(self) -> usize {
        self as usize
    }
}
