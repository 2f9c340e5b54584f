//! What all nodes share: flags, queue, outbox. No node, no socket, no clock.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::bits::Places;
use crate::buffer::Buffer;
use crate::chunk::Lent;
use crate::queue::{Op, Queue};
use crate::slot::Slot;
use crate::traffic::Made;
use crate::{Blame, Error, ErrorKind, LayerKey, Limits};

/// The part of a stack that a node's [`Context`](crate::Context) reaches, beside its neighbours.
///
/// A flag of a node is a bit, so that the way of a chunk through a layer tests one word. `shut_up` and
/// `shut_down` are those words; the other sets say why a bit is in them.
#[derive(Default)]
pub(crate) struct Core {
    /// Which way the bytes go now.
    pub(crate) way: Way,
    /// Boundaries that what is delivered now cannot simply cross: `up`, while bytes rise; else all,
    /// since it is to be queued.
    pub(crate) shut_up: Places,
    /// The same for what is sent now: `down`, while bytes sink.
    pub(crate) shut_down: Places,

    /// Boundaries that rising bytes cannot simply cross: the union that `refresh` makes.
    pub(crate) up: Places,
    /// Nodes whose outbound half has ended: sinking bytes pass by, and they are not heard.
    pub(crate) down: Places,

    /// Bytes wait below this node.
    pub(crate) holding: Places,
    /// A change was asked for here: what comes collects until it is made.
    pub(crate) gated: Places,
    /// Nothing rises here any more: the connection has failed, or residue was rejected.
    pub(crate) sealed: Places,
    /// This node takes nothing: its inbound half has not begun, is parked, or has ended.
    pub(crate) shut: Places,
    /// This node takes nothing, since the application reads a stream.
    pub(crate) reader: Places,
    /// This node asked for no more bytes for now.
    pub(crate) paused: Places,
    /// Below this node wait as many bytes as may.
    pub(crate) full: Places,

    /// What waits below this node is to be offered to it.
    pub(crate) stirred: Places,
    /// This node wanted to make more than there was room for: it is called when there is, and what
    /// comes meanwhile waits.
    pub(crate) starved: Places,
    /// This node is not up yet.
    pub(crate) handshaking: Places,
    /// This node's inbound half has not begun: a layer that is leaving below still decodes.
    pub(crate) awaiting: Places,
    /// No layer at or below this node may leave.
    pub(crate) anchored: Places,
    /// This node has staged enough: writing is to pause.
    pub(crate) held_back: Places,
    /// This node was told that writing is to pause.
    pub(crate) write_paused: Places,

    /// This node has come up since the last rest.
    pub(crate) risen: Places,
    /// This node has met its peer's end mark since the last rest.
    pub(crate) marked: Places,
    /// One of the next two holds something.
    pub(crate) said: bool,
    /// Layers that want to withdraw from their handshake since the last rest, and why.
    pub(crate) withdrawn: Vec<(LayerKey, Error)>,
    /// Layers that have ended an epoch since the last rest, in which they were called so.
    pub(crate) epoch_ended: Vec<(LayerKey, &'static str)>,
    /// The node that has just been asked to finish is to be asked again.
    #[cfg(feature = "tokio")]
    pub(crate) unfinished: bool,
    /// The first failure since the last rest, and where.
    pub(crate) failed: Option<(usize, Error)>,

    /// How many nodes there are, the application among them.
    pub(crate) depth: usize,
    /// Who stands at which place.
    pub(crate) keys: Vec<LayerKey>,
    /// Nodes that have, or may have, more inside than they could deliver, and the epoch of the
    /// bytes that it was made of.
    pub(crate) inside: Vec<(LayerKey, u64)>,
    /// Nodes that asked to be called at a time.
    pub(crate) alarms: Vec<(LayerKey, Duration)>,
    pub(crate) queue: Queue,
    /// Layers that were asked to leave while they, or others above them, were in a handshake.
    pub(crate) to_pop: Vec<LayerKey>,
    /// What is ready for the network.
    pub(crate) outbox: Buffer,
    /// How many bytes the network has taken.
    pub(crate) gone: u64,
    /// How many it has brought.
    pub(crate) came_in: Made,
    /// What need not be copied there.
    pub(crate) lent: Lent,
    /// Bytes that came in, from either side, since the layers were asked what they hold.
    pub(crate) unasked: usize,
    /// Something was sent since the last flush.
    pub(crate) unflushed: bool,
    /// The bytes at all boundaries together.
    pub(crate) held: usize,
    /// The epoch of the bytes that rise now.
    pub(crate) rising: u64,
    /// Blocks that may still be made in this turn.
    pub(crate) work: u32,
    /// The outbox has passed its high mark, and not come down to its low mark since.
    pub(crate) brimming: bool,
    pub(crate) now: Duration,
    /// A node has asked for the time. An atomic, since asking changes nothing for whoever asks.
    pub(crate) timed: AtomicBool,
    pub(crate) limits: Limits,
}

/// Which way the bytes go.
#[derive(Clone, Copy, Default)]
pub(crate) enum Way {
    /// From the network to the application.
    #[default]
    Up,
    Down,
    /// Neither: the node at this place was called by the stack itself.
    Still(usize),
}

impl Core {
    /// From now on bytes go this way.
    #[inline]
    pub(crate) fn turn_to(&mut self, way: Way) {
        self.way = way;
        (self.shut_up, self.shut_down) = match way {
            Way::Up => (self.up, Places::ALL),
            Way::Down => (Places::ALL, self.down),
            Way::Still(_) => (Places::ALL, Places::ALL),
        };
    }

    /// To be called when one of the sets that `up` is made of has changed.
    pub(crate) fn refresh(&mut self) {
        // What a layer delivers from the moment it is up waits until the application is told.
        let news = Places(self.risen.0 << 1);
        self.up = self.holding
            | self.gated
            | self.sealed
            | self.shut
            | self.reader
            | self.paused
            | self.starved
            | news;
        if let Way::Up = self.way {
            self.shut_up = self.up;
        }
    }

    /// The places where nobody wants more bytes.
    #[inline]
    pub(crate) fn no_room(&self) -> Places {
        self.full | self.paused | self.gated | self.sealed
    }

    /// The topmost node whose handshake needs bytes now.
    #[inline]
    pub(crate) fn topmost_handshake(&self) -> Option<usize> {
        Places(self.handshaking.0 & !self.awaiting.0).highest()
    }

    /// Whether somebody above `place` wants no more bytes. What a handshake needs is not held up
    /// by those above it.
    #[inline]
    pub(crate) fn blocked_above(&self, place: usize) -> bool {
        let mut closed = self.no_room();
        if let Some(reach) = self.topmost_handshake()
            && reach > place
        {
            closed = Places(closed.0 & Places::up_to(reach).0);
        }
        closed.any_above(place)
    }

    /// The nodes that are to pause writing: all, for the outbox, or those above one that has staged
    /// enough.
    pub(crate) fn to_pause(&self) -> Places {
        let all = Places::up_to(self.depth - 1);
        match self.brimming {
            true => all,
            false => Places(all.0 & self.held_back.above_lowest().0),
        }
    }

    /// Every set that has a bit for each node.
    pub(crate) fn sets(&mut self) -> [&mut Places; 17] {
        [
            &mut self.down,
            &mut self.holding,
            &mut self.gated,
            &mut self.sealed,
            &mut self.shut,
            &mut self.reader,
            &mut self.paused,
            &mut self.full,
            &mut self.stirred,
            &mut self.starved,
            &mut self.handshaking,
            &mut self.awaiting,
            &mut self.anchored,
            &mut self.held_back,
            &mut self.write_paused,
            &mut self.risen,
            &mut self.marked,
        ]
    }

    /// The node at `place` wanted to deliver more than there is room for now.
    #[cold]
    pub(crate) fn starve(&mut self, place: usize) {
        self.starved.set(place, true);
        self.refresh();
        let key = self.keys[place];
        if !self.inside.iter().any(|(of, _)| *of == key) {
            self.inside.push((key, self.rising));
        }
    }

    /// The epoch of what the node at `place` may have inside, if it is starved; it is not from now
    /// on.
    pub(crate) fn feed(&mut self, place: usize) -> Option<u64> {
        if !self.starved.has(place) {
            return None;
        }
        self.starved.set(place, false);
        self.refresh();
        let key = self.keys[place];
        let at = self.inside.iter().position(|(of, _)| *of == key)?;
        Some(self.inside.swap_remove(at).1)
    }

    pub(crate) fn place(&self, key: LayerKey) -> Option<usize> {
        self.keys.iter().position(|&k| k == key)
    }

    /// Whether what rises to the node in `slot`, which is not to be called, waits below it; if not,
    /// it passes by.
    pub(crate) fn collects(&self, slot: &Slot) -> bool {
        self.up.0 & slot.bit != 0 && (!slot.passed_by() || self.holding.0 & slot.bit != 0)
    }

    /// Keeps bytes at the boundary below the node at `place`.
    pub(crate) fn hold(&mut self, slot: &mut Slot, place: usize, bytes: &[u8]) {
        if self.sealed.has(place) {
            return; // Nothing rises here any more, whatever comes.
        }
        slot.held.append(bytes, self.rising);
        self.count_held(slot, place, bytes.len());
    }

    /// Bytes have come down to the network.
    pub(crate) fn put_out(&mut self, bytes: &[u8]) {
        if self.lent == Lent::sinking(bytes) && self.outbox.is_empty() {
            self.lent = Lent::Arrived;
            self.gone += bytes.len() as u64;
        } else {
            self.outbox.append(bytes);
        }
    }

    /// To be called when `n` more bytes wait below the node at `place`.
    pub(crate) fn count_held(&mut self, slot: &mut Slot, place: usize, n: usize) {
        slot.counts.came_up += n as u64;
        self.held += n;
        self.stirred.set(place, true);
        self.measure(slot, place);
        if self.is_over_budget() {
            // Who made the bytes stands below; its contract is to ask `wanted` first.
            self.fail(place.saturating_sub(1), over_budget());
        }
    }

    /// Whether more waits at the boundaries, in the queue and in the outbox than the connection
    /// may hold. What is inside the layers is asked for less often.
    #[inline]
    pub(crate) fn is_over_budget(&self) -> bool {
        self.waiting() > self.limits.budget
    }

    /// The bytes that wait at the boundaries, in the queue and in the outbox.
    #[inline]
    pub(crate) fn waiting(&self) -> usize {
        self.held + self.queue.bytes() + self.outbox.len()
    }

    /// How many bytes have come down past the lowest layer.
    pub(crate) fn came_out(&self) -> u64 {
        self.gone + self.outbox.len() as u64
    }

    /// To be called when the bytes below a node have become more or fewer.
    pub(crate) fn measure(&mut self, slot: &Slot, place: usize) {
        self.gauge(slot, place);
        self.refresh();
    }

    /// As [`measure`](Self::measure), for a caller that will [`refresh`](Self::refresh).
    #[inline]
    pub(crate) fn gauge(&mut self, slot: &Slot, place: usize) {
        let limit = if place + 1 == self.depth {
            self.limits.inbox
        } else {
            self.limits.boundary
        };
        let was_full = self.full.has(place);
        self.holding.set(place, !slot.held.is_empty());
        self.full.set(place, slot.held.len() >= limit);
        if was_full && !self.full.has(place) {
            self.stir();
        }
    }

    /// There is room, or time, again: whoever has something to hand on may try.
    pub(crate) fn stir(&mut self) {
        self.stirred = self.stirred | self.holding;
    }

    /// To be called when a change has left the queue: the gate stays while another waits there.
    pub(crate) fn regate(&mut self) {
        let waits = self.queue.has_change();
        self.gated.set(self.depth - 1, waits);
        self.refresh();
        self.stir();
    }

    pub(crate) fn enqueue(&mut self, place: usize, op: Op) {
        self.queue.push(self.keys[place], op);
        if self.is_over_budget() {
            self.fail(place, over_budget());
        }
    }

    /// As [`enqueue`](Self::enqueue), for what a node makes: what is over the budget is not kept,
    /// however much it goes on to make.
    pub(crate) fn enqueue_bytes(&mut self, place: usize, op: Op) {
        match self.is_over_budget() {
            true => self.fail(place, over_budget()),
            false => self.enqueue(place, op),
        }
    }

    /// The node at `place` has failed; the first failure counts.
    #[cold]
    pub(crate) fn fail(&mut self, place: usize, error: Error) {
        self.sealed = self.sealed | Places::up_to(place);
        self.refresh();
        self.failed.get_or_insert((place, error));
    }
}

pub(crate) fn over_budget() -> Error {
    Error::new(
        ErrorKind::Limit,
        Blame::Local,
        "more bytes were made than the connection's budget allows",
    )
}
