//! How the stack changes: always at rest, between two passes.

use crate::epoch::Crossed;
use crate::layer::downcast;
use crate::slot::{Inbound, Life, Slot};
use crate::stack::{MAX_DEPTH, RisingEnd, Stack};
use crate::{
    Blame, Chunk, End, Error, ErrorKind, Event, Exit, Layer, LayerId, LayerKey, Outcome, Popping,
    PushError, Readiness, Residue, Standing,
};

impl Stack {
    /// Pushes a layer at the top of the stack, just below the application. What was written
    /// before goes out past it, what is written after goes through it; input that was received
    /// but not read is its residue (see [`Layer::residue`]).
    ///
    /// The layer may still have to talk with its peer: [`is_up`](Self::is_up).
    ///
    /// # Errors
    ///
    /// See [`PushError`].
    pub fn push<L: Layer>(&mut self, layer: L) -> Result<LayerId<L>, PushError<L>> {
        self.push_after(&[], layer)
    }

    /// Writes `answer` past the layer and pushes the layer, as one act: the residue is what is
    /// there now, before the peer can have seen the answer.
    ///
    /// # Errors
    ///
    /// See [`PushError`]. Unless the push was begun, the answer has not been written.
    pub fn push_after<L: Layer>(
        &mut self,
        answer: &[u8],
        layer: L,
    ) -> Result<LayerId<L>, PushError<L>> {
        let key = LayerKey::fresh();
        match self.attach(key, answer, Box::new(layer)) {
            Ok(()) => {
                self.run();
                match self.failure.clone() {
                    Some(error) => Err(PushError::Begun(error)),
                    None => Ok(LayerId::new(key)),
                }
            }
            Err(NotPushed {
                layer,
                error,
                residue,
            }) => {
                let Ok(layer) = downcast::<L>(layer) else {
                    unreachable!("it is the very layer")
                };
                Err(match residue {
                    Some(residue) => PushError::Rejected {
                        layer,
                        residue,
                        error,
                    },
                    None => PushError::Refused { layer, error },
                })
            }
        }
    }

    /// Asks a layer to leave. Its outgoing half ends now: the layers above are flushed, it sends
    /// its end mark, and what is written from then on goes past it. Its incoming half ends at the
    /// peer's end mark; until then it decodes. Then [`take_popped`](Self::take_popped) gives it
    /// back. During its handshake, a layer is asked to leave as soon as it is up. Asking again
    /// after the deadline sets a new one, and changes nothing else.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`] if there is no such layer, if the layer has no end mark and
    /// something is under way (see [`Exit::Silent`]); or why the connection has failed. Nothing
    /// has changed then.
    pub fn start_pop(&mut self, key: impl Into<LayerKey>) -> Result<(), Error> {
        let key = key.into();
        if self.popping(key) == Popping::Left {
            return Ok(());
        }
        let begun = self.begin_pop(key);
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
            Life::Handshaking { pop: true, .. } => Popping::Waiting,
            Life::Leaving { late, .. } => Popping::OutboundEnded {
                late,
                needs_read: self.core.blocked_above(place),
            },
            Life::Handshaking { .. } | Life::Standing => Popping::NotAsked,
        }
    }

    /// The layer that was popped, if it has left.
    pub fn take_popped<L: Layer>(&mut self, id: LayerId<L>) -> Option<(L, Outcome)> {
        let mut left = self.left.iter();
        let at = left.position(|(key, ..)| *key == id.key())?;
        let (_, layer, outcome) = self.left.remove(at);
        downcast(layer).ok().map(|layer| (layer, outcome))
    }

    /// Takes a layer out at once, wherever its incoming half stands, with no end mark sent that
    /// was not sent before. What waited below it goes up as it is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`] if there is no such layer, or if it is in its handshake: a connection
    /// on which that has begun never speaks the old language again.
    pub fn rip<L: Layer>(&mut self, id: LayerId<L>) -> Result<(L, Outcome), Error> {
        let place = self.find(id.key())?;
        if self.core.handshaking.has(place) {
            return Err(refusal("the layer is in its handshake"));
        }
        let slot = &self.slots[place];
        let held = slot.node.held() + slot.held.len();
        if !self.core.down.has(place) {
            if !self.lost {
                self.flush_down_to(place + 1);
                self.note_failure();
            }
            self.written += 1;
        }
        if !self.slots[place].passed_by() {
            self.end_inbound(place);
        }
        let layer = self.remove(place);
        self.run();
        let Ok(layer) = downcast::<L>(layer) else {
            unreachable!("the id names its type")
        };
        Ok((layer, Outcome::Ripped { held }))
    }

    // ---- push ----

    /// Pushes a layer that a callback asked for. An error is the event that tells why not.
    pub(crate) fn push_and_tell(
        &mut self,
        key: LayerKey,
        layer: Box<dyn Layer>,
    ) -> Result<(), Event> {
        self.attach(key, &[], layer).map_err(|refused| {
            let NotPushed {
                layer,
                error,
                residue,
            } = refused;
            match residue {
                None => Event::PushRefused { key, layer, error },
                Some(residue) => Event::PushRejected {
                    key,
                    layer,
                    residue,
                    error,
                },
            }
        })?;
        let handshaking = |place| self.core.handshaking.has(place);
        if !self.core.place(key).is_some_and(handshaking) {
            self.events.push_back((0, Event::Up(key)));
        }
        Ok(())
    }

    fn attach(
        &mut self,
        key: LayerKey,
        answer: &[u8],
        layer: Box<dyn Layer>,
    ) -> Result<(), NotPushed> {
        let refused = |layer, error| {
            Err(NotPushed {
                layer,
                error,
                residue: None,
            })
        };
        if let Err(error) = self.write_error() {
            return refused(layer, error);
        }
        if self.core.depth > MAX_DEPTH {
            return refused(layer, refusal("the stack is as deep as it may be"));
        }
        if !self.core.sealed.is_empty() {
            return refused(layer, refusal("nothing can be received any more"));
        }
        let leaving = |slot: &Slot| matches!(slot.life, Life::Leaving { .. }) && !slot.passed_by();
        if self.slots.iter().any(leaving) {
            // What it has yet to decode is not the new layer's.
            return refused(layer, refusal("a layer is still leaving"));
        }
        if layer.residue() == Residue::Reject && !self.core.holding.is_empty() {
            let name = layer.name();
            let error = residue_error().in_layer(name);
            let residue = Some(self.reject(error.clone()));
            return Err(NotPushed {
                layer,
                error,
                residue,
            });
        }
        let top = self.top();
        // The layer comes in below the application and takes over what waits there.
        if let Some(end) = &mut self.end {
            // Also where the application knows of it, the layer does not.
            end.place = end.place.min(top);
        }
        let mut slot = Slot::new(layer);
        slot.held = std::mem::take(&mut self.slots[top].held);
        self.insert(top, key, slot);
        let older = self.older_epochs(top).len() as u64;
        let epoch = self.epochs.present + older + 1;
        let standing = Standing {
            epoch,
            ..self.standing()
        };
        self.core.rising = epoch;
        let attached = self.call_still(top, |node, cx| node.attached(cx, &standing));
        let readiness = match attached {
            Ok(readiness) => readiness,
            Err(error) => {
                self.core.queue.forget(key);
                self.core.rising = self.epochs.present;
                let error = error.in_layer(self.slots[top].node.name());
                let layer = self.remove(top);
                self.core.regate();
                return refused(layer, error);
            }
        };
        self.written += 1;
        // Mostly nothing older waits, and nobody asks for the name.
        let name = match older {
            0 => String::new(),
            _ => self.slots[top].node.name().to_owned(),
        };
        let newcomer = Crossed { key, name };
        self.begin_read_epoch(top, |crossed| crossed.push(newcomer.clone()));
        let below = &mut self.slots[..top];
        if !answer.is_empty() {
            self.core.unflushed = true;
            crate::Context::new(&mut self.core, crate::context::Path::Down(below))
                .send(Chunk::lent(answer));
        }
        let until = self.core.now.saturating_add(self.core.limits.handshake);
        if readiness == Readiness::Handshaking {
            self.slots[top].life = Life::Handshaking { until, pop: false };
            self.core.handshaking.set(top, true);
        }
        self.core.stir();
        Ok(())
    }

    /// Seals the inbound half for good, and gives back what waited unread at the top.
    fn reject(&mut self, error: Error) -> Vec<u8> {
        let top = self.top();
        let mut held = std::mem::take(&mut self.slots[top].held);
        self.core.held -= held.len();
        self.core.sealed = crate::bits::Places::up_to(top);
        self.core.measure(&self.slots[top], top);
        self.end = Some(RisingEnd {
            place: top + 1,
            end: End::Error(error),
        });
        let bytes = held.bytes().to_vec();
        held.consume(bytes.len());
        bytes
    }

    // ---- pop ----

    pub(crate) fn pop_and_tell(&mut self, key: LayerKey) {
        if let Err(error) = self.begin_pop(key) {
            self.events.push_back((0, Event::PopRefused { key, error }));
        }
    }

    fn begin_pop(&mut self, key: LayerKey) -> Result<(), Error> {
        self.failure()?;
        let place = self.find(key)?;
        let until = self.core.now.saturating_add(self.core.limits.pop);
        let slot = &mut self.slots[place];
        match &mut slot.life {
            Life::Leaving { late: true, .. } => {
                slot.life = Life::Leaving { until, late: false };
                return Ok(());
            }
            Life::Leaving { .. } => return Ok(()),
            Life::Handshaking { pop, .. } => {
                *pop = true;
                return Ok(());
            }
            Life::Standing => {}
        }
        let exit = slot.node.exit();
        if self.core.handshaking.any_above(place) {
            // It keeps bytes that were written while this layer stood.
            return Err(refusal("a layer above is in its handshake"));
        }
        if exit == Exit::Silent {
            self.flush_down_to(place);
        }
        if exit == Exit::Silent && !self.is_silent(place) {
            return Err(refusal(
                "the layer has no end mark, and inbound bytes are under way",
            ));
        }
        self.slots[place].life = Life::Leaving { until, late: false };
        self.flush_down_to(place + 1);
        self.finish(place);
        self.written += 1;
        let parked = matches!(self.slots[place].inbound, Inbound::Parked { .. });
        let input_over = self.end.as_ref().is_some_and(|end| end.place > place);
        if exit != Exit::Marked || parked || input_over {
            self.end_inbound(place);
        }
        Ok(())
    }

    /// Whether no inbound byte is inside the layer at `place`, below it or above it: also a part of
    /// a record far below holds bytes that are still to cross it.
    fn is_silent(&self, place: usize) -> bool {
        self.core.holding.is_empty() && self.slots[place].node.held() == 0
    }

    /// The inbound half of the layer at `place` is over: what follows goes past it.
    pub(crate) fn end_inbound(&mut self, place: usize) {
        let key = self.core.keys[place];
        self.begin_read_epoch(place, |crossed| crossed.retain(|layer| layer.key != key));
        let before = std::mem::replace(&mut self.slots[place].inbound, Inbound::Ended);
        if matches!(before, Inbound::Parked { .. }) {
            // What looked like the end of input was a layer's only.
            self.app_told_end = false;
        }
        self.core.done.set(place, true);
        self.core.refresh();
        self.core.stir();
    }

    /// Takes out one layer whose two halves have ended.
    pub(crate) fn detach_next(&mut self) -> bool {
        if self.core.done.is_empty() {
            return false;
        }
        let leaves = |place: &usize| {
            let slot = &self.slots[*place];
            let leaving = matches!(slot.life, Life::Leaving { .. });
            leaving && self.core.down.has(*place) && slot.passed_by()
        };
        let Some(place) = (0..self.top()).find(leaves) else {
            return false;
        };
        let key = self.core.keys[place];
        let layer = self.remove(place);
        if self.reads_stream() {
            self.left.push((key, layer, Outcome::Clean));
        } else {
            let outcome = Outcome::Clean;
            let left = Event::Left {
                key,
                layer,
                outcome,
            };
            self.events.push_back((self.epochs.present, left));
        }
        true
    }

    // ---- places ----

    fn find(&self, key: LayerKey) -> Result<usize, Error> {
        match self.core.place(key) {
            Some(place) if place < self.top() => Ok(place),
            _ => Err(refusal("no such layer stands in the stack")),
        }
    }

    fn insert(&mut self, place: usize, key: LayerKey, slot: Slot) {
        for set in self.core.sets() {
            set.open(place);
        }
        self.core.depth += 1;
        self.core.keys.insert(place, key);
        self.slots.insert(place, slot);
        self.settle(place);
    }

    /// Takes a node out; what waited below it waits below the one above, behind what was there.
    fn remove(&mut self, place: usize) -> Box<dyn Layer> {
        for set in self.core.sets() {
            set.close(place);
        }
        self.core.depth -= 1;
        let key = self.core.keys.remove(place);
        self.core.alarms.retain(|(of, _)| *of != key);
        self.core.inside.retain(|(of, _)| *of != key);
        let slot = self.slots.remove(place);
        self.slots[place].held.append_held(slot.held);
        if let Some(end) = &mut self.end
            && end.place > place
        {
            end.place -= 1;
        }
        self.settle(place);
        self.core.stir();
        slot.node
    }

    /// Renews what is kept by place, from `place` up.
    fn settle(&mut self, place: usize) {
        for place in place..self.core.depth {
            self.slots[place].bit = 1 << place;
            self.core.measure(&self.slots[place], place);
        }
    }
}

/// A push that did not take place.
struct NotPushed {
    layer: Box<dyn Layer>,
    error: Error,
    residue: Option<Vec<u8>>,
}

pub(crate) fn refusal(why: &str) -> Error {
    Error::new(ErrorKind::Refused, Blame::Local, why)
}

fn residue_error() -> Error {
    Error::new(
        ErrorKind::Residue,
        Blame::Remote,
        "the peer sent bytes before it could know of the new layer",
    )
}
