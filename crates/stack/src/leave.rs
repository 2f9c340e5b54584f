//! How layers leave: always at rest, between two passes.

use crate::layer::downcast;
use crate::news::Turn;
use crate::rules::refusal;
use crate::slot::{Inbound, Life, Slot};
use crate::{Error, Event, Exit, Layer, LayerId, LayerKey, Outcome, Popping, Stack};

impl Stack {
    /// Asks a layer to leave. Its outgoing half ends now: the layers above are flushed, it sends
    /// its end mark, and what is written from then on goes past it. Its incoming half ends at the
    /// peer's end mark; until then it decodes. Then [`take_popped`](Self::take_popped) gives it
    /// back. While it, or a layer above it, is in its handshake, this waits until that is over, and
    /// then happens by itself. Asking again after the deadline sets a new one, and changes nothing
    /// else.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) if there is no such layer, if it is
    /// [anchored](Self::anchor), or if it has no end mark and something is under way (see
    /// [`Exit::Silent`]); or why the connection has failed. Nothing has changed then.
    pub fn start_pop(&mut self, key: impl Into<LayerKey>) -> Result<(), Error> {
        let key = key.into();
        if self.popping(key) == Popping::Left {
            return Ok(());
        }
        let begun = self.begin_pop(key);
        if begun.is_ok() {
            self.claim(key);
        }
        // Also a refused one has flushed.
        self.run();
        begun
    }

    /// How far a pop has come.
    pub fn popping(&self, key: impl Into<LayerKey>) -> Popping {
        let key = key.into();
        if self.left.iter().any(|(k, ..)| *k == key) {
            return Popping::Left;
        }
        let Some(place) = self.core.place(key) else {
            return Popping::Gone;
        };
        let slot = &self.slots[place];
        match slot.life {
            _ if self.core.to_pop.contains(&key) => Popping::Waiting,
            Life::Leaving { late, .. } => Popping::OutboundEnded {
                late,
                needs_read: self.core.blocked_above(place),
            },
            Life::Handshaking { .. } | Life::Standing => Popping::NotAsked,
        }
    }

    /// Whether a layer that is leaving cannot go on before the application reads.
    #[cfg(feature = "tokio")]
    pub(crate) fn waits_for_reader(&self) -> bool {
        let mut slots = self.slots.iter().enumerate();
        slots.any(|(place, slot)| slot.leaving().is_some() && self.core.blocked_above(place))
    }

    /// The layer that was popped, if it has left. Its pauses and its deadline have gone with it.
    pub fn take_popped<L: Layer>(&mut self, id: LayerId<L>) -> Option<(L, Outcome)> {
        let mut left = self.left.iter();
        let at = left.position(|(key, ..)| *key == id.key())?;
        let (_, layer, outcome) = self.left.remove(at);
        downcast(layer).ok().map(|layer| (layer, outcome))
    }

    /// Takes a layer out at once, wherever its incoming half stands, with no end mark sent that
    /// was not sent before. What was written before goes out through it; what waited below it goes
    /// up as it is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) if there is no such layer, if it is
    /// [anchored](Self::anchor), or if it is in its handshake: a connection on which that has begun
    /// never speaks the old language again.
    pub fn rip<L: Layer>(&mut self, id: LayerId<L>) -> Result<(L, Outcome), Error> {
        let place = self.find(id.key());
        let place = place.or_else(|missing| self.check_alive().and(Err(missing)))?;
        self.check_anchor(place)?;
        if self.core.handshaking.has(place) {
            return Err(refusal("the layer is in its handshake"));
        }
        if !self.core.down.has(place) {
            if !self.lost {
                // What was written crosses it, also what it has staged itself.
                self.flush_down_to(place);
                self.note_failure();
            }
            self.written += 1;
        }
        let slot = &self.slots[place];
        let held = slot.node.held() + slot.held.len();
        let outcome = Outcome::Ripped { held };
        self.tell(place, Turn::Left(outcome));
        if self.slots[place].inbound != Inbound::Ended {
            self.end_inbound(place);
        }
        let layer = self.remove(place);
        self.claimed.retain(|claimed| *claimed != id.key());
        self.run();
        let Ok(layer) = downcast::<L>(layer) else {
            unreachable!("the id names its type")
        };
        Ok((layer, outcome))
    }

    /// Whoever called from outside wants the layer back; where the application reads a stream, it is
    /// who calls.
    fn claim(&mut self, key: LayerKey) {
        if !self.reads_stream() && !self.claimed.contains(&key) {
            self.claimed.push(key);
        }
    }

    /// Makes a change by which these layers go, and claims them: they may be gone when it returns.
    pub(crate) fn claiming<T, E>(
        &mut self,
        keys: Vec<LayerKey>,
        change: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let before = self.claimed.len();
        keys.into_iter().for_each(|key| self.claim(key));
        let made = change(self);
        if made.is_err() {
            self.claimed.truncate(before);
        }
        made
    }

    pub(crate) fn pop_and_tell(&mut self, key: LayerKey) {
        if let Err(error) = self.begin_pop(key) {
            self.events.push_back((0, Event::PopRefused { key, error }));
        }
    }

    fn begin_pop(&mut self, key: LayerKey) -> Result<(), Error> {
        self.failure()?;
        let place = self.find(key)?;
        self.check_anchor(place)?;
        let until = self.core.now.saturating_add(self.core.limits.pop);
        if let Life::Leaving {
            until: at, late, ..
        } = &mut self.slots[place].life
        {
            if std::mem::take(late) {
                *at = until;
            }
            return Ok(());
        }
        if self.core.handshaking.any_from(place) {
            if !self.core.to_pop.contains(&key) {
                self.core.to_pop.push(key);
            }
            return Ok(());
        }
        self.prepare_to_leave(place)?;
        self.depart(place);
        Ok(())
    }

    /// Flushes what was written through the layer at `place`, as far as that is not for its end mark to
    /// do; an error, if it may not leave.
    pub(crate) fn prepare_to_leave(&mut self, place: usize) -> Result<(), Error> {
        match self.slots[place].node.exit() {
            Exit::Marked => self.flush_down_to(place + 1),
            Exit::Silent | Exit::Anytime => self.flush_down_to(place),
        }
        self.note_failure();
        self.check_leaving(place)
    }

    /// The layer at `place`, which may leave, begins to.
    pub(crate) fn depart(&mut self, place: usize) {
        self.begin_leaving(place);
        self.leave(place);
    }

    /// From now on the layer at `place` counts as leaving. Returns what its life was before.
    pub(crate) fn begin_leaving(&mut self, place: usize) -> Life {
        self.changes += 1;
        let leaving = Life::Leaving {
            until: self.core.now.saturating_add(self.core.limits.pop),
            late: false,
            asked: self.changes,
        };
        std::mem::replace(&mut self.slots[place].life, leaving)
    }

    /// Ends the outbound half of the layer at `place`, which counts as leaving, and the inbound
    /// one, if nothing is to come for it any more.
    pub(crate) fn leave(&mut self, place: usize) {
        let slot = &self.slots[place];
        let parked = matches!(slot.inbound, Inbound::Parked { .. });
        if slot.node.exit() != Exit::Marked && !parked {
            // It has been flushed. A farewell the peer might read as something else.
            self.end_outbound(place);
        } else if !self.finish(place) {
            let error = Error::local("its outgoing half does not end at once, so it cannot leave");
            self.core.fail(place, error);
        }
        self.written += 1;
        self.tell(place, Turn::Leaving);
        let input_over = self.end.as_ref().is_some_and(|end| end.place > place);
        let slot = &mut self.slots[place];
        if let Inbound::Parked { .. } = slot.inbound {
            slot.inbound = Inbound::Marked;
            // What looked like the end of input was a layer's only.
            self.app_told_end = false;
        } else if slot.node.exit() != Exit::Marked || input_over {
            self.end_inbound(place);
        }
    }

    /// Ends the inbound half of a layer whose end mark has come, unless something that came before
    /// the mark is still on its way up to a layer that awaits it.
    pub(crate) fn end_marked(&mut self) -> bool {
        if self.core.shut.is_empty() {
            return false;
        }
        let marked = |slot: &Slot| slot.inbound == Inbound::Marked;
        for place in 0..self.top() {
            if marked(&self.slots[place])
                && !self.rises_within(place + 1..=self.awaiting_above(place))
            {
                self.end_inbound(place);
                return true;
            }
        }
        false
    }

    /// The topmost layer that awaits the end mark of the one at `place`; itself, if none does.
    fn awaiting_above(&self, place: usize) -> usize {
        let asked = self.slots[place].leaving();
        let awaits = |slot: &Slot| match slot.inbound {
            Inbound::Awaiting { attached } => asked.is_some_and(|asked| asked < attached),
            _ => false,
        };
        let above = (place + 1..self.top()).rev();
        let mut awaiting = above.filter(|above| awaits(&self.slots[*above]));
        awaiting.next().unwrap_or(place)
    }

    /// The inbound half of the layer at `place` is over: what follows goes past it.
    pub(crate) fn end_inbound(&mut self, place: usize) {
        let key = self.core.keys[place];
        if !self.core.awaiting.has(place) {
            self.begin_read_epoch(place, |crossed| crossed.retain(|layer| layer.key != key));
        }
        let before = std::mem::replace(&mut self.slots[place].inbound, Inbound::Ended);
        if matches!(before, Inbound::Parked { .. }) {
            self.app_told_end = false;
        }
        self.core.awaiting.set(place, false);
        self.core.shut.set(place, true);
        self.core.refresh();
        self.core.stir();
        self.begin_awaiting();
    }

    /// Whether both halves of a layer have ended that was asked to leave.
    pub(crate) fn has_left(&self, place: usize) -> bool {
        let slot = &self.slots[place];
        let leaving = matches!(slot.life, Life::Leaving { .. });
        leaving && self.core.down.has(place) && slot.inbound == Inbound::Ended
    }

    /// Takes out one layer whose two halves have ended.
    pub(crate) fn detach_next(&mut self) -> bool {
        if self.core.shut.is_empty() {
            return false;
        }
        let Some(place) = (0..self.top()).find(|place| self.has_left(*place)) else {
            return false;
        };
        let key = self.core.keys[place];
        let outcome = Outcome::Clean;
        self.tell(place, Turn::Left(outcome));
        let layer = self.remove(place);
        if self.reads_stream() || self.claimed.contains(&key) {
            self.claimed.retain(|claimed| *claimed != key);
            self.left.push((key, layer, outcome));
        } else {
            let left = Event::Left {
                key,
                layer,
                outcome,
            };
            self.events.push_back((self.epochs.present, left));
        }
        true
    }
}
