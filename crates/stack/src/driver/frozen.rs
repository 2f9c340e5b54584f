//! No reading between an answer and a push.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::Connection;
use super::task::{self, Alone, Progress};
use crate::{Layer, LayerId, PushError, Stack};

/// A connection that reads nothing from its socket until a layer is pushed, or this guard is
/// dropped.
///
/// A server that tells its peer to go ahead, and then pushes a layer, must not take the peer's
/// first bytes of the new language for bytes of the old. Where
/// [`Connection::push_after`] does not fit, since the answer is written by other code, that code
/// writes it to this guard. What was received before the freeze and not read is residue; what the
/// peer sends from then on stays in the socket until the layer is there.
#[must_use = "reading thaws at once if the guard is dropped"]
pub struct Frozen<'a, Io: AsyncRead + AsyncWrite + Unpin> {
    connection: &'a mut Connection<Io>,
}

impl<'a, Io: AsyncRead + AsyncWrite + Unpin> Frozen<'a, Io> {
    pub(super) fn new(connection: &'a mut Connection<Io>) -> Self {
        connection.driver_mut().frozen = true;
        Self { connection }
    }

    /// Pushes the layer, thaws reading, and waits until the layer is up.
    ///
    /// # Errors
    ///
    /// As for [`Connection::push`].
    ///
    /// # Cancelling
    ///
    /// As for [`Connection::push`]; reading is thawed in any case.
    pub async fn push<L: Layer>(self, layer: L) -> Result<LayerId<L>, PushError<L>> {
        let mut push = task::push(layer, Stack::push);
        let driver = self.connection.driver_mut();
        driver.begin_turn();
        // What is residue is judged before anything more is read.
        let begun = match push(&mut driver.stack, Alone::No) {
            // To wait in line it would have to read.
            Progress::Waiting => push(&mut driver.stack, Alone::Yes),
            begun => begun,
        };
        driver.frozen = false;
        match begun {
            Progress::Done(result) => result,
            Progress::Waiting | Progress::Begun => self.connection.change(push).await,
        }
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Drop for Frozen<'_, Io> {
    fn drop(&mut self) {
        self.connection.driver_mut().frozen = false;
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> fmt::Debug for Frozen<'_, Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Frozen").field(&self.connection).finish()
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Frozen<'_, Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.connection).poll_write(task, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.connection).poll_write_vectored(task, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.connection).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.connection).poll_shutdown(task)
    }
}
