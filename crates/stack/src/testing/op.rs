//! One change of the stack, as a plan has it.

use super::Side;

/// A change that both peers make, each in its own time, between the same two of its bytes.
///
/// To add one: say here what stands after it, in [`Plan`](super::plan::Plan) when it is drawn and
/// what it asks of the segments around it, in `change.rs` when it can be made and how, and in
/// `wiretap.rs` what the wire looks like where it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// A layer comes in at the top; what was not read goes through it.
    Push { layer: usize },
    /// A layer comes in at the top, at one peer behind an answer, in one act.
    PushAfter { layer: usize, answer: Answer },
    /// A layer with an end mark leaves, or one that may at any time.
    Pop { layer: usize },
    /// A layer without an end mark leaves, while nothing is under way.
    PopInSilence { layer: usize, answer: Answer },
    /// A layer is taken out, while nothing is under way.
    Rip { layer: usize, answer: Answer },
}

/// The last bytes that one peer writes before the change, and with it in one act: when the other
/// has read them, the change has been made there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) by: Side,
    pub(super) len: usize,
}

impl Op {
    /// The layer that comes or goes.
    pub(super) fn layer(self) -> usize {
        match self {
            Self::Push { layer }
            | Self::PushAfter { layer, .. }
            | Self::Pop { layer }
            | Self::PopInSilence { layer, .. }
            | Self::Rip { layer, .. } => layer,
        }
    }

    /// Whether the layer comes.
    pub(super) fn comes(self) -> bool {
        matches!(self, Self::Push { .. } | Self::PushAfter { .. })
    }

    /// What one peer writes in one act with the change.
    pub(super) fn answer(self) -> Option<Answer> {
        match self {
            Self::PushAfter { answer, .. }
            | Self::PopInSilence { answer, .. }
            | Self::Rip { answer, .. } => Some(answer),
            Self::Push { .. } | Self::Pop { .. } => None,
        }
    }

    /// The peer that, having made the change, may not write before the other has made it, too.
    pub(super) fn waits(self) -> Option<Side> {
        match self {
            Self::PopInSilence { answer, .. } | Self::Rip { answer, .. } => Some(answer.by),
            _ => None,
        }
    }

    /// Makes of the layers that stood before, lowest first, those that stand after.
    pub(super) fn apply(self, standing: &mut Vec<usize>) {
        if self.comes() {
            standing.push(self.layer());
        } else {
            standing.retain(|layer| *layer != self.layer());
        }
    }
}
