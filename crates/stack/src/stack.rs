//! The stack: nodes in order, an application above them, a network below.

use std::any::Any;
use std::collections::VecDeque;
use std::time::Duration;

use crate::context::Path;
use crate::core::Core;
use crate::epoch::Epochs;
use crate::held::Held;
use crate::slot::{App, Life, Outbound, Reader, Slot};
use crate::{
    Blame, Chunk, Context, End, Epoch, Error, ErrorKind, Event, Layer, LayerKey, LayerView, Limits,
    Outcome, Protocol, Standing,
};

/// The most layers that a stack may have.
pub const MAX_DEPTH: usize = 60;

/// A stack of layers between an application and a network, without either: bytes and time come
/// in by its methods, bytes and deadlines go out by them.
///
/// With the feature `tokio`, [`Connection`](crate::Connection) drives one over a socket. Those
/// with an event loop of their own drive it themselves; the methods come in these kinds:
///
/// | kind | methods |
/// |---|---|
/// | the network's side | [`receive`](Self::receive) or [`input_space`](Self::input_space) + [`filled`](Self::filled), [`receive_end`](Self::receive_end), [`fail`](Self::fail), [`fail_sending`](Self::fail_sending); [`outgoing`](Self::outgoing) + [`sent`](Self::sent), [`outgoing_ended`](Self::outgoing_ended); [`wants_input`](Self::wants_input) |
/// | time | [`advance`](Self::advance), [`deadline`](Self::deadline), [`has_work`](Self::has_work) |
/// | the application's side | [`readable`](Self::readable) + [`consume`](Self::consume), [`input_end`](Self::input_end); [`write`](Self::write), [`flush`](Self::flush), [`shutdown`](Self::shutdown), [`writable`](Self::writable) |
/// | changes | [`push`](Self::push), [`push_after`](Self::push_after), [`start_pop`](Self::start_pop), [`take_popped`](Self::take_popped), [`rip`](Self::rip) |
/// | looking | [`layers`](Self::layers), [`info`](Self::info), [`epoch`](Self::epoch), `Display` |
///
/// A turn of a loop: `advance` to the present time; read what there is while `wants_input`; read,
/// write and change as the application likes; before waiting for input, `flush`; write `outgoing`
/// to the socket. Everything takes effect within the call.
pub struct Stack {
    /// Lowest first; the last is the application.
    pub(crate) slots: Vec<Slot>,
    pub(crate) core: Core,
    /// The end of input, on its way up.
    pub(crate) end: Option<RisingEnd>,
    /// Why the connection has failed.
    pub(crate) failure: Option<Error>,
    pub(crate) outgoing: Outgoing,
    /// Events that the application has not been told yet, each with the epoch before which all
    /// bytes are to be with the application first.
    pub(crate) events: VecDeque<(u64, Event)>,
    /// Layers that have left and were not claimed yet, where the application reads a stream.
    pub(crate) left: Vec<(LayerKey, Box<dyn Layer>, Outcome)>,
    pub(crate) epochs: Epochs,
    /// The number of the outbound epoch.
    pub(crate) written: u64,
    /// The application has been told that its input is over.
    pub(crate) app_told_end: bool,
    pub(crate) lost: bool,
}

/// The end of input waits at the boundary below `place`, behind the bytes that wait there.
#[derive(Debug)]
pub(crate) struct RisingEnd {
    pub(crate) place: usize,
    pub(crate) end: End,
}

/// The connection's outgoing half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outgoing {
    Open,
    /// To be ended once every layer is up.
    Ending,
    /// Every layer has sent its end mark.
    Ended,
}

impl Stack {
    /// An empty stack whose application reads and writes a stream of bytes.
    pub fn new(limits: Limits) -> Self {
        let mut stack = Self::with_top(Box::new(Reader), limits);
        stack.core.reader.set(0, true);
        stack.core.refresh();
        stack
    }

    /// An empty stack whose application is a [`Protocol`]. It is attached at once; if it fails
    /// there, so has the connection.
    pub fn with_app(app: Box<dyn Protocol>, limits: Limits) -> Self {
        let mut stack = Self::with_top(Box::new(App(app)), limits);
        let standing = stack.standing();
        if let Err(error) = stack.call_still(0, |node, cx| node.attached(cx, &standing)) {
            stack.core.fail(0, error);
        }
        stack.run();
        stack
    }

    fn with_top(top: Box<dyn Layer>, limits: Limits) -> Self {
        let limits = limits.sane();
        let mut core = Core {
            work: limits.work,
            limits,
            depth: 1,
            ..Core::default()
        };
        let key = core.fresh_key();
        core.keys.push(key);
        let mut top = Slot::new(top);
        top.bit = 1;
        Self {
            slots: vec![top],
            core,
            end: None,
            failure: None,
            outgoing: Outgoing::Open,
            events: VecDeque::new(),
            left: Vec::new(),
            epochs: Epochs::default(),
            written: 0,
            app_told_end: false,
            lost: false,
        }
    }

    /// The application's place.
    #[inline]
    pub(crate) fn top(&self) -> usize {
        self.core.depth - 1
    }

    pub(crate) fn reads_stream(&self) -> bool {
        !self.core.reader.is_empty()
    }

    pub(crate) fn standing(&self) -> Standing {
        Standing {
            write_paused: self.core.write_paused,
            read_paused: self.core.paused.has(self.top()) || self.core.full.has(self.top()),
            end_seen: self.end.is_some(),
            epoch: self.epochs.present,
        }
    }

    // ---- the network's side ----

    /// Bytes came from the network. They are taken, all of them, and may be changed. None may
    /// follow [`receive_end`](Self::receive_end).
    ///
    /// For a caller that owns a buffer; a driver that would rather have the stack's own uses
    /// [`input_space`](Self::input_space).
    pub fn receive(&mut self, bytes: &mut [u8]) {
        if self.lost {
            return;
        }
        self.core.rising = self.epochs.present;
        Context::new(&mut self.core, Path::Up(&mut self.slots)).deliver(bytes);
        self.run();
    }

    /// At least 16 KiB of room for bytes from the network; then [`filled`](Self::filled), with
    /// 0 if none came.
    pub fn input_space(&mut self) -> &mut [u8] {
        self.slots[0].held.spare(16 * 1024)
    }

    /// Says that the first `n` bytes of [`input_space`](Self::input_space) came from the network.
    pub fn filled(&mut self, n: usize) {
        let epoch = self.epochs.present;
        let slot = &mut self.slots[0];
        slot.held.fill(n, epoch);
        if n == 0 {
            return;
        }
        self.core.held += n;
        self.core.stirred.set(0, true);
        self.core.measure(&self.slots[0], 0);
        self.run();
    }

    /// The network will send no more.
    pub fn receive_end(&mut self) {
        if self.end.is_none() {
            self.end = Some(RisingEnd {
                place: 0,
                end: End::Clean,
            });
            self.core.stir();
            self.run();
        }
    }

    /// The network failed. What was decoded before can still be read.
    pub fn fail(&mut self, error: Error) {
        if self.end.is_none() {
            self.record_failure(0, error);
            self.core.stir();
            self.run();
        }
    }

    /// The network takes no more bytes, for this reason. What it brings can still be read.
    pub fn fail_sending(&mut self, error: Error) {
        self.failure.get_or_insert(error);
        self.run();
    }

    /// The bytes that are ready for the network; then [`sent`](Self::sent).
    pub fn outgoing(&self) -> &[u8] {
        self.core.outbox.bytes()
    }

    /// Says that the network took the first `n` bytes of [`outgoing`](Self::outgoing).
    pub fn sent(&mut self, n: usize) {
        self.core.outbox.consume(n.min(self.core.outbox.len()));
        self.run();
    }

    /// Whether the outgoing half ends behind [`outgoing`](Self::outgoing): every layer has sent
    /// its end mark, and the transport's own (a TCP FIN) is due.
    pub fn outgoing_ended(&self) -> bool {
        self.outgoing == Outgoing::Ended
    }

    /// Whether bytes from the network are wanted now: somebody has room for them, or a layer's
    /// handshake needs them.
    pub fn wants_input(&self) -> bool {
        let reach = self.core.handshaking.highest().unwrap_or(self.top());
        let closed = self.core.no_room().0 & crate::bits::Places::up_to(reach).0;
        closed == 0 && self.end.is_none()
    }

    // ---- time ----

    /// It is `now`, counted from the connection's beginning: a new turn. Deadlines that have
    /// passed are acted on.
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

    /// When [`advance`](Self::advance) is to be called at the latest.
    pub fn deadline(&self) -> Option<Duration> {
        let alarms = self.core.alarms.iter().map(|(_, at)| *at);
        if self.core.handshaking.is_empty() && self.core.down.is_empty() {
            return alarms.min();
        }
        let lives = self.slots.iter().filter_map(|slot| match slot.life {
            Life::Handshaking { until, .. } | Life::Leaving { until, late: false } => Some(until),
            Life::Standing | Life::Leaving { .. } => None,
        });
        lives.chain(alarms).min()
    }

    /// Whether the turn stopped because its work was used up, with more to do: `advance` goes on.
    pub fn has_work(&self) -> bool {
        self.core.work_is_done() && self.next_offer_with_work().is_some()
    }

    // ---- the application's side ----

    /// The next bytes for the application, all of one epoch; then [`consume`](Self::consume).
    pub fn readable(&self) -> &[u8] {
        if self.reads_stream() {
            self.slots[self.top()].held.front()
        } else {
            &[]
        }
    }

    /// Says that the application took the first `n` bytes of [`readable`](Self::readable).
    pub fn consume(&mut self, n: usize) {
        let n = n.min(self.readable().len());
        if n > 0 {
            let top = self.top();
            self.slots[top].held.consume(n);
            self.core.held -= n;
            self.core.measure(&self.slots[top], top);
            self.run();
        }
    }

    /// Puts bytes back, before all that is [`readable`](Self::readable). They count as bytes of
    /// the epoch that is readable now, and against the budget.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Limit`] if that is more than the budget.
    pub fn unread(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.core.held + bytes.len() > self.core.limits.budget {
            return Err(Error::new(
                ErrorKind::Limit,
                Blame::Local,
                "more bytes put back than the connection's budget allows",
            ));
        }
        let (top, epoch) = (self.top(), self.epochs.present);
        self.slots[top].held.prepend(bytes, epoch);
        self.core.held += bytes.len();
        self.core.measure(&self.slots[top], top);
        Ok(())
    }

    /// How the input ends, if nothing is readable before: [`End::Clean`] if the network's end has
    /// risen to the top, or a layer is parked (see [`parked`](Self::parked)).
    pub fn input_end(&self) -> Option<End> {
        if !self.readable().is_empty() {
            return None;
        }
        match &self.end {
            Some(end) if end.place >= self.top() => Some(end.end.clone()),
            _ => self.parked().map(|_| End::Clean),
        }
    }

    /// The layer whose peer has ended its inbound half, unasked, if all that it decoded has been
    /// read. Popping it releases what follows.
    pub fn parked(&self) -> Option<LayerKey> {
        let place = self.parked_place()?;
        (!self.rises_above(place)).then(|| self.core.keys[place])
    }

    /// Writes bytes, through all layers. They are taken whole, and leave for the network at the
    /// latest with the next [`flush`](Self::flush).
    ///
    /// # Errors
    ///
    /// If the outgoing half has ended, or the connection has failed, also by this very write.
    pub fn write<'c>(&mut self, chunk: impl Into<Chunk<'c>>) -> Result<(), Error> {
        self.write_error()?;
        self.core.unflushed = true;
        let top = self.top();
        Context::new(&mut self.core, Path::Down(&mut self.slots[..top])).send(chunk);
        self.run();
        self.failure()
    }

    /// The error that a write meets now.
    pub(crate) fn write_error(&self) -> Result<(), Error> {
        self.failure()?;
        if self.outgoing != Outgoing::Open {
            return Err(Error::new(
                ErrorKind::Closed,
                Blame::Local,
                "write after the end of the outgoing half",
            ));
        }
        Ok(())
    }

    /// Why the connection has failed, if it has.
    pub(crate) fn failure(&self) -> Result<(), Error> {
        match &self.failure {
            Some(error) => Err(error.clone()),
            None if self.lost => Err(Error::new(
                ErrorKind::Closed,
                Blame::Local,
                "the connection is over",
            )),
            None => Ok(()),
        }
    }

    /// Lets everything written so far reach the peer's application: every layer sends what it
    /// stages. Without anything new since the last flush it does nothing.
    pub fn flush(&mut self) {
        if self.core.unflushed && self.failure.is_none() && !self.lost {
            self.core.unflushed = false;
            self.flush_down_to(0);
            // A flush sends; that is not something new to flush.
            self.core.unflushed = false;
            self.run();
        }
    }

    /// Whether something was sent, by the application or a layer, since the last flush.
    pub fn unflushed(&self) -> bool {
        self.core.unflushed
    }

    /// Ends the outgoing half: every layer, from the top down, sends its end mark; then
    /// [`outgoing_ended`](Self::outgoing_ended). Layers in a handshake are waited for.
    pub fn shutdown(&mut self) {
        if self.outgoing == Outgoing::Open {
            self.outgoing = Outgoing::Ending;
            self.run();
        }
    }

    /// Whether writing is better done now than later: the outbox has room, and no layer holds
    /// back.
    pub fn writable(&self) -> bool {
        !self.core.write_paused
    }

    /// Whether every layer is up.
    pub fn is_up(&self) -> bool {
        self.core.handshaking.is_empty()
    }

    /// Ends the life of every node, with this reason. Nothing happens after it.
    pub fn close(&mut self, end: End) {
        if !std::mem::replace(&mut self.lost, true) {
            for slot in &mut self.slots {
                slot.node.lost(&end);
            }
        }
    }

    // ---- looking ----

    /// The epoch of the next readable byte, or of the next to come if none is.
    pub fn epoch(&self) -> Epoch {
        let held = &self.slots[self.top()].held;
        let number = held.oldest().unwrap_or(self.epochs.present);
        let layers = self.slots[..self.top()].iter();
        self.epochs.describe(
            number,
            layers.map(|slot| {
                let passed_by = slot.until <= number;
                (
                    slot.node.name(),
                    if passed_by { u64::MAX } else { slot.since },
                )
            }),
        )
    }

    /// The epoch of the next byte to be written.
    pub fn write_epoch(&self) -> Epoch {
        let layers = self.slots[..self.top()].iter();
        let open = layers.filter(|slot| slot.outbound == Outbound::Open);
        Epoch::new(
            self.written,
            open.map(|slot| slot.node.name().to_owned()).collect(),
        )
    }

    /// The layers, lowest first.
    pub fn layers(&self) -> impl DoubleEndedIterator<Item = LayerView<'_>> {
        let layers = &self.slots[..self.top()];
        layers
            .iter()
            .enumerate()
            .map(|(place, slot)| LayerView::new(self.core.keys[place], slot))
    }

    /// A value of type `T` from the topmost layer that has one.
    pub fn info<T: Any>(&self) -> Option<&T> {
        let wanted = std::any::TypeId::of::<T>();
        let mut layers = self.slots[..self.top()].iter().rev();
        layers.find_map(|slot| slot.node.info(wanted)?.downcast_ref())
    }

    /// How the input of an application that is a [`Protocol`] has ended, if it has been told, or
    /// never will be since it has paused and waits for nothing.
    pub fn app_end(&self) -> Option<End> {
        match (&self.end, &self.failure) {
            (Some(end), _) if end.place > self.top() => Some(end.end.clone()),
            // It has paused, and nothing is left that could make it go on.
            (_, Some(error)) if self.core.paused.has(self.top()) && self.app_awaits_nothing() => {
                Some(End::Error(error.clone()))
            }
            (_, failure) => {
                let end = failure.clone().map_or(End::Clean, End::Error);
                self.app_told_end.then_some(end)
            }
        }
    }

    /// Whether the application has asked for no time to be called at.
    pub fn app_awaits_nothing(&self) -> bool {
        let app = self.core.keys[self.top()];
        self.core.alarms.iter().all(|(key, _)| *key != app)
    }

    /// The application, if it is a [`Protocol`], after the connection's life.
    pub fn into_app(mut self) -> Box<dyn Protocol> {
        let top = self
            .slots
            .pop()
            .unwrap_or_else(|| unreachable!("it stands always"));
        self.lost = true;
        match crate::layer::downcast::<App>(top.node) {
            Ok(App(app)) => app,
            Err(reader) => reader,
        }
    }

    /// The layers, lowest first, out of a stack that is no longer needed. They are not told.
    pub fn into_layers(mut self) -> Vec<Box<dyn Layer>> {
        self.lost = true;
        self.slots.pop();
        self.slots.drain(..).map(|slot| slot.node).collect()
    }

    // ---- within ----

    /// Calls the node at `place` while bytes rise.
    pub(crate) fn call_up<R>(
        &mut self,
        place: usize,
        call: impl FnOnce(&mut dyn Layer, &mut Held, &mut Context<'_>) -> R,
    ) -> R {
        let (below, above) = self.slots.split_at_mut(place + 1);
        let slot = &mut below[place];
        let mut cx = Context::new(&mut self.core, Path::Up(above));
        call(&mut *slot.node, &mut slot.held, &mut cx)
    }

    /// Calls the node at `place` while bytes sink.
    pub(crate) fn call_down<R>(
        &mut self,
        place: usize,
        call: impl FnOnce(&mut dyn Layer, &mut Context<'_>) -> R,
    ) -> R {
        let (below, rest) = self.slots.split_at_mut(place);
        let mut cx = Context::new(&mut self.core, Path::Down(below));
        call(&mut *rest[0].node, &mut cx)
    }

    /// Calls the node at `place` while no bytes move.
    pub(crate) fn call_still<R>(
        &mut self,
        place: usize,
        call: impl FnOnce(&mut dyn Layer, &mut Context<'_>) -> R,
    ) -> R {
        let mut cx = Context::new(&mut self.core, Path::Still(place));
        call(&mut *self.slots[place].node, &mut cx)
    }

    /// Flushes the layers from the top down to the one at `lowest`.
    pub(crate) fn flush_down_to(&mut self, lowest: usize) {
        for place in (lowest..self.top()).rev() {
            if !self.core.down.has(place)
                && let Err(error) = self.call_down(place, |node, cx| node.flush(cx))
            {
                self.core.fail(place, error);
            }
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let end = self.failure.clone().map_or(End::Clean, End::Error);
        self.close(end);
    }
}
