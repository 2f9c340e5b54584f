//! The end of a simulation: faults stop, and everything must come to its end.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::Side;
use super::op::Op;
use super::peer::Standing;
use super::step::{Break, Into};
use super::violation::{Checked, violation};
use super::world::World;
use crate::{End, Exit};

/// A drain takes fewer rounds, and for each byte that is to be moved, if anything moves at all.
const ROUNDS: usize = 100_000;

/// Deadlines that are further away are none that anybody would wait for.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

impl World<'_> {
    /// Lets both peers do what they can until nothing moves; then all must be at its end.
    pub(super) fn drain(&mut self) -> Checked {
        for side in 0..2 {
            (self.pipes[side].blocked, self.peers[side].resting) = (0, 0);
        }
        let bytes: usize = self.plan.lens.iter().flatten().sum();
        let (mut idle, mut taken) = (0, 0);
        for _ in 0..ROUNDS + 8 * bytes {
            let mut moved = false;
            for side in Side::BOTH {
                moved |= self.act(side)?;
            }
            for side in Side::BOTH {
                moved |= self.deliver(side, usize::MAX, Into::Own)? > 0;
                self.peers[side.index()].check(self.plan)?;
            }
            self.note(u64::from(moved));
            let before = std::mem::replace(&mut taken, self.taken());
            idle = if moved || taken != before {
                0
            } else {
                idle + 1
            };
            if !moved && !self.wait(idle) && !self.sever() {
                return self.judge();
            }
        }
        self.hang("it never comes to rest")
    }

    /// One side does all that it can.
    fn act(&mut self, side: Side) -> Checked<bool> {
        let (plan, now) = (self.plan, self.now);
        self.peer(side).now = now;
        self.peer(side).stack.advance(now);
        let mut moved = self.peer(side).stack.has_work();
        while self.read(side, usize::MAX)? > 0 {
            moved = true;
        }
        moved |= self.change(side)?;
        moved |= self.peer(side).write(plan, usize::MAX)? > 0;
        let paused = !self.peer(side).stack.writable();
        self.peer(side).flush()?;
        moved |= self.peer(side).shut_down(plan);
        moved |= self.send(side, usize::MAX) > 0;
        moved |= paused && self.peer(side).stack.writable();
        self.peer(side).check(plan)?;
        Ok(moved)
    }

    /// How many bytes the layers have taken on their way up.
    fn taken(&self) -> u64 {
        let layers = self.peers.iter().flat_map(|peer| peer.stack.layers());
        layers.map(|layer| layer.traffic().inbound.taken).sum()
    }

    /// Nothing moves, for so many rounds: lets time pass until something is due.
    fn wait(&mut self, idle: u32) -> bool {
        // An application of callbacks asks for the present time, always, and hides what comes later.
        if self.plan.callbacks != [false; 2] && idle < 20 {
            self.now += Duration::from_millis(1);
            return true;
        }
        let deadlines = self.peers.iter().filter_map(|peer| peer.stack.deadline());
        let due = deadlines.filter(|at| *at > self.now).min();
        let due = due.filter(|at| *at - self.now < PATIENCE);
        self.now = due.unwrap_or(self.now);
        due.is_some()
    }

    /// Nothing moves, and nothing is due. Where a way is broken, or a peer has failed, the other
    /// way ends as well.
    fn sever(&mut self) -> bool {
        for peer in &mut self.peers {
            let failed = |end: End| end.error().is_some();
            peer.failed |= peer.may_fail && peer.stack.input_end().is_some_and(failed);
        }
        let over = self.broken.is_some() || self.peers.iter().any(|peer| peer.failed);
        let open = self.pipes.iter().any(|pipe| !pipe.ended);
        if !over || !open {
            return false;
        }
        for (pipe, peer) in self.pipes.iter_mut().zip(&mut self.peers) {
            (pipe.ended, pipe.broken) = (true, true);
            peer.may_fail = true;
        }
        true
    }

    /// Everything has come to its end, as it must.
    fn judge(&mut self) -> Checked {
        let whole = self.broken.is_none() && self.pipes.iter().all(|pipe| !pipe.broken);
        for side in Side::BOTH {
            match whole {
                true => self.judge_whole(side)?,
                false => self.judge_broken(side)?,
            }
        }
        for peer in &mut self.peers {
            peer.stack.close(End::Clean);
            peer.stack.close(End::Clean);
            peer.check_losses()?;
            if let Some(fault) = peer.ledger.fault() {
                return violation(format!("{:?}, closed: {fault}", peer.side));
            }
        }
        Ok(())
    }

    /// Nothing was in the way: all was written, read, changed and ended.
    fn judge_whole(&self, side: Side) -> Checked {
        let plan = self.plan;
        let last = plan.ops.len();
        let peer = &self.peers[side.index()];
        if peer.op < last {
            return self.hang(&format!("{side:?}'s change {} never came", peer.op));
        }
        let theirs = plan.last_segment(side.other());
        let all = (theirs, plan.len(side.other(), theirs));
        let read_all = peer.read == (last, plan.len(side.other(), last));
        if !read_all {
            return self.hang(&format!("{side:?} never read all, up to {all:?}"));
        }
        let told = peer.app.as_ref().is_none_or(|shared| shared.desk().ended);
        match peer.stack.input_end() {
            Some(End::Clean) if told => {}
            end => return self.hang(&format!("{side:?}'s input ends with {end:?}")),
        }
        if !peer.stack.outgoing_ended() || !peer.stack.outgoing().is_empty() {
            return self.hang(&format!("{side:?}'s outgoing half never ended"));
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
                return self.hang(&format!("{side:?}'s {name} is {life:?}, not {must:?}"));
            }
        }
        Ok(())
    }

    /// A way was broken: what came is right, which was seen, and how it ended is told.
    fn judge_broken(&self, side: Side) -> Checked {
        let (plan, from) = (self.plan, side.other().index());
        let peer = &self.peers[side.index()];
        if !peer.stack.readable().is_empty() || peer.app.is_some() {
            return Ok(()); // It reads on only behind a change that it cannot make any more.
        }
        let Some(end) = peer.stack.input_end() else {
            return self.hang(&format!("{side:?} is never told of the end"));
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
                    None => return Ok(()),
                }
            }
        }
        if end.is_truncated() != misses.is_some() {
            let name = misses.map(|n| &plan.layers[n].name);
            return self.hang(&format!("{side:?}: {end:?}, and no end mark: {name:?}"));
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
