//! What a simulation has come to, and whether it had to.

use std::sync::atomic::Ordering::Relaxed;

use super::op::Op;
use super::peer::{Peer, Standing};
use super::plan::Planned;
use super::step::Break;
use super::violation::{Checked, broken};
use super::world::World;
use super::{Rule, Side};
use crate::{End, ErrorKind, Exit, LayerView};

impl World<'_> {
    /// Everything has come to its end, as it must.
    pub(super) fn judge(&mut self) -> Checked {
        let judged = match self.is_whole() {
            true => self.judge_whole(),
            false => {
                let mut sides = Side::BOTH.into_iter();
                sides.try_for_each(|side| self.judge_broken(side))
            }
        };
        judged.or_else(|fault| self.hang(fault.rule, &fault.words))?;
        for peer in &mut self.peers {
            let end = peer.stack.last_end();
            peer.stack.close(end.clone());
            peer.stack.close(end);
            peer.check_losses()?;
            if let Some(fault) = peer.fault() {
                return Err(fault);
            }
        }
        Ok(())
    }

    /// Whether all was done that is to be done.
    pub(super) fn is_over(&self) -> bool {
        self.is_whole() && self.judge_whole().is_ok()
    }

    /// Nothing was in the way.
    fn is_whole(&self) -> bool {
        self.broken.is_none() && self.pipes.iter().all(|pipe| !pipe.broken)
    }

    /// Nothing was in the way: all was written, read, changed and ended.
    fn judge_whole(&self) -> Checked {
        Side::BOTH
            .into_iter()
            .try_for_each(|side| self.judge_talk(side))?;
        Side::BOTH
            .into_iter()
            .try_for_each(|side| self.judge_end(side))
    }

    /// All was written, read and changed.
    fn judge_talk(&self, side: Side) -> Checked {
        let peer = self.peer_of(side);
        if peer.op < self.plan.ops.len() {
            let words = format!("{side:?}'s change {} never came", peer.op);
            return broken(self.cause(side), words);
        }
        let (segment, read) = peer.read;
        let theirs = self.plan.len(side.other(), segment);
        if segment < peer.op || read < theirs {
            let words = format!("{side:?} never read all of segment {segment}: {read} of {theirs}");
            return broken(self.cause(side), words);
        }
        Ok(())
    }

    /// All has come to its end.
    fn judge_end(&self, side: Side) -> Checked {
        let plan = self.plan;
        let last = plan.ops.len();
        let peer = self.peer_of(side);
        let told = peer.app.as_ref().is_none_or(|shared| shared.desk().ended);
        match peer.stack.input_end() {
            Some(End::Clean) if told => {}
            end => {
                let rule = match &end {
                    Some(End::Error(error)) if error.kind() == ErrorKind::Truncated => {
                        self.truncates()
                    }
                    Some(End::Error(_)) => Rule::Honest,
                    _ => self.cause(side),
                };
                let words = match end {
                    None => format!("{side:?}'s input never ends"),
                    Some(End::Clean) => format!("{side:?} is never told that its input has ended"),
                    Some(End::Error(error)) => {
                        format!("{side:?}'s input ends with an error: {error}")
                    }
                };
                return broken(rule, words);
            }
        }
        if !peer.stack.outgoing_ended() || !peer.stack.outgoing().is_empty() {
            let words = format!("{side:?}'s outgoing half never ended");
            return broken(self.cause(side), words);
        }
        for (n, pushed) in peer.pushed.iter().enumerate() {
            let stands = plan.standing[last].contains(&n);
            let life = pushed.as_ref().map(|pushed| pushed.life);
            if !plan
                .ops
                .iter()
                .any(|op| op.layer() == n || op.goes() == Some(n))
            {
                continue; // A smaller plan does without it.
            }
            let must = match stands {
                true => Standing::Stands,
                false => Standing::GivenBack,
            };
            if life != Some(must) {
                let name = &plan.layers[n].name;
                let words = format!("{side:?}'s {name} is {life:?}, not {must:?}");
                return broken(Rule::EndMark, words);
            }
        }
        Ok(())
    }

    /// Which rule is broken, most likely, where `side` waits for what never comes.
    fn cause(&self, side: Side) -> Rule {
        let (here, there) = (self.peer_of(side), self.peer_of(side.other()));
        let up = |peer: &Peer<'_>| peer.stack.is_up();
        if !up(here) || !up(there) {
            return Rule::Up;
        }
        let mut pushed = here.pushed.iter().chain(&there.pushed).flatten();
        if pushed.any(|pushed| pushed.life == Standing::Leaving) {
            return Rule::EndMark;
        }
        let inside = |peer: &Peer<'_>| {
            let mut pushed = peer.pushed.iter().flatten();
            pushed.any(|pushed| pushed.account.inside.load(Relaxed) > 0)
        };
        let mute = |layer: LayerView<'_>| {
            let outbound = layer.traffic().outbound;
            outbound.taken > 0 && outbound.made == 0
        };
        let keeps = |peer: &Peer<'_>| inside(peer) || peer.stack.layers().any(mute);
        if !there.stack.writable() && there.stack.outgoing().is_empty() {
            Rule::HoldBack
        } else if keeps(here) || keeps(there) {
            Rule::Flush
        } else if here.stack.layers().any(|layer| layer.held() > 0) {
            Rule::Rest
        } else {
            Rule::Bytes
        }
    }

    /// Which rule is broken where an end that is none too early is called truncated.
    fn truncates(&self) -> Rule {
        let mut layers = self.plan.layers.iter();
        match layers.any(|layer| layer.exit == Exit::Marked) {
            true => Rule::EndMark,
            false => Rule::Truncation,
        }
    }

    fn peer_of(&self, side: Side) -> &Peer<'_> {
        &self.peers[side.index()]
    }

    /// A way was broken: what came is right, which was seen, and how it ended is told.
    fn judge_broken(&self, side: Side) -> Checked {
        let (plan, from) = (self.plan, side.other().index());
        let peer = &self.peers[side.index()];
        if !peer.stack.readable().is_empty() || peer.app.is_some() {
            return Ok(()); // It reads on only behind a change that it cannot make any more.
        }
        let Some(end) = peer.stack.input_end() else {
            let words = format!("{side:?} is never told of the end");
            return broken(Rule::Rest, words);
        };
        let reset = matches!(self.broken, Some((_, Break::Reset)));
        // One that was ripped out may have told of an end too early before.
        let mut made = plan.ops[..peer.op].iter();
        let ripped = made.any(|op| matches!(op, Op::Rip { .. }));
        if reset || ripped || plan.impatient || peer.stack.parked().is_some() {
            return Ok(());
        }
        // Whoever has not met its peer's end mark says that the end came too early.
        let mut misses = None;
        for (n, layer) in plan.layers.iter().enumerate() {
            if layer.exit == Exit::Marked && peer.decodes(n) {
                match self.taps[from].was_marked(n) {
                    Some(marked) => misses = misses.or((!marked).then_some(n)),
                    // The way was stopped before the mark.
                    None if self.is_stopped() => misses = misses.or(Some(n)),
                    None => return Ok(()),
                }
            }
        }
        // One without an end mark may have been in the midst of a record.
        let silent = |(n, layer): (usize, &Planned)| layer.exit == Exit::Silent && peer.decodes(n);
        if misses.is_none() && plan.layers.iter().enumerate().any(silent) {
            return Ok(());
        }
        if end.is_truncated() != misses.is_some() {
            let name = misses.map(|n| &plan.layers[n].name);
            let words = format!("{side:?}: {end:?}, and no end mark: {name:?}");
            return broken(Rule::Truncation, words);
        }
        Ok(())
    }

    /// What a run comes to, whatever way the input was cut.
    pub(super) fn outcome(&self) -> Vec<String> {
        let mut outcome = Vec::new();
        for peer in &self.peers {
            let epoch = peer.stack.write_epoch();
            let names: Vec<_> = epoch.layers().collect();
            outcome.push(format!("{:?} {:?} {names:?}", peer.read, peer.written));
            for pushed in peer.pushed.iter().flatten() {
                let (name, life) = (&pushed.account.name, pushed.life);
                let lost = pushed.account.lost.load(Relaxed);
                outcome.push(format!("{name} {life:?} {lost}"));
            }
        }
        outcome
    }
}
