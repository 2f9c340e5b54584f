//! A simulation that failed.

use std::fmt;

use super::case::Case;
use super::op::Op;
use super::plan::{Plan, WAY};
use super::{Rule, Side, Violation};
use crate::Limits;

/// A simulation that failed: where it is from, with what it failed, and the smallest one found that
/// fails, too. Its text is a list to be read; the same one fails in the same way again.
pub struct Failure {
    pub(super) origin: Origin,
    pub(super) rule: Rule,
    pub(super) violation: Violation,
    /// The smaller one, and what it fails with; if it is a simulation.
    pub(super) shrunk: Option<Box<(Case, Violation)>>,
}

impl Failure {
    /// The seed, from which everything else follows; `None` if it was made by hand.
    pub fn seed(&self) -> Option<u64> {
        match self.origin {
            Origin::Seed(seed) => Some(seed),
            Origin::Trial(_) => None,
        }
    }

    /// The rule that was broken. Where a simulation made by hand shows one rule, and nothing more
    /// special was seen, it is that.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// One that is no simulation.
    pub(super) fn bare(title: &'static str, rule: Rule, words: String) -> Box<Self> {
        Box::new(Self {
            origin: Origin::Trial(title),
            rule,
            violation: Violation::of(rule, words),
            shrunk: None,
        })
    }

    /// What was seen first.
    pub fn violation(&self) -> &Violation {
        &self.violation
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the rule {:?} is broken: {}", self.rule, self.rule)?;
        writeln!(f, "\n{}: {}", self.origin, self.violation)?;
        let Some((case, violation)) = self.shrunk.as_deref() else {
            return Ok(());
        };
        match *violation == self.violation {
            true => writeln!(f, "\nthe shortest script that was found:\n")?,
            false => writeln!(
                f,
                "\nthe shortest script that was found fails with: {violation}\n"
            )?,
        }
        write!(f, "{case}")
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {}

/// Where a simulation is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Drawn from this seed.
    Seed(u64),
    /// Made by hand, for a trial of this name.
    Trial(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seed(seed) => write!(f, "seed {seed}"),
            Self::Trial(title) => write!(f, "trial \"{title}\""),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.plan)?;
        for (n, step) in self.script.iter().enumerate() {
            writeln!(f, "{:4}  {step}", n + 1)?;
        }
        writeln!(f, "      faults stop, and both do all they can")?;
        if let Some(place) = self.cut {
            writeln!(f, "      no input goes over byte {place} in one piece")?;
        }
        if let Some(place) = self.stop {
            writeln!(f, "      the way to B ends at byte {place}")?;
        }
        if self.lingers {
            writeln!(f, "      nobody ends before all is read")?;
        }
        if self.twice {
            writeln!(f, "      and all of it again, byte by byte")?;
        }
        Ok(())
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ample = Limits::default();
        for side in Side::BOTH {
            let (limits, way) = (&self.limits[side.index()], self.pipes[side.index()]);
            if self.callbacks[side.index()] {
                writeln!(f, "{side:?} is an application of callbacks")?;
            }
            if (limits.inbox, limits.boundary) != (ample.inbox, ample.boundary) {
                let Limits {
                    inbox, boundary, ..
                } = limits;
                writeln!(f, "{side:?}'s inbox holds {inbox}, a boundary {boundary}")?;
            }
            let marks = (limits.outbox_high, limits.outbox_low);
            if marks != (ample.outbox_high, ample.outbox_low) {
                writeln!(
                    f,
                    "{side:?}'s outbox pauses at {}, resumes at {}",
                    marks.0, marks.1
                )?;
            }
            if limits.work != ample.work {
                writeln!(f, "{side:?} makes {} blocks a turn", limits.work)?;
            }
            if way != WAY {
                writeln!(f, "{side:?}'s way to its peer holds {way}")?;
            }
        }
        if self.run > 1 {
            writeln!(f, "each {} bytes in a row are alike", self.run)?;
        }
        if self.impatient {
            writeln!(f, "handshakes may be late")?;
        }
        for segment in 0..=self.ops.len() {
            let (a, b) = (self.len(Side::A, segment), self.len(Side::B, segment));
            let ends = match self.half_close {
                Some((side, at)) if at == segment => format!("; {side:?} ends its half"),
                _ => String::new(),
            };
            writeln!(f, "segment {segment}: A writes {a}, B {b}{ends}")?;
            if let Some((_, layer)) = self.anchor.filter(|(op, _)| *op == segment) {
                writeln!(f, "  anchor {}", self.layers[layer].name)?;
            }
            if let Some(op) = self.ops.get(segment) {
                writeln!(f, "  {}", self.describe(*op))?;
            }
        }
        Ok(())
    }
}

impl Plan {
    fn describe(&self, op: Op) -> String {
        let layer = &self.layers[op.layer()];
        let (name, client) = (&layer.name, layer.client);
        let answer = op.answer().map_or(String::new(), |answer| {
            format!(", at {:?} with the {} bytes before", answer.by, answer.len)
        });
        match op {
            Op::Push { .. } => format!("push {name} (client {client:?})"),
            Op::PushAfter { .. } => {
                let residue = layer.residue;
                format!("push_after {name} (client {client:?}, {residue:?}){answer}")
            }
            Op::Pop { .. } => format!("pop {name}"),
            Op::PopInSilence { .. } => format!("pop {name} in silence{answer}"),
            Op::Rip { .. } => format!("rip {name} in silence{answer}"),
            Op::Replace { old, .. } => {
                format!(
                    "replace {} by {name} (client {client:?})",
                    self.layers[old].name
                )
            }
            Op::PushBehind { .. } => {
                format!("at once push {name} (client {client:?})")
            }
            Op::Insert { below, .. } => format!(
                "insert {name} (client {client:?}) below {} in silence{answer}",
                self.layers[below].name
            ),
            Op::Swap { old, .. } => format!(
                "swap {} for {name} (client {client:?}) in silence{answer}",
                self.layers[old].name
            ),
        }
    }
}
