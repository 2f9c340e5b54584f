//! One change of the stack, as a plan has it.

use super::{Rng, Side};

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
    /// A layer comes in for one with an end mark: at its place, and behind its mark.
    Replace { old: usize, layer: usize },
    /// A layer comes in at the top, just behind the one that was asked to leave in the change before
    /// and may be leaving still: nothing is written between the two.
    PushBehind { old: usize, layer: usize },
    /// A layer comes in just below another, while nothing is under way.
    Insert {
        layer: usize,
        below: usize,
        answer: Answer,
    },
    /// A layer comes in for one without an end mark, while nothing is under way: two changes as one.
    Swap {
        old: usize,
        layer: usize,
        answer: Answer,
    },
}

/// The last bytes that one peer writes before the change, and with it in one act: when the other
/// has read them, the change has been made there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) by: Side,
    pub(super) len: usize,
}

impl Answer {
    pub(super) fn draw(rng: &mut Rng) -> Self {
        Self {
            by: rng.among(&Side::BOTH),
            len: 1 + rng.below(4),
        }
    }
}

impl Op {
    /// The layer that comes, or if none does, the one that goes.
    pub(super) fn layer(self) -> usize {
        match self {
            Self::Push { layer }
            | Self::PushAfter { layer, .. }
            | Self::Pop { layer }
            | Self::PopInSilence { layer, .. }
            | Self::Rip { layer, .. }
            | Self::Replace { layer, .. }
            | Self::PushBehind { layer, .. }
            | Self::Insert { layer, .. }
            | Self::Swap { layer, .. } => layer,
        }
    }

    /// Whether a layer comes.
    pub(super) fn comes(self) -> bool {
        !matches!(
            self,
            Self::Pop { .. } | Self::PopInSilence { .. } | Self::Rip { .. }
        )
    }

    /// The layer that goes.
    pub(super) fn goes(self) -> Option<usize> {
        match self {
            Self::Pop { layer } | Self::PopInSilence { layer, .. } | Self::Rip { layer, .. } => {
                Some(layer)
            }
            Self::Replace { old, .. } | Self::Swap { old, .. } => Some(old),
            _ => None,
        }
    }

    /// Whether it comes in at the top, and none goes.
    pub(super) fn pushes(self) -> bool {
        matches!(self, Self::Push { .. } | Self::PushAfter { .. })
    }

    /// What one peer writes in one act with the change.
    pub(super) fn answer(self) -> Option<Answer> {
        match self {
            Self::PushAfter { answer, .. }
            | Self::PopInSilence { answer, .. }
            | Self::Rip { answer, .. }
            | Self::Insert { answer, .. }
            | Self::Swap { answer, .. } => Some(answer),
            Self::Push { .. }
            | Self::Pop { .. }
            | Self::Replace { .. }
            | Self::PushBehind { .. } => None,
        }
    }

    /// The peer that, having made the change, may not write before the other has made it, too.
    pub(super) fn waits(self) -> Option<Side> {
        match self {
            Self::PushAfter { .. } => None,
            _ => self.answer().map(|answer| answer.by),
        }
    }

    /// Makes of the layers that stood before, lowest first, those that stand after.
    pub(super) fn apply(self, standing: &mut Vec<usize>) {
        let place = |of: usize| standing.iter().position(|layer| *layer == of);
        let comes_to = match self {
            Self::Replace { old, .. } | Self::Swap { old, .. } => place(old),
            Self::Insert { below, .. } => place(below),
            _ => Some(standing.len()),
        };
        standing.retain(|layer| Some(*layer) != self.goes());
        if let Some(place) = comes_to
            && self.comes()
        {
            standing.insert(place.min(standing.len()), self.layer());
        }
    }
}
