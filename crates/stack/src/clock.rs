//! The clock's side of a stack: turns, and deadlines.

use std::time::Duration;

use crate::news::Turn;
use crate::slot::Life;
use crate::{Blame, Error, ErrorKind, Event, LayerKey, Stack};

/// The clock's side. The stack reads no clock; time comes in as an argument.
impl Stack {
    /// It is `now`, counted from the connection's beginning: a new turn. Deadlines that have
    /// passed are acted on; so what has come by now is to be handed over before.
    pub fn advance(&mut self, now: Duration) {
        if self.lost {
            return;
        }
        self.begin(now);
        self.expire();
        self.run();
    }

    /// Begins a turn, and leaves it to the next call to do something with it.
    pub(crate) fn begin(&mut self, now: Duration) {
        self.core.now = now;
        self.core.work = self.core.limits.work;
    }

    /// It is `now`, within the present turn. Only nodes that have asked for the time are told, so
    /// that a write need not look at the clock for the others.
    #[cfg(feature = "tokio")]
    pub(crate) fn tell_time(&mut self, now: impl FnOnce() -> Duration) {
        if self.is_timed() {
            self.core.now = now();
        }
    }

    /// Whether a node has asked for the time.
    #[cfg(feature = "tokio")]
    pub(crate) fn is_timed(&mut self) -> bool {
        *self.core.timed.get_mut()
    }

    /// When [`advance`](Self::advance) is to be called at the latest.
    pub fn deadline(&self) -> Option<Duration> {
        let alarms = self
            .core
            .alarms
            .iter()
            .filter(|(of, _)| self.is_called(*of));
        let alarms = alarms.map(|(_, at)| *at);
        if self.core.handshaking.is_empty() && self.core.down.is_empty() {
            return alarms.min();
        }
        let lives = self.slots.iter().filter_map(|slot| match slot.life {
            Life::Handshaking { .. } if slot.passed_by() => None,
            Life::Handshaking { until, .. }
            | Life::Leaving {
                until, late: false, ..
            } => Some(until),
            Life::Standing | Life::Leaving { .. } => None,
        });
        lives.chain(alarms).min()
    }

    /// Whether this node is still called when its time comes. Where the connection has failed, a layer
    /// is not once its input is over, too: it could do nothing but speak into the void.
    fn is_called(&self, node: LayerKey) -> bool {
        if self.failure.is_none() {
            return true;
        }
        let Some(place) = self.core.place(node) else {
            return false;
        };
        let over = self.end.as_ref().is_some_and(|end| end.place > place);
        place == self.top() || !(over || self.core.sealed.has(place))
    }

    /// Whether the turn stopped because its work was used up, with more to do: `advance` goes on.
    pub fn has_work(&self) -> bool {
        self.core.work_is_done() && self.next_offer().is_some()
    }

    /// Acts on the deadlines that have passed.
    fn expire(&mut self) {
        let now = self.core.now;
        if self.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        for place in 0..self.core.depth {
            let slot = &mut self.slots[place];
            // Above a layer that is leaving, a handshake has not even begun.
            let begun = !slot.passed_by();
            match &mut slot.life {
                Life::Handshaking { until, .. } if *until <= now && begun => {
                    let error = Error::new(
                        ErrorKind::TimedOut,
                        Blame::Remote,
                        "the handshake took too long",
                    );
                    slot.life = Life::Standing;
                    self.core.handshaking.set(place, false);
                    self.core.fail(place, error);
                }
                Life::Leaving {
                    until,
                    late: late @ false,
                    ..
                } if *until <= now => {
                    *late = true;
                    let late = Event::PopLate(self.core.keys[place]);
                    self.events.push_back((0, late));
                    self.tell(place, Turn::Late);
                }
                _ => {}
            }
        }
        let due = |(_, at): &mut (LayerKey, Duration)| *at <= now;
        let due: Vec<_> = self.core.alarms.extract_if(.., due).collect();
        for (key, _) in due {
            if self.is_called(key)
                && let Some(place) = self.core.place(key)
                && let Err(error) = self.call(place, |node, cx| node.timed_out(cx))
            {
                self.core.fail(place, error);
            }
        }
    }
}
