//! One way of the two, and what goes wrong there.

use std::time::Duration;

use fastrand::Rng;

/// What [`Faults`](super::Faults) has done since it was pushed, both ways together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Injected {
    /// Pieces that were passed on, if bytes were to be cut.
    pub pieces: u64,
    /// Times that bytes or writers were held up.
    pub delays: u64,
    /// Bytes of which a bit was flipped.
    pub corrupted: u64,
}

/// The faults that both ways have.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) pieces: Option<usize>,
    pub(super) delay: Option<Duration>,
    pub(super) corrupt: Option<u32>,
}

/// One of the two ways, and its random numbers.
#[derive(Clone, Debug)]
pub(super) struct Way {
    cuts: Rng,
    waits: Rng,
    flips: Rng,
    hold: Hold,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// What comes next is held up.
    Next,
    Until(Duration),
    /// It has been held up, and may pass.
    Over,
}

impl Way {
    pub(super) fn new(rng: &mut Rng) -> Self {
        Self {
            cuts: rng.fork(),
            waits: rng.fork(),
            flips: rng.fork(),
            hold: Hold::Next,
        }
    }

    /// How many of so many bytes, at least one, are the next piece.
    pub(super) fn piece(&mut self, plan: &Plan, injected: &mut Injected, bytes: usize) -> usize {
        let Some(most) = plan.pieces else {
            return bytes;
        };
        injected.pieces += 1;
        bytes.min(self.cuts.usize(1..=most))
    }

    pub(super) fn flip(&mut self, plan: &Plan, injected: &mut Injected, bytes: &mut [u8]) {
        let Some(one_in) = plan.corrupt else { return };
        for byte in bytes {
            if self.flips.u32(0..one_in) == 0 {
                *byte ^= 1 << self.flips.u32(0..8);
                injected.corrupted += 1;
            }
        }
    }

    /// Whether what passes now is to be held up, until a time that it notes.
    pub(super) fn hold_up(&mut self, plan: &Plan, injected: &mut Injected, now: Duration) -> bool {
        let Some(most) = plan.delay else { return false };
        if self.hold != Hold::Next {
            return false;
        }
        let most = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        let wait = Duration::from_nanos(self.waits.u64(0..=most));
        self.hold = Hold::Until(now.saturating_add(wait));
        injected.delays += 1;
        true
    }

    pub(super) fn until(&self) -> Option<Duration> {
        match self.hold {
            Hold::Until(at) => Some(at),
            Hold::Next | Hold::Over => None,
        }
    }

    pub(super) fn is_due(&self, now: Duration) -> bool {
        self.until().is_some_and(|at| at <= now)
    }

    /// What was held up may pass.
    pub(super) fn let_pass(&mut self) {
        self.hold = Hold::Over;
    }

    /// It has passed; what comes next is held up again.
    pub(super) fn passed(&mut self) {
        self.hold = Hold::Next;
    }
}
