//! The end of a simulation: faults stop, and everything must come to its end.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::peer::{Peer, Pushed, Standing};
use super::step::Into;
use super::violation::Checked;
use super::world::World;
use super::{Rule, Side};
use crate::End;

/// A drain takes fewer rounds, and for each byte that is to be moved, if anything moves at all.
const ROUNDS: usize = 100_000;

/// So many rounds, in which no application comes further, time passes for peers that are cut off.
const WAITS: u32 = 200;

impl World<'_> {
    /// Lets both peers do what they can until nothing moves; then all must be at its end.
    pub(super) fn drain(&mut self) -> Checked {
        for side in 0..2 {
            (self.pipes[side].blocked, self.peers[side].resting) = (0, 0);
        }
        let bytes: usize = self.plan.lens.iter().flatten().sum();
        let (mut idle, mut taken, mut waits, mut done) = (0, 0, 0, 0);
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
            // Where all is done, nobody waits for a time: it may be one that is asked for for ever. Nor,
            // for long, where all cannot be done any more.
            if !moved && self.is_over() {
                return self.judge();
            }
            if !moved && self.keeps_back() {
                return self.hang(Rule::Flush, "a layer keeps what was flushed");
            }
            // What layers say to each other, unasked, is nothing to wait for.
            let before = std::mem::replace(&mut done, self.moved + self.changes);
            waits = if done == before { waits + 1 } else { 0 };
            let waits_on = waits < WAITS || !self.is_cut_off();
            let goes_on = moved || (waits_on && self.wait(idle)) || self.sever();
            if !goes_on {
                return self.judge();
            }
        }
        let paused = self.peers.iter().any(|peer| !peer.stack.writable());
        let rule = if paused { Rule::HoldBack } else { Rule::Rest };
        self.hang(rule, "it never comes to rest")
    }

    /// All was flushed, sent and read, and a layer still has something inside: where nobody is in a
    /// hurry to end, that is for all to see.
    fn keeps_back(&self) -> bool {
        let keeps = |peer: &Peer<'_>| {
            // One that holds back until a time, or an answer, says so.
            let rests = peer.stack.is_up() && peer.stack.outgoing().is_empty();
            let rests = rests && peer.stack.writable();
            let read = peer.stack.readable().is_empty() && !peer.stack.has_work();
            let mut pushed = peer.pushed.iter().flatten();
            let stands = |pushed: &Pushed| pushed.life == Standing::Stands;
            let inside = |pushed: &Pushed| pushed.account.inside.load(Relaxed) > 0;
            rests && read && pushed.any(|pushed| stands(pushed) && inside(pushed))
        };
        let whole = |peer: &Peer<'_>| !peer.failed && !peer.may_fail;
        self.lingers && self.peers.iter().all(whole) && self.peers.iter().any(keeps)
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
        self.peer(side).flush(plan)?;
        moved |= self.shut_down(side);
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
        let due = self.due();
        self.now = due.unwrap_or(self.now);
        due.is_some()
    }

    /// Whether a way is broken, or a peer has failed, as it may.
    fn is_cut_off(&mut self) -> bool {
        for peer in &mut self.peers {
            let failed = |end: End| end.error().is_some();
            peer.failed |= peer.may_fail && peer.stack.input_end().is_some_and(failed);
        }
        self.broken.is_some() || self.peers.iter().any(|peer| peer.failed)
    }

    /// Nothing moves, and nothing is due. Where a way is broken, or a peer has failed, the other
    /// way ends as well.
    fn sever(&mut self) -> bool {
        let over = self.is_cut_off();
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
}
