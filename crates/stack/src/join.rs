//! How layers come in: always at rest, between two passes.

use crate::changes::{Addition, Spot};
use crate::layer::downcast;
use crate::news::Turn;
use crate::rules::{busy, refusal, residue_error};
use crate::slot::{GivenBack, Inbound, Life, Slot};
use crate::stack::{MAX_DEPTH, RisingEnd, Stack};
use crate::{
    Chunk, Context, End, Error, Exit, Layer, LayerId, LayerKey, PushError, Readiness, Residue,
    Standing,
};

impl Stack {
    /// Pushes a layer at the top of the stack, just below the application. What was written
    /// before goes out past it, what is written after goes through it; input that was received
    /// but not read is its residue (see [`Layer::residue`]).
    ///
    /// Above a layer that is still leaving, its inbound half begins behind that layer's end mark:
    /// what comes before the mark goes up past it, and nothing is residue.
    ///
    /// The layer may still have to talk with its peer: [`is_up`](Self::is_up).
    ///
    /// # Errors
    ///
    /// See [`PushError`]. Of kind [`ErrorKind::Order`](crate::ErrorKind::Order) where the layer's
    /// [`Role`](crate::Role) forbids its place; of kind [`ErrorKind::Busy`](crate::ErrorKind::Busy)
    /// where a layer is still leaving and this one is [`Residue::Reject`]: what comes before the
    /// mark must not be read for protected.
    pub fn push<L: Layer>(&mut self, layer: L) -> Result<LayerId<L>, PushError<L>> {
        self.push_after(&[], layer)
    }

    /// Writes `answer` past the layer and pushes the layer, as one act: the residue is what is
    /// there now, before the peer can have seen the answer.
    ///
    /// # Errors
    ///
    /// As for [`push`](Self::push). Unless the push was begun, the answer has not been written.
    pub fn push_after<L: Layer>(
        &mut self,
        answer: &[u8],
        layer: L,
    ) -> Result<LayerId<L>, PushError<L>> {
        self.add_typed(answer, Addition::new(Spot::Top, layer))
    }

    /// Inserts a layer just above the one that `of` names. What the layers above it had staged
    /// goes out past it.
    ///
    /// Above the topmost layer, this is a [`push`](Self::push). Further down, bytes between it and
    /// the application would belong to neither side of the cut. So it is possible right above a
    /// layer that is leaving, whose end mark is the cut; else in silence, when nothing is under
    /// way in the layers above and all is read; and, for a layer that leaves the bytes as they are
    /// ([`Exit::Anytime`]), at any time.
    ///
    /// Silence is what can be seen on this side. What a codec sends behind the last byte of a flush
    /// (deflate's empty block) may still be on its way when that byte is read; so below a codec, the
    /// peers' protocol has to see to it that nothing is.
    ///
    /// # Errors
    ///
    /// As for [`push`](Self::push); of kind [`ErrorKind::Busy`](crate::ErrorKind::Busy) while a
    /// layer above is in its handshake or leaving, and of kind
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) if there is no such layer, or bytes are
    /// under way above.
    pub fn insert_above<L: Layer>(
        &mut self,
        of: impl Into<LayerKey>,
        layer: L,
    ) -> Result<LayerId<L>, PushError<L>> {
        self.add_typed(&[], Addition::new(Spot::Above(of.into()), layer))
    }

    /// Inserts a layer just below the one that `of` names; as for
    /// [`insert_above`](Self::insert_above).
    ///
    /// # Errors
    ///
    /// As for [`insert_above`](Self::insert_above).
    pub fn insert_below<L: Layer>(
        &mut self,
        of: impl Into<LayerKey>,
        layer: L,
    ) -> Result<LayerId<L>, PushError<L>> {
        self.add_typed(&[], Addition::new(Spot::Below(of.into()), layer))
    }

    /// Puts a layer in the place of another. What is written goes through the new layer at once,
    /// behind the old one's end mark; what comes is the old one's up to its peer's end mark, and
    /// the new one's behind it. [`popping`](Self::popping) tells of the old layer, which is kept until
    /// [`take_popped`](Self::take_popped) takes it.
    ///
    /// An old layer without an end mark is taken out at once, and the new one inserted above it:
    /// that has to be possible as things stand.
    ///
    /// # Errors
    ///
    /// As for [`insert_above`](Self::insert_above) and [`start_pop`](Self::start_pop).
    pub fn replace<L: Layer>(
        &mut self,
        old: impl Into<LayerKey>,
        layer: L,
    ) -> Result<LayerId<L>, PushError<L>> {
        let old = old.into();
        self.claiming(vec![old], |stack| {
            stack.add_typed(&[], Addition::new(Spot::InsteadOf(old), layer))
        })
    }

    fn add_typed<L: Layer>(
        &mut self,
        answer: &[u8],
        addition: Addition,
    ) -> Result<LayerId<L>, PushError<L>> {
        let key = addition.key;
        let added = self.add(answer, addition, &[]);
        self.run();
        match (added, self.failure.clone()) {
            (Ok(()), None) => Ok(LayerId::new(key)),
            (Ok(()), Some(error)) => Err(PushError::Begun(error)),
            (Err(not_made), _) => Err(PushError::from(not_made).map(|addition: Addition| {
                let Ok(layer) = downcast::<L>(addition.layer) else {
                    unreachable!("it is the very layer")
                };
                layer
            })),
        }
    }

    /// Brings in one layer.
    pub(crate) fn add(
        &mut self,
        answer: &[u8],
        addition: Addition,
        going: &[LayerKey],
    ) -> Result<(), NotMade<Addition>> {
        if let Spot::InsteadOf(old) = addition.spot {
            return self.replace_one(old, addition);
        }
        let entry = match self.admit(&addition, going) {
            Ok(entry) => entry,
            Err(error) => return Err(NotMade::refused(addition, error)),
        };
        if addition.layer.residue() == Residue::Reject
            && !entry.awaits
            && !self.core.holding.is_empty()
        {
            let error = residue_error().in_layer(addition.layer.name());
            let residue = Some(self.reject(error.clone()));
            return Err(NotMade {
                back: addition,
                error,
                residue,
            });
        }
        self.attach(entry, answer, addition)
    }

    /// Whether the layer may come in where it wants to, and how.
    fn admit(&mut self, addition: &Addition, going: &[LayerKey]) -> Result<Entry, Error> {
        self.write_error()?;
        if self.core.depth > MAX_DEPTH {
            return Err(refusal("the stack is as deep as it may be"));
        }
        if !self.core.sealed.is_empty() {
            return Err(refusal("nothing can be received any more"));
        }
        let (layer, top) = (&*addition.layer, self.top());
        let place = self.place_of(addition.spot)?;
        self.check_order(place, layer, going)?;
        let awaits = self.check_busy(place, addition)?;
        if layer.residue() == Residue::HandBack && !awaits && self.waits_below(place) {
            // Whether it has risen by now is chance, and so would be whose it is.
            return Err(refusal(
                "bytes that would be handed back have not risen yet",
            ));
        }
        if place < top {
            self.flush_down_to(place);
            self.note_failure();
            self.failure()?;
            if !awaits && layer.exit() != Exit::Anytime && !self.is_silent_from(place) {
                return Err(refusal("bytes are under way above the layer's place"));
            }
        }
        Ok(Entry { place, awaits })
    }

    /// The place that a layer takes which comes in there.
    pub(crate) fn place_of(&self, spot: Spot) -> Result<usize, Error> {
        Ok(match spot {
            Spot::Top => self.top(),
            Spot::Above(key) | Spot::InsteadOf(key) => self.find(key)? + 1,
            Spot::Below(key) => self.find(key)?,
        })
    }

    /// Whether the layer would await a layer below that is leaving; unless it has to wait before it may
    /// come in at all.
    pub(crate) fn check_busy(&self, place: usize, addition: &Addition) -> Result<bool, Error> {
        let replaces = matches!(addition.spot, Spot::InsteadOf(_));
        // Mostly no layer's outbound half has ended, and only one that is replaced leaves with it open.
        let any = replaces || !self.core.down.is_empty();
        let leaves = |slots: &[Slot]| any && slots.iter().any(|slot| slot.leaving().is_some());
        let awaits = leaves(&self.slots[..place]);
        if awaits && addition.layer.residue() == Residue::Reject && !replaces {
            return Err(busy("a layer is still leaving"));
        }
        if place < self.top() {
            if self.core.handshaking.any_from(place) {
                // It keeps bytes that were written while this layer did not stand.
                return Err(busy("a layer above is in its handshake"));
            }
            if leaves(&self.slots[place..]) {
                return Err(busy("a layer above is still leaving"));
            }
        }
        Ok(awaits)
    }

    /// Puts the layer in its place, and attaches it there.
    fn attach(
        &mut self,
        entry: Entry,
        answer: &[u8],
        addition: Addition,
    ) -> Result<(), NotMade<Addition>> {
        let Entry { place, awaits } = entry;
        let Addition { key, spot, layer } = addition;
        let back = match spot {
            Spot::Top if !awaits => GivenBack::Asker,
            _ => GivenBack::Nobody,
        };
        if let Some(end) = &mut self.end {
            // Also where those above know of it, the layer does not.
            end.place = end.place.min(place);
        }
        let mut slot = Slot::new(layer);
        slot.since = self.core.now;
        let feeds = match slot.node.residue() {
            Residue::Feed | Residue::Reject => place == self.top() && !awaits,
            Residue::HandBack => false,
        };
        self.insert(place, key, slot, feeds);
        let older = self.older_epochs(place).len() as u64;
        let epoch = self.epochs.present + if awaits { 0 } else { older + 1 };
        let standing = Standing {
            epoch,
            ..self.standing(place)
        };
        self.core.rising = epoch;
        // So that it may say within the call that it is up.
        self.core.handshaking.set(place, true);
        let anchored = self.core.anchored;
        let readiness = match self.call_still(place, |node, cx| node.attached(cx, &standing)) {
            Ok(readiness) => readiness,
            Err(error) => {
                self.core.anchored = anchored;
                self.core.rising = self.epochs.present;
                let error = error.in_layer(self.slots[place].node.name());
                let layer = self.take_back(place);
                return Err(NotMade::refused(Addition { key, spot, layer }, error));
            }
        };
        self.written += 1;
        if awaits {
            self.changes += 1;
            self.slots[place].inbound = Inbound::Awaiting {
                attached: self.changes,
            };
            self.core.awaiting.set(place, true);
            self.core.shut.set(place, true);
            self.core.refresh();
        } else {
            self.begin_inbound(place);
        }
        if !answer.is_empty() {
            self.core.unflushed = true;
            let below = &mut self.slots[..place];
            Context::sinking(&mut self.core, below).send(Chunk::lent(answer));
            self.slots[place]
                .counts
                .made_down
                .leave_out(answer.len() as u64);
        }
        match readiness {
            Readiness::Up => {
                self.core.handshaking.set(place, false);
                self.core.risen.set(place, false);
            }
            Readiness::Handshaking => {
                let until = self.core.now.saturating_add(self.core.limits.handshake);
                self.slots[place].life = Life::Handshaking {
                    until,
                    early: false,
                    back,
                };
            }
        }
        self.core.refresh();
        self.tell(place, Turn::Attached);
        self.core.stir();
        Ok(())
    }

    /// Takes out a layer that does not come in after all, and what it asked for with it.
    pub(crate) fn take_back(&mut self, place: usize) -> Box<dyn Layer> {
        let key = self.core.keys[place];
        self.core.queue.forget(key);
        self.core.withdrawn.retain(|(of, _)| *of != key);
        if let Some(news) = &mut self.news {
            news.retain(|notice| notice.key != key);
        }
        let layer = self.remove(place);
        self.core.regate();
        layer
    }

    /// Brings a layer in above the one at whose end mark its inbound half begins.
    fn replace_one(&mut self, old: LayerKey, addition: Addition) -> Result<(), NotMade<Addition>> {
        let ready = self.find(old).and_then(|place| {
            self.prepare_to_leave(place)?;
            Ok(place)
        });
        let place = match ready {
            Ok(place) => place,
            Err(error) => return Err(NotMade::refused(addition, error)),
        };
        if self.slots[place].node.exit() != Exit::Marked {
            let both = Addition {
                spot: Spot::Above(old),
                ..addition
            };
            self.add(&[], both, &[old]).map_err(|mut not_made| {
                not_made.back.spot = Spot::InsteadOf(old);
                not_made
            })?;
            self.depart(place);
            return Ok(());
        }
        let before = self.begin_leaving(place);
        let entry = match self.admit(&addition, &[]) {
            Ok(entry) => entry,
            Err(error) => {
                self.slots[place].life = before;
                return Err(NotMade::refused(addition, error));
            }
        };
        if let Err(not_made) = self.attach(entry, &[], addition) {
            self.slots[place].life = before;
            return Err(not_made);
        }
        self.leave(place);
        Ok(())
    }

    /// Layers that awaited an end mark which has come, and behind which nothing older rises, begin.
    pub(crate) fn begin_awaiting(&mut self) {
        if self.core.awaiting.is_empty() {
            return;
        }
        for place in 0..self.top() {
            let Inbound::Awaiting { attached } = self.slots[place].inbound else {
                continue;
            };
            let awaited = |slot: &Slot| slot.leaving().is_some_and(|asked| asked < attached);
            if self.slots[..place].iter().any(awaited) {
                continue;
            }
            self.begin_inbound(place);
            self.begun += 1;
            if let Life::Handshaking { until, .. } = &mut self.slots[place].life {
                *until = self.core.now.saturating_add(self.core.limits.handshake);
            }
            self.core.awaiting.set(place, false);
            self.core.shut.set(place, false);
            self.core.refresh();
            self.core.stir();
        }
    }

    /// What rises is the layer's from now on.
    fn begin_inbound(&mut self, place: usize) {
        self.begin_read_epoch_of(place);
        self.slots[place].inbound = Inbound::Decoding;
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
}

/// How a layer comes in.
#[derive(Clone, Copy)]
struct Entry {
    place: usize,
    /// A layer below is leaving: the inbound half begins behind its end mark.
    awaits: bool,
}

/// A change that was not made, and what is given back.
pub(crate) struct NotMade<T> {
    pub(crate) back: T,
    pub(crate) error: Error,
    pub(crate) residue: Option<Vec<u8>>,
}

impl<T> NotMade<T> {
    pub(crate) fn refused(back: T, error: Error) -> Self {
        Self {
            back,
            error,
            residue: None,
        }
    }

    pub(crate) fn map<U>(self, with: impl FnOnce(T) -> U) -> NotMade<U> {
        NotMade {
            back: with(self.back),
            error: self.error,
            residue: self.residue,
        }
    }
}

impl<T> From<NotMade<T>> for PushError<T> {
    fn from(not_made: NotMade<T>) -> Self {
        let NotMade {
            back,
            error,
            residue,
        } = not_made;
        match residue {
            Some(residue) => Self::Rejected {
                back,
                residue,
                error,
            },
            None => Self::Refused { back, error },
        }
    }
}
