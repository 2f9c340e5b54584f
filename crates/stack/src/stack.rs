//! The stack: nodes in order, an application above them, a network below.

use std::any::Any;
use std::collections::VecDeque;

use crate::application::{App, Reader};
use crate::core::{Core, over_budget};
use crate::epoch::Epochs;
use crate::held::Held;
use crate::slot::{Inbound, Slot};
use crate::{
    Context, End, Error, Event, Layer, LayerKey, Limits, Notice, Outcome, Protocol, Standing,
};

/// After so many bytes, the layers are asked again what they hold: asking at every chunk would cost
/// more than the chunk.
const ASK_AFTER: usize = 16 * 1024;

/// The most layers that a stack may have.
pub const MAX_DEPTH: usize = 60;

/// A stack of layers between an application and a network, without either: bytes and time come
/// in by its methods, bytes and deadlines go out by them.
///
/// With the feature `tokio`, `Connection` drives one over a socket. Those with an event loop of their own drive it themselves; the methods come in these kinds:
///
/// | kind | methods |
/// |---|---|
/// | the network's side | [`receive`](Self::receive) or [`input_space`](Self::input_space) + [`filled`](Self::filled), [`receive_end`](Self::receive_end), [`fail`](Self::fail), [`fail_sending`](Self::fail_sending); [`outgoing`](Self::outgoing) + [`sent`](Self::sent), [`outgoing_ended`](Self::outgoing_ended); [`wants_input`](Self::wants_input) |
/// | time | [`advance`](Self::advance), [`deadline`](Self::deadline), [`has_work`](Self::has_work) |
/// | the application's side | [`readable`](Self::readable) + [`consume`](Self::consume), [`unread`](Self::unread), [`input_end`](Self::input_end), [`parked`](Self::parked); [`write`](Self::write), [`flush`](Self::flush), [`unflushed`](Self::unflushed), [`writable`](Self::writable), [`shutdown`](Self::shutdown); for a [`Protocol`] at the top [`app_end`](Self::app_end), [`app_awaits_nothing`](Self::app_awaits_nothing) |
/// | changes | [`push`](Self::push), [`push_after`](Self::push_after), [`insert_above`](Self::insert_above), [`insert_below`](Self::insert_below), [`replace`](Self::replace), [`apply`](Self::apply), [`is_up`](Self::is_up); [`start_pop`](Self::start_pop), [`popping`](Self::popping), [`take_popped`](Self::take_popped); [`rip`](Self::rip); [`anchor`](Self::anchor); [`with_layer`](Self::with_layer) |
/// | looking | [`layers`](Self::layers), [`traffic`](Self::traffic), [`info`](Self::info), [`epoch`](Self::epoch), [`write_epoch`](Self::write_epoch), `Display`; [`watch`](Self::watch), [`take_notices`](Self::take_notices) |
/// | the end | [`close`](Self::close), [`into_app`](Self::into_app), [`into_parts`](Self::into_parts) |
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
    /// Counts the layers whose inbound half began behind another's end mark.
    pub(crate) begun: u64,
    /// Layers that have withdrawn from their handshake, and that whoever pushed them has not taken back.
    pub(crate) refused: Vec<(LayerKey, Error)>,
    /// Layers that have left and were not taken yet.
    pub(crate) left: Vec<(LayerKey, Box<dyn Layer>, Outcome)>,
    /// Layers that were asked to leave by those who drive the stack, and not by the application:
    /// they are theirs once they have left.
    pub(crate) claimed: Vec<LayerKey>,
    pub(crate) epochs: Epochs,
    /// The number of the outbound epoch.
    pub(crate) written: u64,
    /// Counts the layers that were asked to leave, and those that came in above one that was.
    pub(crate) changes: u64,
    /// What the network has to tell.
    pub(crate) network: Vec<Box<dyn Any + Send + Sync>>,
    /// Notices that nobody has taken yet; `None` while nobody watches.
    pub(crate) news: Option<Vec<Notice>>,
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
        let standing = stack.standing(0);
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
        let key = LayerKey::fresh();
        core.keys.push(key);
        let mut top = Slot::new(top);
        top.bit = 1;
        top.inbound = Inbound::Decoding;
        Self {
            slots: vec![top],
            core,
            end: None,
            failure: None,
            outgoing: Outgoing::Open,
            events: VecDeque::new(),
            begun: 0,
            refused: Vec::new(),
            left: Vec::new(),
            claimed: Vec::new(),
            epochs: Epochs::default(),
            written: 0,
            changes: 0,
            network: Vec::new(),
            news: None,
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

    /// Where a node stands that comes in at `place`.
    pub(crate) fn standing(&self, place: usize) -> Standing {
        let top = self.top();
        Standing {
            up: !self.core.handshaking.any_below(place),
            write_paused: self.core.write_paused.has(place),
            read_paused: self.core.paused.has(top) || self.core.full.has(top),
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
        let n = bytes.len();
        Context::rising(&mut self.core, &mut self.slots).deliver(bytes);
        self.account_for(n);
        self.run();
    }

    /// At least 16 KiB of room for bytes from the network; then [`filled`](Self::filled), with
    /// 0 if none came.
    pub fn input_space(&mut self) -> &mut [u8] {
        self.slots[0].held.spare(16 * 1024)
    }

    /// Says that the first `n` bytes of [`input_space`](Self::input_space) came from the network.
    ///
    /// # Panics
    ///
    /// If there was no room for that many.
    pub fn filled(&mut self, n: usize) {
        let epoch = self.epochs.present;
        let slot = &mut self.slots[0];
        slot.held.fill(n, epoch);
        if n == 0 {
            return;
        }
        slot.counts.came_up += n as u64;
        self.core.held += n;
        self.core.stirred.set(0, true);
        self.core.measure(&self.slots[0], 0);
        self.account_for(n);
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

    /// How many bytes are [`outgoing`](Self::outgoing).
    #[inline]
    #[cfg(feature = "tokio")]
    pub(crate) fn outgoing_len(&self) -> usize {
        self.core.outbox.len()
    }

    /// Says that the network took the first `n` bytes of [`outgoing`](Self::outgoing), or all if
    /// those are fewer.
    pub fn sent(&mut self, n: usize) {
        let n = n.min(self.core.outbox.len());
        self.core.outbox.consume(n);
        self.core.gone += n as u64;
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
        let reach = self.core.topmost_handshake().unwrap_or(self.top());
        let closed = self.core.no_room().0 & crate::bits::Places::up_to(reach).0;
        closed == 0 && self.end.is_none()
    }

    // ---- the end ----

    /// Ends the life of every node, with this reason. Nothing happens after it.
    pub fn close(&mut self, end: End) {
        if !std::mem::replace(&mut self.lost, true) {
            for slot in &mut self.slots {
                slot.node.lost(&end);
            }
        }
    }

    /// The reason that a life ends with for which nobody names one.
    pub(crate) fn last_end(&self) -> End {
        self.failure.clone().map_or(End::Clean, End::Error)
    }

    // ---- within ----

    /// Whether there is a connection still.
    pub(crate) fn check_alive(&self) -> Result<(), Error> {
        match self.lost {
            true => self.failure(),
            false => Ok(()),
        }
    }

    /// `n` bytes came in, from either side: now and then it is checked that all that is held, the
    /// layers' own included, is within the budget.
    #[inline]
    pub(crate) fn account_for(&mut self, n: usize) {
        self.core.unasked += n;
        if self.core.unasked >= ASK_AFTER {
            self.check_budget();
        }
    }

    #[cold]
    fn check_budget(&mut self) {
        self.core.unasked = 0;
        let inside = || self.slots.iter().map(|slot| slot.node.held());
        if self.core.waiting() + inside().sum::<usize>() > self.core.limits.budget {
            // Who holds most is to be named; if no layer does, the lowest, above what waits.
            let holders = inside().zip(0..).filter(|(held, _)| *held > 0);
            let most = holders.max_by_key(|(held, _)| *held);
            let place = most.map_or(0, |(_, place)| place);
            self.core.fail(place, over_budget());
        }
    }

    /// Calls the node at `place` while bytes rise.
    pub(crate) fn call_up<R>(
        &mut self,
        place: usize,
        call: impl FnOnce(&mut dyn Layer, &mut Held, &mut Context<'_>) -> R,
    ) -> R {
        let (below, above) = self.slots.split_at_mut(place + 1);
        let slot = &mut below[place];
        let mut cx = Context::rising(&mut self.core, above);
        call(&mut *slot.node, &mut slot.held, &mut cx)
    }

    /// Calls the node at `place` while bytes sink.
    pub(crate) fn call_down<R>(
        &mut self,
        place: usize,
        call: impl FnOnce(&mut dyn Layer, &mut Context<'_>) -> R,
    ) -> R {
        let (below, rest) = self.slots.split_at_mut(place);
        let mut cx = Context::sinking(&mut self.core, below);
        call(&mut *rest[0].node, &mut cx)
    }

    /// Calls the node at `place` while no bytes move.
    pub(crate) fn call_still<R>(
        &mut self,
        place: usize,
        call: impl FnOnce(&mut dyn Layer, &mut Context<'_>) -> R,
    ) -> R {
        let mut cx = Context::still(&mut self.core, place);
        call(&mut *self.slots[place].node, &mut cx)
    }

    /// Flushes the layers from the top down to the one at `lowest`.
    pub(crate) fn flush_down_to(&mut self, lowest: usize) {
        self.flush_from(self.top(), lowest);
    }

    /// Flushes the layers below the one at `top`, down to the one at `lowest`.
    pub(crate) fn flush_from(&mut self, top: usize, lowest: usize) {
        for place in (lowest..top).rev() {
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
        self.close(self.last_end());
    }
}
