//! One step of a script.

use std::fmt;

use super::{Rng, Side};

/// Something that happens in a simulation. What cannot be done when its turn comes is skipped, so
/// that every selection of a script's steps is a script.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The application writes so many bytes, or what is left of its segment.
    Write(Side, u32),
    /// The application reads so many, or what there is.
    Read(Side, u32),
    Flush(Side),
    /// The socket takes so many bytes of what is ready, as far as the way has room.
    Send(Side, u32),
    /// So many bytes come from the peer; from a buffer of the caller's, or the stack's own.
    Deliver(Side, u32, Into),
    /// The side makes its next change.
    Change(Side),
    /// The side asks for several changes as one, of which the last fails.
    Botch(Side),
    /// The side ends its outgoing half, if it has written everything.
    Shutdown(Side),
    /// Time passes, in microseconds.
    Advance(u32),
    /// Time passes, until something is due.
    Wait,
    /// The socket takes nothing for as many steps.
    Block(Side, u32),
    /// The application reads nothing for as many steps.
    Rest(Side, u32),
    /// The way to this side breaks.
    Break(Side, Break),
}

/// Whose buffer bytes come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Into {
    Lent,
    Own,
}

/// How a way breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Break {
    /// What is under way arrives, and then the end. The peer's socket takes bytes for nothing.
    Quietly,
    /// The same, but the peer's socket reports that it takes no more.
    Loudly,
    /// Nothing more arrives, and both sockets report that they failed.
    Reset,
}

/// Draws a step of one kind.
type DrawStep = fn(Side, &mut Rng) -> Step;

/// How often each kind of step is drawn. Without the first five nothing goes on before the drain,
/// so they are seldom left out.
const WEIGHTS: [(usize, DrawStep); 11] = [
    (14, |side, rng| Step::Write(side, gulp(rng))),
    (14, |side, rng| Step::Read(side, gulp(rng))),
    (18, |side, rng| Step::Send(side, amount(rng))),
    (22, |side, rng| {
        let into = rng.among(&[Into::Lent, Into::Own]);
        Step::Deliver(side, amount(rng), into)
    }),
    (14, |side, _| Step::Change(side)),
    (8, |side, _| Step::Flush(side)),
    (6, |side, _| Step::Shutdown(side)),
    (8, |_, rng| {
        let most = rng.among(&[1, 200, 700]);
        Step::Advance(rng.below(most) as u32)
    }),
    (1, |side, _| Step::Botch(side)),
    (1, |side, rng| Step::Block(side, rng.below(60) as u32)),
    (1, |side, rng| Step::Rest(side, rng.below(60) as u32)),
];

/// Draws a script. Each leaves some kinds of steps out, or draws them more often.
pub(super) fn draw_script(rng: &mut Rng) -> Vec<Step> {
    let mut nth = 0;
    let weights = WEIGHTS.map(|(weight, _)| {
        nth += 1;
        let left_out = rng.once_in(if nth <= 5 { 60 } else { 6 });
        weight * rng.among(&[1, 1, 1, 3]) * usize::from(!left_out)
    });
    let all: usize = weights.iter().sum();
    let most = rng.among(&[150, 300, 300, 600, 1800]);
    let mut steps = Vec::new();
    for _ in 0..most * usize::from(all > 0) {
        let mut at = rng.below(all.max(1));
        let drawn = weights.iter().position(|weight| {
            let here = at < *weight;
            at = at.saturating_sub(*weight);
            here
        });
        let side = rng.among(&Side::BOTH);
        steps.extend(drawn.map(|drawn| WEIGHTS[drawn].1(side, rng)));
    }
    if rng.once_in(5) && !steps.is_empty() {
        let how = rng.among(&[Break::Quietly, Break::Quietly, Break::Loudly, Break::Reset]);
        let at = rng.below(steps.len());
        steps.insert(at, Step::Break(rng.among(&Side::BOTH), how));
    }
    steps
}

/// Few bytes, so that frames come in parts; or many.
fn amount(rng: &mut Rng) -> u32 {
    match rng.below(8) {
        0 => 1,
        1 => 2,
        2 => 4,
        3 => 5,
        4 => 1 + rng.below(60) as u32,
        5 => 1 + rng.below(500) as u32,
        _ => u32::MAX,
    }
}

/// As many bytes as an application reads or writes: often all.
fn gulp(rng: &mut Rng) -> u32 {
    match rng.below(6) {
        0 => 1,
        1 => 1 + rng.below(5) as u32,
        2 => 1 + rng.below(60) as u32,
        _ => u32::MAX,
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |n: &u32| match n {
            1 => "1 byte".to_owned(),
            &u32::MAX => "all bytes".to_owned(),
            n => format!("{n} bytes"),
        };
        match self {
            Self::Write(side, n) => write!(f, "{side:?} writes {}", bytes(n)),
            Self::Read(side, n) => write!(f, "{side:?} reads {}", bytes(n)),
            Self::Flush(side) => write!(f, "{side:?} flushes"),
            Self::Send(side, n) => write!(f, "{side:?}'s socket takes {}", bytes(n)),
            Self::Deliver(side, n, Into::Lent) => write!(f, "{side:?} receives {}", bytes(n)),
            Self::Deliver(side, n, Into::Own) => {
                write!(f, "{side:?} receives {} in input_space", bytes(n))
            }
            Self::Change(side) => write!(f, "{side:?} makes its next change"),
            Self::Botch(side) => write!(f, "{side:?} asks for changes that fail"),
            Self::Shutdown(side) => write!(f, "{side:?} shuts down"),
            Self::Advance(by) => write!(f, "{by} µs pass"),
            Self::Wait => write!(f, "time passes, until something is due"),
            Self::Block(side, n) => write!(f, "{side:?}'s socket takes nothing for {n} steps"),
            Self::Rest(side, n) => write!(f, "{side:?} reads nothing for {n} steps"),
            Self::Break(side, how) => write!(f, "the way to {side:?} breaks: {how:?}"),
        }
    }
}
