//! What drives a connection: one loop, for whoever awaits.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep};

use super::handle::Handle;
use super::mail::Mailbox;
use super::pieces::Pieces;
use super::signals::Signals;
use super::socket::Socket;
use super::task::{Alone, Progress};
use super::wakers::{Side, Wakers};
use crate::buffer::BLOCK;
use crate::rules::busy;
use crate::{Error, Stack};

/// How often a poll reads from a socket that always has more, before other tasks have their turn.
const READS: u32 = 32;

/// A stack, the socket below it, and all that waiting needs.
pub(super) struct Driver<Io> {
    pub(super) io: Io,
    pub(super) stack: Stack,
    pub(super) wakers: Arc<Wakers>,
    /// Wakes both sides; the socket and the timer know no other.
    pub(super) waker: Waker,
    began: Instant,
    /// Runs while the stack has a deadline.
    timer: Option<Pin<Box<Sleep>>>,
    /// No reading: an answer is on its way out, behind which a layer is to be pushed.
    pub(super) frozen: bool,
    /// Every write is flushed.
    pub(super) write_through: bool,
    /// Other tasks have had their turn since the stack's work was used up.
    yielded: bool,
    pub(super) socket: Socket,
    /// Small writes on their way to the stack.
    pub(super) pieces: Pieces,
    /// What other tasks have asked for.
    pub(super) mailbox: Mailbox,
    /// The layers that may go on by themselves.
    signals: Signals,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Driver<Io> {
    pub(super) fn new(io: Io, stack: Stack) -> Self {
        let wakers = Arc::new(Wakers::default());
        Self {
            io,
            stack,
            waker: Arc::clone(&wakers).into(),
            wakers,
            began: now(),
            timer: None,
            frozen: false,
            write_through: false,
            yielded: false,
            socket: Socket::Flushed,
            pieces: Pieces::default(),
            mailbox: Mailbox::default(),
            signals: Signals::default(),
        }
    }

    /// A handle for other tasks. From now on the stack is watched.
    pub(super) fn handle(&mut self) -> Handle {
        self.stack.watch(true);
        Handle::new(self.mailbox.mail(), Arc::clone(&self.wakers))
    }

    /// Drives the connection until `done` says so: reads while somebody has room for the bytes,
    /// writes what is ready, and before it waits for input flushes what was written.
    pub(super) fn poll<T>(
        &mut self,
        side: Side,
        task: &mut Context<'_>,
        mut done: impl FnMut(&mut Self) -> Option<T>,
    ) -> Poll<T> {
        self.settle();
        self.run_errands(side);
        if let Some(result) = done(self) {
            self.rouse(side.other());
            return Poll::Ready(result);
        }
        self.wakers.arm(side, task.waker());
        let has_work = self.stack.has_work();
        if has_work && !std::mem::take(&mut self.yielded) {
            // Who reads a bomb as fast as it is made comes here again and again, and never waits.
            return self.yield_now(task);
        }
        if has_work || self.stack.deadline().is_some() {
            self.begin_turn();
        } else {
            self.tell_time();
        }
        self.answer_signals();
        let mut reads = 0;
        loop {
            self.run_errands(side);
            if let Some(result) = done(self) {
                self.wakers.disarm(side);
                self.rouse(side.other());
                return Poll::Ready(result);
            }
            // A writer comes here because there is no room: that is made first.
            let wrote = side == Side::Write && self.write_out();
            let read = !wrote && reads < READS && self.read_in();
            if wrote || read {
                reads += u32::from(read);
                continue;
            }
            // A flush that sends nothing may yet make room, or fail.
            let flushed = self.stack.unflushed();
            self.stack.flush();
            if self.write_out() || self.end_socket() || flushed {
                continue;
            }
            let farewell = matches!(self.socket, Socket::Broken { .. })
                && self.stack.wants_input()
                && !self.frozen;
            let busy = self.stack.has_work() || reads == READS || farewell;
            if !busy && self.deadline_passed() {
                self.begin_turn();
                continue;
            }
            let goes_on = self.has_new_signal() || busy;
            self.rouse(side.other());
            match goes_on {
                true => return self.yield_now(task),
                false => return Poll::Pending,
            }
        }
    }

    /// Other tasks have their turn now; this one goes on after them.
    fn yield_now<T>(&mut self, task: &Context<'_>) -> Poll<T> {
        self.yielded = self.stack.has_work();
        task.waker().wake_by_ref();
        Poll::Pending
    }

    /// Gets on with what other tasks have asked for.
    #[inline]
    fn run_errands(&mut self, side: Side) {
        if self.mailbox.has_handle() {
            self.open_mailbox(side);
        }
    }

    #[cold]
    fn open_mailbox(&mut self, side: Side) {
        if !self.mailbox.is_empty() {
            if self.mailbox.has_new() {
                self.begin_turn();
            }
            if self.mailbox.run(&mut self.stack) {
                // The peer may wait for a change's last words; another task, for what it brought.
                self.hand_over();
                self.wakers.wake_side(side.other());
            }
        }
        self.mailbox.publish(&mut self.stack);
    }

    /// Calls the layers that can go on by themselves. Once a poll: what one that never rests has to
    /// do is for the next.
    #[inline]
    fn answer_signals(&mut self) {
        if !self.signals.is_empty() && self.signals.any_raised() {
            self.stack.begin(self.age());
            self.signals.answer(&mut self.stack);
        }
    }

    /// Whether a layer that has come in since the last poll that waited can go on, which nobody was
    /// there to hear.
    #[inline]
    fn has_new_signal(&mut self) -> bool {
        self.signals.renew(&self.stack, &self.waker) && self.signals.any_raised()
    }

    /// Tells the stack the time, on which its deadlines build, and grants it new work.
    pub(super) fn begin_turn(&mut self) {
        let now = self.age();
        if self
            .stack
            .deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            // Whoever drives comes late; what has come meanwhile has not.
            self.read_in();
        }
        self.stack.advance(now);
    }

    /// Tells the stack the time within a turn, if a layer wants to know.
    pub(super) fn tell_time(&mut self) {
        let began = self.began;
        self.stack.tell_time(|| now().duration_since(began));
    }

    /// How long ago the connection began.
    pub(super) fn age(&self) -> Duration {
        now().duration_since(self.began)
    }

    /// Wakes the task of `side`, if what it waits for may be there.
    fn rouse(&self, side: Side) {
        if !self.wakers.is_armed(side) {
            return;
        }
        let may_go_on = match side {
            Side::Read => {
                self.stack.is_readable()
                    || self.stack.input_end().is_some()
                    || self.stack.failure().is_err()
            }
            Side::Write => {
                (self.stack.writable() && self.stack.outgoing_len() == 0)
                    || self.stack.write_error().is_err()
            }
        };
        if may_go_on {
            self.wakers.wake_side(side);
        }
    }

    /// Whether the stack's next deadline has passed; if not, the timer runs.
    fn deadline_passed(&mut self) -> bool {
        // One that is too far for the clock is none.
        let deadline = self.stack.deadline();
        let Some(at) = deadline.and_then(|deadline| self.began.checked_add(deadline)) else {
            self.timer = None;
            return false;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        let mut cx = Context::from_waker(&self.waker);
        timer.as_mut().poll(&mut cx).is_ready()
    }

    /// Carries out a change, whose course `step` knows, and hands over its last words: the peer may
    /// wait for them, and nothing be written here for long.
    pub(super) fn poll_change<T>(
        &mut self,
        task: &mut Context<'_>,
        mut step: impl FnMut(&mut Stack, Alone) -> Progress<T>,
    ) -> Poll<T> {
        let mut poll = self.poll(Side::Write, task, |driver| {
            let result = step(&mut driver.stack, Alone::No).done()?;
            driver.hand_over();
            Some(result)
        });
        // Whoever awaits this does not read meanwhile, so what needs that would never come.
        if poll.is_pending()
            && self.stack.waits_for_reader()
            && let Progress::Done(result) = step(&mut self.stack, Alone::Yes)
        {
            self.wakers.disarm(Side::Write);
            poll = Poll::Ready(result);
        }
        self.mailbox.publish(&mut self.stack);
        poll
    }

    // ---- the application's side ----

    /// Waits until something can be read: `true`, or the input is over: `false`.
    pub(super) fn poll_readable(&mut self, task: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        self.frozen = false; // Nobody can read past the guard, unless it was forgotten.
        self.poll(Side::Read, task, |driver| {
            if driver.stack.is_readable() {
                return Some(Ok(true));
            }
            let end = driver.stack.input_end()?;
            // The peer should learn of it, an alert for instance, if the socket takes it at once.
            driver.hand_over();
            Some(end.error().cloned().map_or(Ok(false), Err))
        })
    }

    /// The application has read `n` bytes.
    pub(super) fn consume(&mut self, n: usize) {
        self.settle();
        self.stack.consume(n);
        // What rose into their place may have brought a failure to light, or the end of a pop.
        self.run_errands(Side::Read);
        self.rouse(Side::Write);
    }

    /// Writes as much of `bytes` as there is room for; waits while there is none.
    #[inline]
    pub(super) fn poll_write(
        &mut self,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, Error>> {
        match self.gather(bytes) {
            true => Poll::Ready(Ok(bytes.len())),
            false => self.poll_write_now(task, bytes),
        }
    }

    fn poll_write_now(
        &mut self,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, Error>> {
        ready!(self.poll(Side::Write, task, |driver| {
            let writable = driver.stack.write_error().map(|()| driver.stack.writable());
            writable.map_or_else(|error| Some(Err(error)), |room| room.then_some(Ok(())))
        }))?;
        let taken = &bytes[..bytes.len().min(BLOCK)];
        if let Err(error) = self.write(taken) {
            self.wakers.wake_side(Side::Read);
            return Poll::Ready(Err(error));
        }
        match self.write_through {
            true => self.hand_over(),
            false => self.write_out_blocks(),
        }
        if self.stack.unflushed() {
            // A read that waits for the answer to this must flush it before it waits on.
            self.wakers.wake_side(Side::Read);
        }
        Poll::Ready(Ok(taken.len()))
    }

    /// Waits until all that was written is with the transport. A layer in its handshake keeps
    /// what is written, so the handshake is waited for.
    pub(super) fn poll_flush(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll(Side::Write, task, |driver| {
            // Most flushes need nothing more than this.
            driver.hand_over();
            let flushed = driver.stack.is_up()
                && !driver.stack.is_held_back()
                && driver.stack.outgoing_len() == 0
                && driver.socket != Socket::Unflushed;
            match driver.stack.failure() {
                Err(error) => Some(Err(error)),
                Ok(()) => flushed.then_some(Ok(())),
            }
        })
    }

    /// Waits until the outgoing half has ended, the transport's too.
    pub(super) fn poll_shutdown(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.settle();
        self.stack.shutdown();
        self.poll(Side::Write, task, |driver| {
            if driver.socket == Socket::ShutDown && driver.stack.outgoing_ended() {
                return Some(Ok(()));
            }
            driver.stack.failure().err().map(Err)
        })
    }

    /// Waits until every layer is up.
    pub(super) fn poll_up(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let up = self.poll(Side::Write, task, |driver| {
            let result = match driver.stack.failure() {
                Ok(()) if driver.stack.is_up() => Ok(()),
                Ok(()) => Err(driver.stack.refused.first()?.1.clone()),
                failed => failed,
            };
            // The last word of a handshake, or the alert that ends it: the peer waits for it.
            driver.hand_over();
            Some(result)
        });
        if up.is_pending() && self.stack.waits_for_reader() {
            self.wakers.disarm(Side::Write);
            let error = busy(
                "a layer that awaits another's end mark cannot be up before what waits is read",
            );
            return Poll::Ready(Err(error));
        }
        up
    }

    /// The last thing that is done with a connection.
    pub(super) fn last_attempt(&mut self) {
        self.settle();
        self.waker = Waker::noop().clone();
        self.hand_over();
    }
}

/// The one place of this crate that looks at a clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the driver is who tells the core the time"
)]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "the connection's one timer")]
fn sleep_until(at: Instant) -> Sleep {
    tokio::time::sleep_until(at)
}
