//! The application: the node at the top, and its side of a stack.

use crate::stack::{Outgoing, Stack};
use crate::{
    Blame, Chunk, Context, End, Error, ErrorKind, Event, Layer, LayerKey, Protocol, Readiness,
    Standing, Transport,
};

/// The application's side.
impl Stack {
    /// The next bytes for the application, all of one epoch; then [`consume`](Self::consume).
    pub fn readable(&self) -> &[u8] {
        if self.reads_stream() {
            self.slots[self.top()].held.front()
        } else {
            &[]
        }
    }

    /// Whether anything is [`readable`](Self::readable), at the cost of a bit.
    #[inline]
    pub(crate) fn is_readable(&self) -> bool {
        self.core.holding.0 & self.core.reader.0 != 0
    }

    /// Says that the application took the first `n` bytes of [`readable`](Self::readable), or all
    /// if those are fewer.
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
        if self.core.waiting() + bytes.len() > self.core.limits.budget {
            return Err(Error::new(
                ErrorKind::Limit,
                Blame::Local,
                "more bytes put back than the connection's budget allows",
            ));
        }
        let (top, epoch) = (self.top(), self.epochs.present);
        self.slots[top].held.prepend(bytes, epoch);
        self.count_put_back(bytes.len());
        self.core.held += bytes.len();
        self.core.stirred.set(top, true);
        self.core.measure(&self.slots[top], top);
        self.run();
        Ok(())
    }

    /// How the input ends, if nothing is readable before: [`End::Clean`] if the network's end has
    /// risen to the top, or a layer is parked (see [`parked`](Self::parked)).
    pub fn input_end(&self) -> Option<End> {
        if self.is_readable() || (self.end.is_none() && self.core.shut.is_empty()) {
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
        let (top, chunk) = (self.top(), chunk.into());
        self.account_for(chunk.len());
        Context::sinking(&mut self.core, &mut self.slots[..top]).send(chunk);
        self.run();
        self.failure()
    }

    /// Writes bytes that need not be copied: if they come down to an empty outbox just as they are,
    /// it returns true, and the caller has to hand them to the network, before all that is
    /// [`outgoing`](Self::outgoing) by then; the rest it gives to [`put_first`](Self::put_first).
    #[cfg(feature = "tokio")]
    pub(crate) fn write_lent(&mut self, bytes: &[u8]) -> Result<bool, Error> {
        self.core.lent = crate::chunk::Lent::sinking(bytes);
        let written = self.write(bytes);
        let lent = std::mem::take(&mut self.core.lent);
        written.map(|()| lent == crate::chunk::Lent::Arrived)
    }

    /// Puts bytes before all that is outgoing.
    #[cfg(feature = "tokio")]
    pub(crate) fn put_first(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.core.outbox.prepend(bytes);
            self.core.gone -= bytes.len() as u64;
            self.run();
        }
    }

    /// The error that a write meets now.
    #[inline]
    pub(crate) fn write_error(&self) -> Result<(), Error> {
        match self.failure.is_none()
            && !self.lost
            && self.refused.is_empty()
            && self.outgoing == Outgoing::Open
        {
            true => Ok(()),
            false => self.why_no_write(),
        }
    }

    #[cold]
    fn why_no_write(&self) -> Result<(), Error> {
        self.failure()?;
        if let Some((_, error)) = self.refused.first() {
            return Err(error.clone());
        }
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
    #[inline]
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
        if !self.core.unflushed || self.lost {
            return;
        }
        // Where a layer has failed, those below it still let its last word out.
        let top = match &self.failure {
            None => self.top(),
            Some(_) => self.core.sealed.highest().unwrap_or(0),
        };
        self.flush_from(top, 0);
        // A flush sends; that is not something new to flush.
        self.core.unflushed = false;
        self.run();
    }

    /// Whether a layer holds back what a flush has not got out of it.
    #[cfg(feature = "tokio")]
    pub(crate) fn is_held_back(&self) -> bool {
        !self.core.held_back.is_empty()
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
        !self.core.write_paused.has(self.top())
    }

    /// Whether every layer is up.
    pub fn is_up(&self) -> bool {
        self.core.handshaking.is_empty()
    }

    /// How the input of an application that is a [`Protocol`] has ended: once it was told, or, if
    /// it has paused and awaits no time, once the connection has failed.
    pub fn app_end(&self) -> Option<End> {
        match (&self.end, &self.failure) {
            (Some(end), failure) if end.place > self.top() => Some(match failure {
                // Its input has ended well, but not what it wrote.
                Some(error) if end.end.error().is_none() => End::Error(error.clone()),
                _ => end.end.clone(),
            }),
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

    /// Whether the application waits for nothing but input: it has asked for no time to be called
    /// at, and writing is not paused, of whose end it would be told.
    pub fn app_awaits_nothing(&self) -> bool {
        let app = self.core.keys[self.top()];
        let timed = self.core.alarms.iter().any(|(key, _)| *key == app);
        !timed && self.writable()
    }

    /// The application, if it is a [`Protocol`], after the connection's life: if that is not over
    /// yet, it ends now.
    pub fn into_app(mut self) -> Option<Box<dyn Protocol>> {
        self.close(self.last_end());
        let top = self.slots.pop()?;
        crate::layer::downcast::<App>(top.node)
            .ok()
            .map(|App(app)| app)
    }
}

/// What stands at the top where the application reads and writes a stream: it takes nothing, so
/// all that arrives waits at the boundary below it, which is the inbox.
pub(crate) struct Reader;

impl Protocol for Reader {
    fn received(&mut self, _: &mut Context<'_>, _: &mut [u8]) -> Result<usize, Error> {
        Ok(0)
    }
}

impl Transport for Reader {
    fn send(&mut self, _: &mut Context<'_>, _: Chunk<'_>) -> Result<(), Error> {
        Ok(())
    }
}

impl Layer for Reader {
    fn name(&self) -> &str {
        "app"
    }
}

/// What stands at the top where the application is a [`Protocol`].
pub(crate) struct App(pub(crate) Box<dyn Protocol>);

impl Protocol for App {
    fn attached(&mut self, cx: &mut Context<'_>, at: &Standing) -> Result<Readiness, Error> {
        self.0.attached(cx, at)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        self.0.received(cx, bytes)
    }

    fn end_received(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.0.end_received(cx)
    }

    fn writable(&mut self, cx: &mut Context<'_>, writable: bool) {
        self.0.writable(cx, writable);
    }

    fn event(&mut self, cx: &mut Context<'_>, event: Event) {
        self.0.event(cx, event);
    }

    fn lost(&mut self, end: &End) {
        self.0.lost(end);
    }

    fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.0.timed_out(cx)
    }
}

impl Transport for App {
    fn send(&mut self, _: &mut Context<'_>, _: Chunk<'_>) -> Result<(), Error> {
        Ok(())
    }
}

impl Layer for App {
    fn name(&self) -> &str {
        "app"
    }
}
