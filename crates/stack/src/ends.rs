//! How the two halves of a connection end.

use std::ops::RangeInclusive;

use crate::slot::{Inbound, Life};
use crate::stack::{Outgoing, RisingEnd};
use crate::{End, Error, Stack};

impl Stack {
    /// If a node has failed, its error is the connection's.
    pub(crate) fn note_failure(&mut self) {
        if let Some((place, error)) = self.core.failed.take() {
            let error = error.in_layer(self.slots[place].node.name());
            self.record_failure(place + 1, error);
        }
    }

    /// Input is over above `place`; writing is over everywhere.
    pub(crate) fn record_failure(&mut self, place: usize, error: Error) {
        let failed_before = self
            .end
            .as_ref()
            .is_some_and(|end| end.end.error().is_some());
        if !failed_before {
            self.end = Some(RisingEnd {
                place,
                end: End::Error(error.clone()),
            });
        }
        self.failure.get_or_insert(error);
    }

    /// Moves the end of input up by one node, if nothing that waits is before it.
    pub(crate) fn raise_end(&mut self) -> bool {
        let Some(RisingEnd { place, end }) = &self.end else {
            return false;
        };
        let (place, clean) = (*place, matches!(end, End::Clean));
        let (top, core) = (self.top(), &self.core);
        if place > top || (place == top && self.reads_stream()) {
            return false;
        }
        // What waits below a node that has failed is never taken.
        let sealed = core.sealed.has(place);
        if core.starved.has(place) && !sealed {
            return false;
        }
        if core.holding.has(place) && !sealed {
            let may_be_taken = core.may_be_taken(place);
            if may_be_taken || self.slots[place].keeps_what_follows() {
                return false;
            }
            if clean {
                let error = Error::truncated("the input ends within a record");
                self.core.fail(place, error);
                return true;
            }
        }
        if let Some(end) = &mut self.end {
            end.place += 1;
        }
        let tells = clean && self.slots[place].inbound == Inbound::Decoding;
        let told = match place == top {
            true => std::mem::replace(&mut self.app_told_end, true),
            false => tells && std::mem::replace(&mut self.slots[place].told_end, true),
        };
        if tells {
            let result = match told {
                true => Ok(()),
                false => self.call_up(place, |node, _, cx| node.end_received(cx)),
            };
            match result {
                // It has more to hand on, for which there was no room: that is before the end.
                Ok(()) if place < top && self.core.starved.has(place) => {
                    if let Some(end) = &mut self.end {
                        end.place = place;
                    }
                }
                // No end mark can come any more, and the layer can do without.
                Ok(()) if matches!(self.slots[place].life, Life::Leaving { .. }) => {
                    self.end_inbound(place);
                }
                Ok(()) => {}
                Err(error) => self.core.fail(place, error),
            }
        }
        true
    }

    /// Whether something that has risen past `place` is still on its way to the application. A
    /// part of a record that a node left untaken is not: it waits for what follows.
    pub(crate) fn rises_above(&self, place: usize) -> bool {
        self.rises_within(place + 1..=self.top())
    }

    /// Whether something is on its way up in the nodes at these places, or below one of them.
    pub(crate) fn rises_within(&self, places: RangeInclusive<usize>) -> bool {
        let core = &self.core;
        let mut places = places;
        places.any(|place| {
            core.starved.has(place) || (core.holding.has(place) && core.may_be_taken(place))
        })
    }

    /// Ends the outgoing half of every layer, the topmost first, if that was asked for.
    pub(crate) fn finish_all(&mut self) -> bool {
        if self.outgoing != Outgoing::Ending || !self.is_up() || self.failure.is_some() {
            return false;
        }
        for place in (0..self.top()).rev() {
            if !self.finish(place) {
                return self.core.failed.is_some();
            }
        }
        self.outgoing = Outgoing::Ended;
        self.core.unflushed = false;
        true
    }

    /// Ends the outgoing half of the layer at `place`. Whether it has ended: else the layer is to be
    /// asked again.
    pub(crate) fn finish(&mut self, place: usize) -> bool {
        if !self.core.down.has(place) {
            let finished = self.call_down(place, |node, cx| node.finish(cx));
            #[cfg(feature = "tokio")]
            if std::mem::take(&mut self.core.unfinished) && finished.is_ok() {
                return false;
            }
            self.end_outbound(place);
            if let Err(error) = finished {
                self.core.fail(place, error);
            }
        }
        true
    }

    /// From now on, what sinks goes past the layer at `place`, and it is not heard.
    pub(crate) fn end_outbound(&mut self, place: usize) {
        self.core.down.set(place, true);
        self.core.held_back.set(place, false);
        self.core.unflushed = true;
    }
}
