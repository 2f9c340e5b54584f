//! What a node can do while it is called.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::buffer::Buffer;
use crate::core::{Core, Way, over_budget};
use crate::layer::Layer;
use crate::queue::Op;
use crate::queue::Visit;
use crate::slot::Slot;
use crate::{Changes, Chunk, Error, LayerId, LayerKey};

/// What a node can do while it is called: hand bytes to its neighbours, and tell the stack.
///
/// While bytes rise, [`deliver`](Self::deliver) calls the node above at once, and
/// [`send`](Self::send) is queued until they have risen; while bytes sink, it is the other way
/// round. A node need not know which: nothing is re-entered, and what one node sends leaves in
/// the order in which it was sent. A push or pop asked for between two sends takes place between
/// them; only a pop during the layer's handshake waits for that.
///
/// What several nodes have queued runs in this order: first what is to be delivered, the topmost
/// node's before the others'; then all else, the lowest node's before the others'. So a layer's own
/// answer leaves before what the application answers to bytes of the same pass.
pub struct Context<'a> {
    core: &'a mut Core,
    /// The nodes that the bytes meet next, whichever way they go now: the core knows which.
    next: &'a mut [Slot],
}

impl<'a> Context<'a> {
    /// Bytes are about to rise to the nodes `above`.
    #[inline]
    pub(crate) fn rising(core: &'a mut Core, above: &'a mut [Slot]) -> Self {
        core.turn_to(Way::Up);
        Self { core, next: above }
    }

    /// Bytes are about to sink to the nodes `below`.
    #[inline]
    pub(crate) fn sinking(core: &'a mut Core, below: &'a mut [Slot]) -> Self {
        core.turn_to(Way::Down);
        Self { core, next: below }
    }

    /// The node at `place` is called, and no bytes move.
    #[inline]
    pub(crate) fn still(core: &'a mut Core, place: usize) -> Self {
        core.turn_to(Way::Still(place));
        Self {
            core,
            next: &mut [],
        }
    }

    /// Hands bytes to the node above. They are taken from the caller, all of them: what the node
    /// above does not take waits at the boundary.
    ///
    /// Not for the application: nothing stands above it. A layer that makes more bytes than it
    /// took asks [`wanted`](Self::wanted) before each block.
    #[inline]
    pub fn deliver(&mut self, bytes: &mut [u8]) {
        if let Some((slot, rest)) = self.next.split_first_mut()
            && self.core.shut_up.0 & slot.bit == 0
            && !bytes.is_empty()
        {
            let mut cx = Context {
                core: self.core,
                next: rest,
            };
            match slot.node.received(&mut cx, bytes) {
                Ok(n) if n == bytes.len() => slot.counts.came_up += n as u64,
                taken => took_less(cx.core, slot, bytes, taken),
            }
        } else {
            self.deliver_later(bytes);
        }
    }

    /// Makes bytes and hands them to the node above, as [`deliver`](Self::deliver) does, without
    /// a buffer of the layer's own: `make` writes into room for `most` bytes, from its front on,
    /// and returns how many they were, and what the caller wants to know. Where they are to wait,
    /// they are made in the place where they wait. The room is not cleared.
    ///
    /// # Panics
    ///
    /// If `make` says that it made more than `most` bytes.
    pub fn deliver_with<R>(
        &mut self,
        most: usize,
        make: impl FnOnce(&mut [u8]) -> (usize, R),
    ) -> R {
        if let Way::Up = self.core.way {
            let place = self.core.depth - self.next.len();
            if let Some(slot) = self.next.first_mut()
                && self.core.collects(slot)
                && !self.core.sealed.has(place)
            {
                let (n, result) = slot.held.make(most, self.core.rising, make);
                if n > 0 {
                    self.core.count_held(slot, place, n);
                }
                return result;
            }
        }
        let mut made = Buffer::default();
        let (n, result) = made.make(most, make);
        made.fill(n);
        match self.core.way {
            Way::Up => self.deliver(made.bytes_mut()),
            _ => self.queue_delivery(made),
        }
        result
    }

    /// Hands bytes to the node below, for the network. They are taken whole. Who needs a `&mut [u8]`
    /// afterwards passes `&mut *bytes`.
    #[inline]
    pub fn send<'c>(&mut self, chunk: impl Into<Chunk<'c>>) {
        self.send_chunk(chunk.into());
    }

    /// Makes bytes and hands them to the node below, as [`send`](Self::send) does, without a
    /// buffer of the layer's own: `make` writes into room for `most` bytes, from its front on,
    /// and returns how many they were, and what the caller wants to know. The lowest layer's are
    /// made in the place where they wait for the network. The room is not cleared.
    ///
    /// # Panics
    ///
    /// If `make` says that it made more than `most` bytes.
    pub fn send_with<R>(&mut self, most: usize, make: impl FnOnce(&mut [u8]) -> (usize, R)) -> R {
        if let Way::Down = self.core.way
            && self.next.is_empty()
            && self.core.waiting() < self.core.limits.budget
        {
            self.core.unflushed = true;
            let (n, result) = self.core.outbox.make(most, make);
            self.core.outbox.fill(n);
            return result;
        }
        let mut made = Buffer::default();
        let (n, result) = made.make(most, make);
        made.fill(n);
        match self.core.way {
            Way::Down => self.send_chunk(made.bytes_mut().into()),
            _ => self.queue_sending(made),
        }
        result
    }

    #[inline]
    fn send_chunk(&mut self, chunk: Chunk<'_>) {
        if let Some((slot, rest)) = self.next.split_last_mut()
            && self.core.shut_down.0 & slot.bit == 0
        {
            slot.counts.came_down += chunk.len() as u64;
            let mut cx = Context {
                core: self.core,
                next: rest,
            };
            if let Err(error) = slot.node.send(&mut cx, chunk) {
                cx.core.fail(slot.place(), error);
            }
        } else {
            self.send_later(chunk);
        }
    }

    /// Whether a layer may make one more block of bytes for those above: there is room, nobody
    /// above has paused, and this turn's work is not used up. A block should be about 8 to 16 KiB
    /// at the most.
    ///
    /// If not, stop: [`received`](crate::Protocol::received) is called when there is room again,
    /// with whatever waits below by then, even if that is nothing.
    #[must_use = "if not, nothing is to be made"]
    pub fn wanted(&mut self) -> bool {
        let place = self.place();
        let wanted = self.core.work > 0 && !self.core.blocked_above(place);
        if wanted {
            self.core.work -= 1;
        } else {
            self.core.starve(place);
        }
        wanted
    }

    /// This layer's handshake is over: it works from here on.
    pub fn up(&mut self) {
        let place = self.place();
        if self.core.handshaking.has(place) {
            self.core.handshaking.set(place, false);
            self.core.risen.set(place, true);
            self.core.refresh();
        }
    }

    /// Those above may use this layer from here on, though its handshake goes on: its deadline runs,
    /// and it leaves only when it is [`up`](Self::up). An awaited push is done; a flush, and who waits for
    /// all layers to be up, wait on. For a protocol whose first bytes come along with the handshake.
    pub fn up_early(&mut self) {
        let place = self.place();
        if self.core.handshaking.has(place) {
            self.core.risen.set(place, true);
            self.core.refresh();
        }
    }

    /// This layer's handshake is not to be, and this layer was never here: the push is refused with
    /// this error, the layer is given back, and what waits below it goes up as it is. Until whoever
    /// pushed it has taken it back ([`Stack::take_refused`](crate::Stack::take_refused)), the layer stays
    /// where it is and is handed nothing more, and a write is an error; so nobody falls back to the
    /// language below it unawares.
    ///
    /// This can be only as long as it has taken and sent nothing, nobody has written through it, it is
    /// the topmost, and it was pushed alone: not with others, nor in the place of another, nor above one
    /// that is leaving. Else the connection has failed with this error.
    pub fn withdraw(&mut self, error: Error) {
        let place = self.place();
        self.core.withdrawn.push((self.core.keys[place], error));
        self.core.said = true;
        self.core.shut.set(place, true);
        self.core.paused.set(place, true);
        self.core.refresh();
    }

    /// What this layer has delivered by now, in this call and before, is of an epoch that is over, and in
    /// which it was called `name`; what it delivers in calls to come is of the next. For a layer whose
    /// bytes are protected less at first, as those of a handshake in which they come along.
    pub fn end_epoch(&mut self, name: &'static str) {
        let place = self.place();
        self.core.epoch_ended.push((self.core.keys[place], name));
        self.core.said = true;
        self.core.gated.set(place, true);
        self.core.refresh();
    }

    /// The peer's end mark has come: the inbound half of this layer ends behind the bytes that
    /// [`received`](crate::Protocol::received) is about to say it took.
    ///
    /// If this layer is being popped, what follows goes up past it, untouched. If not, what
    /// follows waits until it is. Either way this layer receives nothing more, no end either.
    pub fn end_mark(&mut self) {
        let place = self.place();
        self.core.marked.set(place, true);
        self.core.shut.set(place, true);
        self.core.refresh();
    }

    /// Asks those below for no more bytes, or, with `false`, for bytes again. A pause belongs to
    /// the node that asked for it and ends when that node leaves the stack.
    pub fn pause(&mut self, pause: bool) {
        let place = self.place();
        self.core.paused.set(place, pause);
        self.core.refresh();
        if !pause {
            self.core.stir();
        }
    }

    /// Says that this layer has staged enough: writing is to pause; or, with `false`, that it may
    /// go on. A writer that has to wait flushes, so [`flush`](crate::Transport::flush) is the place
    /// to say `false`; or, where it is a time that is waited for, the call that
    /// [`wake_at`](Self::wake_at) asks for.
    pub fn hold_back(&mut self, hold: bool) {
        let place = self.place();
        // After its end mark a layer has nothing to hold back.
        self.core
            .held_back
            .set(place, hold && !self.core.down.has(place));
    }

    /// Whether those below would rather take bytes now than later.
    pub fn writable(&self) -> bool {
        !self.core.write_paused.has(self.place())
    }

    /// How long ago the connection began, as of the present turn: when bytes last came, or a time
    /// that was asked for. During a write it is the time of that write only if a node has asked
    /// before; so who needs that asks once when it is attached.
    pub fn now(&self) -> Duration {
        self.core.timed.store(true, Relaxed);
        self.core.now
    }

    /// Asks to be called once, by [`timed_out`](crate::Protocol::timed_out), at this time on the
    /// clock of [`now`](Self::now); `None` takes that back. A node has one such time; it is
    /// forgotten when the node leaves, or, if it is a layer, when the connection has failed and its
    /// input is over.
    pub fn wake_at(&mut self, at: Option<Duration>) {
        let key = self.core.keys[self.place()];
        self.core.alarms.retain(|(of, _)| *of != key);
        self.core.alarms.extend(at.map(|at| (key, at)));
    }

    /// Pushes a layer at the top of the stack, just below the application. From within the
    /// application's callbacks: what was sent before goes out past the new layer, what is sent
    /// after goes through it, and input that the callback does not take is residue.
    ///
    /// [`Event::Up`](crate::Event::Up) tells when it works; until then it keeps what is written.
    /// If it is refused ([`Event::PushRefused`](crate::Event::PushRefused)), what was sent after
    /// it is forgotten: it never goes out in clear.
    pub fn push<L: Layer>(&mut self, layer: L) -> LayerId<L> {
        let mut changes = Changes::new();
        let id = changes.push(layer);
        self.apply(changes);
        id
    }

    /// Makes these changes of the stack, all or none, as for [`push`](Self::push).
    pub fn apply(&mut self, changes: Changes) {
        let (top, place) = (self.core.depth - 1, self.place());
        self.core.gated.set(top, true);
        self.core.refresh();
        self.core.enqueue(place, Op::Change(changes));
    }

    /// Pops a layer. [`Event::Left`](crate::Event::Left) gives it back.
    pub fn pop(&mut self, key: impl Into<LayerKey>) {
        let place = self.place();
        self.core.enqueue(place, Op::Pop(key.into()));
    }

    pub(crate) fn visit(&mut self, key: LayerKey, visit: Visit) {
        let place = self.place();
        self.core.enqueue(place, Op::Visit(key, visit));
    }

    /// Forbids for good that the layer, or any below it, leaves; see
    /// [`Stack::anchor`](crate::Stack::anchor).
    ///
    /// # Errors
    ///
    /// If there is no such layer, or if one of them has ended a half already.
    pub fn anchor(&mut self, key: impl Into<LayerKey>) -> Result<(), Error> {
        self.core.anchor(key.into())
    }

    /// Ends the connection's outgoing half, behind what this node has sent.
    pub fn shutdown(&mut self) {
        let place = self.place();
        self.core.enqueue(place, Op::Shutdown);
    }

    /// How many bytes the node above was handed so far.
    #[cfg(feature = "testing")]
    pub(crate) fn has_risen(&self) -> u64 {
        match (self.core.way, &self.next) {
            (Way::Up, [slot, ..]) => slot.counts.came_up,
            _ => 0,
        }
    }

    /// How many bytes the node below was handed so far.
    #[cfg(feature = "testing")]
    pub(crate) fn has_sunk(&self) -> u64 {
        match (self.core.way, &self.next) {
            (Way::Down, [.., slot]) => slot.counts.came_down,
            (Way::Down, []) => self.core.came_out(),
            _ => 0,
        }
    }

    /// When this node is to be called.
    #[cfg(feature = "testing")]
    pub(crate) fn alarm(&self) -> Option<Duration> {
        let key = self.core.keys[self.place()];
        let mut alarms = self.core.alarms.iter();
        alarms.find(|(of, _)| *of == key).map(|(_, at)| *at)
    }

    /// From within `finish`: this layer's outgoing half has not ended yet. Unless it is leaving, it
    /// is asked again.
    #[cfg(feature = "tokio")]
    pub(crate) fn finish_later(&mut self) {
        self.core.unfinished = true;
    }

    /// The end of input has come, and this layer has more to hand on, of which it will be told
    /// ([`Stack::call_again`](crate::Stack::call_again)): the end waits below it until then.
    #[cfg(feature = "tokio")]
    pub(crate) fn keep_end(&mut self) {
        let place = self.place();
        self.core.paused.set(place, true);
        self.core.starve(place);
    }

    /// The place of the node that is being called.
    fn place(&self) -> usize {
        match self.core.way {
            Way::Up => self.core.depth - self.next.len() - 1,
            Way::Down => self.next.len(),
            Way::Still(place) => place,
        }
    }

    #[cold]
    #[inline(never)]
    fn deliver_later(&mut self, bytes: &mut [u8]) {
        if bytes.is_empty() {
            return;
        }
        match self.core.way {
            Way::Up => {
                let place = self.core.depth - self.next.len();
                let Some((slot, rest)) = self.next.split_first_mut() else {
                    let error = Error::local("nothing stands above the application");
                    return self.core.fail(place - 1, error);
                };
                if self.core.collects(slot) {
                    self.core.hold(slot, place, bytes);
                } else {
                    slot.counts.came_up += bytes.len() as u64;
                    slot.counts.passed_up += bytes.len() as u64;
                    let mut cx = Context {
                        core: self.core,
                        next: rest,
                    };
                    cx.deliver(bytes);
                }
            }
            _ => self.queue_delivery((&*bytes).into()),
        }
    }

    fn queue_delivery(&mut self, bytes: Buffer) {
        if !bytes.is_empty() {
            let (place, epoch) = (self.place(), self.core.rising);
            self.core.enqueue_bytes(place, Op::Deliver(bytes, epoch));
        }
    }

    #[cold]
    #[inline(never)]
    fn send_later(&mut self, chunk: Chunk<'_>) {
        self.core.unflushed = true;
        match self.core.way {
            Way::Down => match self.next.split_last_mut() {
                // Passed by: its outbound half has ended.
                Some((slot, rest)) => {
                    slot.counts.came_down += chunk.len() as u64;
                    slot.counts.passed_down += chunk.len() as u64;
                    let mut cx = Context {
                        core: self.core,
                        next: rest,
                    };
                    cx.send_chunk(chunk);
                }
                // Whoever sends although writing is paused may do so up to the budget.
                None if self.core.waiting() >= self.core.limits.budget => {
                    self.core.fail(0, over_budget());
                }
                None => self.core.put_out(chunk.as_slice()),
            },
            _ => self.queue_sending(chunk.as_slice().into()),
        }
    }

    fn queue_sending(&mut self, bytes: Buffer) {
        if !bytes.is_empty() {
            let place = self.place();
            self.core.unflushed = true;
            self.core.enqueue_bytes(place, Op::Send(bytes));
        }
    }
}

/// The node in `slot` took less than all of `bytes`, or failed.
#[cold]
#[inline(never)]
fn took_less(core: &mut Core, slot: &mut Slot, bytes: &[u8], taken: Result<usize, Error>) {
    let place = slot.place();
    match taken {
        Ok(n) if n > bytes.len() => core.fail(place, took_too_much()),
        Ok(n) => {
            slot.counts.came_up += n as u64;
            core.hold(slot, place, &bytes[n..]);
            // Offered again only when it may take more: at the next bytes, or with new room.
            // If nothing more can come, it is offered once again, and taking nothing is then an
            // error.
            core.stirred.set(place, n > 0 || core.full.has(place));
        }
        Err(error) => core.fail(place, error),
    }
}

pub(crate) fn took_too_much() -> Error {
    Error::local("it says that it took more bytes than there were")
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("place", &self.place())
            .field("now", &self.core.now)
            .finish_non_exhaustive()
    }
}
