//! What a stack does between two passes, one step after another, until there is nothing to do.

use crate::bits::Places;
use crate::context::took_too_much;
use crate::core::Core;
use crate::news::Turn;
use crate::queue::Op;
use crate::rules::refusal;
use crate::slot::{Inbound, Life};
use crate::stack::{Outgoing, Stack};
use crate::{Blame, Context, Error, ErrorKind, Event, LayerKey};

impl Core {
    /// Whether the bytes below the node at `place` may be taken without more behind them.
    pub(crate) fn may_be_taken(&self, place: usize) -> bool {
        self.reader.has(place)
            || self.stirred.has(place)
            || self.gated.has(place)
            || self.paused.has(place)
            || self.blocked_above(place)
    }

    /// Whether this turn's work is used up.
    pub(crate) fn work_is_done(&self) -> bool {
        self.work == 0
    }
}

impl Stack {
    /// Runs until nothing is left that can be done without more input, room or time.
    #[inline]
    pub(crate) fn run(&mut self) {
        if self.rests() {
            debug_assert!(self.lost || !self.step(), "there was something to do");
        } else {
            self.go_on();
        }
        // What a node delivers unasked is of the present.
        self.core.rising = self.epochs.present;
    }

    fn go_on(&mut self) {
        while !self.lost && self.step() && !self.rests() {}
    }

    /// Whether it is plain that there is nothing to do, as after most calls: what any step begins
    /// with is not there.
    #[inline]
    fn rests(&self) -> bool {
        let core = &self.core;
        let told = core.marked | core.risen | core.shut | core.held_back | core.write_paused;
        let offers = core.stirred.0 & core.holding.0 | core.starved.0;
        told.0 | offers & !core.reader.0 == 0
            && !(core.said || core.brimming)
            && core.failed.is_none()
            && core.queue.is_empty()
            && core.outbox.len() <= core.limits.outbox_high
            && self.events.is_empty()
            && self.end.is_none()
            && self.outgoing != Outgoing::Ending
    }

    /// Does the first thing in this order that there is to do. A failure comes first, so that
    /// nothing is built on it; then what was asked for in the pass that has just ended; then the
    /// bytes that wait, the topmost first, so that room is made before it is needed.
    fn step(&mut self) -> bool {
        // What a node delivers unasked is of the present.
        self.core.rising = self.epochs.present;
        if self.core.failed.is_some() {
            self.note_failure();
            return true;
        }
        // Behind what was delivered in the same calls.
        if self.core.said && !self.core.queue.has_delivery() {
            self.note_said();
            return true;
        }
        if !self.core.marked.is_empty() || !self.core.risen.is_empty() {
            self.note_marks();
            self.note_risen();
            return true;
        }
        if self.end_marked() || self.check_anchored() {
            return true;
        }
        if !self.core.queue.is_empty() {
            self.run_queued();
            return true;
        }
        if self.detach_next() || self.tell_event() {
            return true;
        }
        if !self.core.work_is_done()
            && let Some(place) = self.next_offer()
        {
            self.offer(place);
            return true;
        }
        self.tell_write_level() || self.tell_parked() || self.raise_end() || self.finish_all()
    }

    /// Calls a layer that can go on, though nothing has come for it: at once for what goes down, and
    /// as soon as there is room above it for what goes up, with what waits below it, even if that is
    /// nothing. Whether its inbound half has begun, so that it was called for that too.
    pub(crate) fn call_again(&mut self, key: LayerKey) -> bool {
        let Some(place) = self.core.place(key) else {
            return true;
        };
        if self.lost || self.core.sealed.has(place) {
            return true;
        }
        if let Err(error) = self.call_still(place, |node, cx| node.timed_out(cx)) {
            self.core.fail(place, error);
        }
        let inbound = self.slots[place].inbound;
        if inbound == Inbound::Decoding {
            self.core.rising = self.epochs.present;
            self.core.paused.set(place, false);
            // A handshake goes on even if nobody above has room.
            self.core.stirred.set(place, true);
            self.core.starve(place);
        }
        self.run();
        !matches!(inbound, Inbound::Awaiting { .. })
    }

    // ---- what was asked for ----

    /// A layer has said something that is rare.
    #[cold]
    fn note_said(&mut self) {
        self.core.said = false;
        let before = self.epochs.present;
        for (key, name) in std::mem::take(&mut self.core.epoch_ended) {
            if let Some(place) = self.core.place(key) {
                self.end_read_epoch(place, before, name);
                self.core.gated.set(place, false);
            }
        }
        self.core.refresh();
        self.core.stir();
        for (key, error) in std::mem::take(&mut self.core.withdrawn) {
            self.note_withdrawn(key, error);
        }
    }

    /// Layers have met their peer's end mark.
    fn note_marks(&mut self) {
        while let Some(place) = self.core.marked.highest() {
            self.core.marked.set(place, false);
            let slot = &mut self.slots[place];
            if slot.inbound != Inbound::Decoding {
                continue;
            }
            if matches!(slot.life, Life::Leaving { .. }) {
                slot.inbound = Inbound::Marked;
            } else {
                slot.inbound = Inbound::Parked { told: false };
                self.tell(place, Turn::Parked);
            }
        }
    }

    /// What the peer sends behind the end mark of a layer that must not leave is an error.
    fn check_anchored(&mut self) -> bool {
        let Some(anchor) = self.core.anchored.highest() else {
            return false;
        };
        let offends = |place: &usize| {
            let parked = matches!(self.slots[*place].inbound, Inbound::Parked { .. });
            parked && self.core.holding.has(*place) && !self.core.sealed.has(*place)
        };
        let Some(place) = (0..=anchor).find(offends) else {
            return false;
        };
        let error = Error::remote("bytes behind the end mark of a layer that is anchored");
        self.core.fail(place, error);
        true
    }

    /// Handshakes are over, or so far that those above may use the layer.
    fn note_risen(&mut self) {
        let topmost = self.core.risen.highest().map(|place| self.core.keys[place]);
        while let Some(place) = self.core.risen.highest() {
            self.core.risen.set(place, false);
            let key = self.core.keys[place];
            let over = !self.core.handshaking.has(place);
            let mut told = false;
            if let Life::Handshaking { early, .. } = &mut self.slots[place].life {
                told = std::mem::replace(early, true);
            }
            if over {
                self.slots[place].life = Life::Standing;
            }
            self.core.refresh();
            self.core.stir();
            if !told {
                self.events.push_back((0, Event::Up(key)));
                self.tell(place, Turn::Up);
            }
        }
        let Some(topmost) = topmost else { return };
        for key in std::mem::take(&mut self.core.to_pop) {
            // Behind the handshakes' last words, which wait in the queue.
            self.core.queue.push(topmost, Op::Pop(key));
        }
    }

    pub(crate) fn run_queued(&mut self) {
        let core = &mut self.core;
        let keys = &core.keys;
        let next = core.queue.next(|key| keys.iter().position(|&k| k == key));
        let Some((origin, op)) = next else { return };
        match op {
            Op::Deliver(mut bytes, epoch) => {
                let Some(place) = self.core.place(origin) else {
                    return;
                };
                // Of one that nothing waits of, it is of the present.
                let past = self.epochs.past(epoch).is_some();
                self.core.rising = if past { epoch } else { self.epochs.present };
                let above = &mut self.slots[place + 1..];
                Context::rising(&mut self.core, above).deliver(bytes.bytes_mut());
            }
            Op::Send(mut bytes) => {
                let Some(place) = self.core.place(origin) else {
                    return;
                };
                if place == self.top() && self.write_error().is_err() {
                    return; // The application is told of the end by `lost`, or asked for it.
                }
                if self.core.down.has(place) {
                    return; // After its end mark a layer is mute.
                }
                self.core.unflushed = true;
                let below = &mut self.slots[..place];
                Context::sinking(&mut self.core, below).send(bytes.bytes_mut());
            }
            Op::Change(changes) => {
                if let Err(refused) = self.make_and_tell(changes) {
                    self.events.push_back((0, refused));
                    self.refuse_what_follows(origin);
                }
                self.core.regate();
            }
            Op::Pop(key) => self.pop_and_tell(key),
            Op::Visit(key, visit) => self.visit(key, visit),
            Op::Shutdown if self.outgoing == Outgoing::Open => self.outgoing = Outgoing::Ending,
            Op::Shutdown => {}
        }
    }

    /// A change was refused: what its asker sent behind it was meant to go through the layer, and
    /// must not go out without; what it asked for behind it built on the change.
    fn refuse_what_follows(&mut self, origin: LayerKey) {
        for op in self.core.queue.forget(origin) {
            let error = refusal("a change that was asked for before it was refused");
            let event = match op {
                Op::Change(changes) => Event::PushRefused {
                    layers: changes.into_layers(),
                    error,
                },
                Op::Pop(key) => Event::PopRefused { key, error },
                Op::Shutdown => {
                    self.core.queue.push(origin, Op::Shutdown);
                    continue;
                }
                Op::Send(_) | Op::Deliver(..) | Op::Visit(..) => continue,
            };
            self.events.push_back((0, event));
        }
    }

    // ---- bytes that wait ----

    /// The topmost node to be offered what waits below it, as far as demand goes.
    pub(crate) fn next_offer(&self) -> Option<usize> {
        let core = &self.core;
        let shut = core.gated | core.sealed | core.paused | core.reader;
        let ready = core.stirred.0 & core.holding.0 | core.starved.0;
        let mut ready = Places(ready & !shut.0);
        while let Some(place) = ready.highest() {
            ready.set(place, false);
            let parked = self.slots[place].keeps_what_follows();
            // A handshake goes on even if nobody above has room.
            let room = !core.blocked_above(place)
                || (core.handshaking.has(place) && core.stirred.has(place));
            if !parked && room {
                return Some(place);
            }
        }
        None
    }

    fn offer(&mut self, place: usize) {
        let inside = self.core.feed(place);
        let slot = &self.slots[place];
        let (passed_by, waiting) = (slot.passed_by(), slot.held.front_len());
        // What waits was decoded when it came to wait, also if the layer that did so has left. What
        // the node has inside came before, and is called for by itself if it is of an epoch before.
        let apart = |inside| inside != slot.held.epoch() && !self.core.handshaking.has(place);
        let (epoch, offered) = match inside {
            Some(inside) if waiting == 0 || apart(inside) => (inside, 0),
            _ => (slot.held.epoch(), waiting),
        };
        self.core.rising = epoch;
        self.core.stirred.set(place, offered == 0 && waiting > 0);
        let taken = self.call_up(place, |node, held, cx| {
            if passed_by {
                cx.deliver(&mut held.front_mut()[..offered]);
                Ok(offered)
            } else {
                node.received(cx, &mut held.front_mut()[..offered])
            }
        });
        match taken {
            Ok(n) if n > offered => self.core.fail(place, took_too_much()),
            Ok(n) => {
                let slot = &mut self.slots[place];
                slot.held.consume(n);
                if passed_by {
                    slot.counts.passed_up += n as u64;
                }
                self.core.held -= n;
                self.core.measure(&self.slots[place], place);
                if n > 0 && self.core.holding.has(place) {
                    self.core.stirred.set(place, true);
                }
                if n == 0 && offered > 0 {
                    self.check_stuck(place);
                }
            }
            Err(error) => self.core.fail(place, error),
        }
    }

    /// The node at `place` took nothing of what it was offered; if it can never get more, that
    /// is an error, not a hang.
    fn check_stuck(&mut self, place: usize) {
        let core = &self.core;
        let waits = core.starved.has(place)
            || core.gated.has(place)
            || core.shut.has(place)
            || core.paused.has(place)
            || (core.blocked_above(place) && !core.handshaking.has(place));
        if waits {
            return;
        }
        if core.work_is_done() {
            // It may have taken nothing for want of work, and is asked again in the next turn.
            self.core.stirred.set(place, true);
            return;
        }
        let top = self.top();
        let slot = &mut self.slots[place];
        if slot.held.straddles() && place < top {
            // A record may straddle a change far below; its bytes count as the later epoch's.
            slot.held.join_front();
            self.core.stirred.set(place, true);
        } else if slot.held.straddles() {
            self.core.fail(
                place,
                Error::truncated("the input of an epoch ends within a record"),
            );
        } else if core.full.has(place) {
            self.core.fail(
                place,
                Error::new(
                    ErrorKind::Limit,
                    Blame::Remote,
                    "a record is larger than what may wait below a layer (`Limits::boundary`)",
                ),
            );
        }
    }

    pub(crate) fn parked_place(&self) -> Option<usize> {
        if self.core.shut.is_empty() {
            return None;
        }
        self.slots
            .iter()
            .rposition(|slot| matches!(slot.inbound, Inbound::Parked { .. }))
    }

    // ---- telling ----

    /// Tells each node when the level of what waits to be sent passes a mark, or when one below it
    /// holds back, or no longer does.
    fn tell_write_level(&mut self) -> bool {
        let limits = &self.core.limits;
        let mark = match self.core.brimming {
            true => limits.outbox_low,
            false => limits.outbox_high,
        };
        self.core.brimming = self.core.outbox.len() > mark;
        let pause = self.core.to_pause();
        let before = std::mem::replace(&mut self.core.write_paused, pause);
        if pause == before {
            return false;
        }
        for place in 0..self.core.depth {
            if pause.has(place) != before.has(place) {
                self.call_still(place, |node, cx| node.writable(cx, !pause.has(place)));
            }
        }
        true
    }

    /// Tells the application of an event, unless bytes that come before it still wait.
    fn tell_event(&mut self) -> bool {
        if self.events.is_empty() {
            return false;
        }
        if self.reads_stream() {
            self.events = std::collections::VecDeque::new();
            return false;
        }
        // What the application was offered and left does not hold up what it may wait for.
        let left = self.core.holding.has(self.top()) && !self.core.may_be_taken(self.top());
        let waiting = &self.slots[..self.core.depth - usize::from(left)];
        let oldest = waiting.iter().filter_map(|slot| slot.held.oldest()).min();
        let told = |(epoch, _): &(u64, Event)| oldest.is_none_or(|oldest| oldest >= *epoch);
        if !self.events.front().is_some_and(told) {
            return false;
        }
        if let Some((_, event)) = self.events.pop_front() {
            let top = self.top();
            self.call_still(top, |node, cx| node.event(cx, event));
        }
        true
    }

    /// Tells the application that a layer is parked; and then, if it does not pop it, that its
    /// input is over.
    fn tell_parked(&mut self) -> bool {
        let top = self.top();
        if self.reads_stream() {
            return false;
        }
        let Some(place) = self.parked_place() else {
            return false;
        };
        if self.rises_above(place) {
            return false;
        }
        if self.slots[place].inbound == (Inbound::Parked { told: false }) {
            self.slots[place].inbound = Inbound::Parked { told: true };
            let ended = Event::Ended(self.core.keys[place]);
            self.call_still(top, |node, cx| node.event(cx, ended));
            return true;
        }
        if !std::mem::replace(&mut self.app_told_end, true) {
            if let Err(error) = self.call_up(top, |node, _, cx| node.end_received(cx)) {
                self.core.fail(top, error);
            }
            return true;
        }
        false
    }
}
