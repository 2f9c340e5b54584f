//! A connection, for other tasks.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use tokio::sync::{broadcast, oneshot};

use super::mail::{Asker, Errand, Mail, Run};
use super::task::{self, Alone, Progress};
use super::wakers::{Side, Wakers};
use crate::{
    Changes, Context, Error, Layer, LayerId, LayerKey, Notice, Outcome, PopError, PushError, Stack,
};

/// A handle on a connection, to change and to watch it from other tasks. Clone it freely.
///
/// What is asked for takes effect between two passes of bytes, by the hand of whoever drives the
/// connection: a task that awaits a read or a write of it is woken, and makes the change without
/// returning from its read. While nobody awaits anything of the connection, nothing moves: the task
/// that owns it must not await a handle's future alone.
///
/// Changes by which a layer comes in, and that have to wait for another (a layer that is still leaving,
/// a handshake), wait in line, in the order in which handles asked for them, and as long as it takes.
/// What takes a layer out waits for none of them, for they may wait for that.
///
/// # Cancelling
///
/// Dropping the future of a change that has not begun takes it back. One that has begun stays in
/// progress, as if it had been awaited to its end: a pushed layer comes up; one that was asked to
/// leave does, and awaiting [`pop`](Self::pop) again gives it back.
///
/// # Errors
///
/// When the connection is dropped, all that waits ends with an error of kind
/// [`ErrorKind::Closed`](crate::ErrorKind::Closed), and layers that had not come in are given back.
#[derive(Clone)]
pub struct Handle {
    mail: Arc<Mail>,
    wakers: Arc<Wakers>,
}

impl Handle {
    pub(super) fn new(mail: Arc<Mail>, wakers: Arc<Wakers>) -> Self {
        Self { mail, wakers }
    }

    /// As [`Connection::push`](crate::Connection::push).
    ///
    /// # Errors
    ///
    /// See [`PushError`].
    ///
    /// # Cancelling
    ///
    /// Takes it back, or lets it go on: see [`Handle`].
    pub async fn push<L: Layer>(&self, layer: L) -> Result<LayerId<L>, PushError<L>> {
        self.change(task::push(layer, Stack::push)).await
    }

    /// As [`Connection::push_after`](crate::Connection::push_after): nothing that any task writes
    /// comes between the answer and the layer.
    ///
    /// # Errors
    ///
    /// See [`PushError`].
    ///
    /// # Cancelling
    ///
    /// Takes it back, or lets it go on: see [`Handle`].
    pub async fn push_after<L: Layer>(
        &self,
        answer: &[u8],
        layer: L,
    ) -> Result<LayerId<L>, PushError<L>> {
        let answer = answer.to_vec();
        let push = move |stack: &mut Stack, layer| stack.push_after(&answer, layer);
        self.change(task::push(layer, push)).await
    }

    /// As [`Connection::insert_above`](crate::Connection::insert_above).
    ///
    /// # Errors
    ///
    /// See [`PushError`].
    ///
    /// # Cancelling
    ///
    /// Takes it back, or lets it go on: see [`Handle`].
    pub async fn insert_above<L: Layer>(
        &self,
        of: impl Into<LayerKey>,
        layer: L,
    ) -> Result<LayerId<L>, PushError<L>> {
        let of = of.into();
        let insert = move |stack: &mut Stack, layer| stack.insert_above(of, layer);
        self.change(task::push(layer, insert)).await
    }

    /// As [`Connection::insert_below`](crate::Connection::insert_below).
    ///
    /// # Errors
    ///
    /// See [`PushError`].
    ///
    /// # Cancelling
    ///
    /// Takes it back, or lets it go on: see [`Handle`].
    pub async fn insert_below<L: Layer>(
        &self,
        of: impl Into<LayerKey>,
        layer: L,
    ) -> Result<LayerId<L>, PushError<L>> {
        let of = of.into();
        let insert = move |stack: &mut Stack, layer| stack.insert_below(of, layer);
        self.change(task::push(layer, insert)).await
    }

    /// As [`Connection::replace`](crate::Connection::replace).
    ///
    /// # Errors
    ///
    /// See [`PushError`].
    ///
    /// # Cancelling
    ///
    /// Takes it back, or lets it go on: see [`Handle`].
    pub async fn replace<L: Layer>(
        &self,
        old: impl Into<LayerKey>,
        layer: L,
    ) -> Result<LayerId<L>, PushError<L>> {
        let old = old.into();
        let replace = move |stack: &mut Stack, layer| stack.replace(old, layer);
        self.change(task::push(layer, replace)).await
    }

    /// As [`Connection::apply`](crate::Connection::apply).
    ///
    /// # Errors
    ///
    /// See [`PushError`].
    ///
    /// # Cancelling
    ///
    /// Takes it back, or lets it go on: see [`Handle`].
    pub async fn apply(&self, changes: Changes) -> Result<(), PushError<Changes>> {
        self.change(task::apply(changes)).await
    }

    /// As [`Connection::start_pop`](crate::Connection::start_pop).
    ///
    /// # Errors
    ///
    /// [`PopError::Refused`] or [`PopError::Failed`].
    ///
    /// # Cancelling
    ///
    /// Takes it back, or lets it go on: see [`Handle`].
    pub async fn start_pop(&self, key: impl Into<LayerKey>) -> Result<(), PopError> {
        self.ask(Errand::at_once, task::start_pop(key.into())).await
    }

    /// As [`Connection::pop`](crate::Connection::pop), but it never says
    /// [`NeedsRead`](PopError::NeedsRead): the connection's owner reads.
    ///
    /// # Errors
    ///
    /// See [`PopError`].
    ///
    /// # Cancelling
    ///
    /// Takes it back, or lets it go on: see [`Handle`].
    pub async fn pop<L: Layer>(&self, id: LayerId<L>) -> Result<(L, Outcome), PopError> {
        self.ask(Errand::at_once, task::pop(id)).await
    }

    /// As [`Connection::rip`](crate::Connection::rip).
    ///
    /// # Errors
    ///
    /// If there is no such layer, or it may not be ripped out.
    ///
    /// # Cancelling
    ///
    /// Before it has taken effect, takes it back.
    pub async fn rip<L: Layer>(&self, id: LayerId<L>) -> Result<(L, Outcome), Error> {
        // What waits in line may wait for this very layer.
        self.ask(Errand::at_once, move |stack, _| {
            Progress::Done(stack.rip(id))
        })
        .await
    }

    /// As [`Connection::anchor`](crate::Connection::anchor).
    ///
    /// # Errors
    ///
    /// If there is no such layer, or it may not be anchored.
    ///
    /// # Cancelling
    ///
    /// Before it has taken effect, takes it back.
    pub async fn anchor(&self, key: impl Into<LayerKey>) -> Result<(), Error> {
        let key = key.into();
        self.change(move |stack, _| Progress::Done(stack.anchor(key)))
            .await
    }

    /// Looks at the stack, and says what was seen: `{:#}` draws it with its accounts.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use tokio::io::AsyncReadExt;
    /// let (io, _peer) = tokio::io::duplex(64);
    /// let mut connection = stack::Connection::new(io);
    /// let handle = connection.handle();
    /// let drawing = tokio::select! {
    ///     _ = connection.read_u8() => unreachable!("the peer is silent"),
    ///     drawing = handle.look(|stack| format!("{stack}")) => drawing,
    /// };
    /// assert_eq!(drawing.unwrap(), "app <=> network");
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the connection is over.
    ///
    /// # Panics
    ///
    /// If `look` does: here, and not where the connection is driven.
    ///
    /// # Cancelling
    ///
    /// Changes nothing.
    pub async fn look<R: Send + Sync + 'static>(
        &self,
        look: impl FnOnce(&Stack) -> R + Send + Sync + 'static,
    ) -> Result<R, Error> {
        let look = |stack: &mut Stack| stack.check_alive().map(|()| look(stack));
        self.call(Errand::at_once, look).await
    }

    /// As [`Connection::with_layer`](crate::Connection::with_layer), behind the changes that were asked
    /// for before.
    ///
    /// # Errors
    ///
    /// If there is no such layer, or if the connection has failed. `with` was not called then.
    ///
    /// # Panics
    ///
    /// If `with` does: here, and not where the connection is driven.
    ///
    /// # Cancelling
    ///
    /// Before `with` was called, takes it back.
    pub async fn with_layer<L: Layer, R: Send + Sync + 'static>(
        &self,
        id: LayerId<L>,
        with: impl FnOnce(&mut L, &mut Context<'_>) -> R + Send + Sync + 'static,
    ) -> Result<R, Error> {
        let visit = move |stack: &mut Stack| stack.with_layer(id, with);
        self.call(Errand::in_line, visit).await
    }

    /// Calls `once` with the stack.
    async fn call<R: Send + Sync + 'static>(
        &self,
        errand: fn(&Arc<Asker>, Box<Run>) -> Errand,
        once: impl FnOnce(&mut Stack) -> Result<R, Error> + Send + Sync + 'static,
    ) -> Result<R, Error> {
        let ((tell, told), asker) = (oneshot::channel(), Arc::default());
        let mut once = Some((once, tell));
        let run = Box::new(move |stack: &mut Stack| {
            if let Some((once, tell)) = once.take() {
                // A panic is the asker's, and not of whoever drives.
                let _ = tell.send(catch_unwind(AssertUnwindSafe(|| once(stack))));
            }
            Progress::Done(())
        });
        self.post(errand(&asker, run));
        match told.await {
            Ok(Ok(seen)) => seen,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => unreachable!("every errand is run, at the latest when the connection goes"),
        }
    }

    /// From now on, all changes of the connection's stack, whoever asked for them.
    pub fn notices(&self) -> Notices {
        Notices(self.mail.subscribe())
    }

    async fn change<T: Send + Sync + 'static>(
        &self,
        step: impl FnMut(&mut Stack, Alone) -> Progress<T> + Send + Sync + 'static,
    ) -> T {
        self.ask(Errand::in_line, step).await
    }

    async fn ask<T: Send + Sync + 'static>(
        &self,
        errand: fn(&Arc<Asker>, Box<Run>) -> Errand,
        mut step: impl FnMut(&mut Stack, Alone) -> Progress<T> + Send + Sync + 'static,
    ) -> T {
        let ((tell, told), asker) = (oneshot::channel(), Arc::default());
        let mut tell = Some(tell);
        let run = Box::new(move |stack: &mut Stack| {
            step(stack, Alone::No).map(|result| {
                // An error says that nobody waits for it any more.
                let _ = tell.take().map(|tell| tell.send(result));
            })
        });
        self.post(errand(&asker, run));
        match told.await {
            Ok(result) => result,
            Err(_) => unreachable!("every errand is run, at the latest when the connection goes"),
        }
    }

    fn post(&self, errand: Errand) {
        self.mail.post(errand);
        for side in [Side::Read, Side::Write] {
            self.wakers.wake_side(side);
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

/// The changes of a connection's stack, as they happen; see [`Handle::notices`].
pub struct Notices(Option<broadcast::Receiver<Notice>>);

impl Notices {
    /// The next; `None` once the connection is over. If more than 64 wait, the oldest are
    /// forgotten.
    ///
    /// # Cancelling
    ///
    /// Loses none.
    pub async fn next(&mut self) -> Option<Notice> {
        loop {
            match self.0.as_mut()?.recv().await {
                Ok(notice) => return Some(notice),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").finish_non_exhaustive()
    }
}
