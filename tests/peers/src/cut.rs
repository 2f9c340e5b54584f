//! A socket that is cut into small pieces.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Reads and writes no more than so many bytes at once.
#[derive(Debug)]
pub struct Cut<Io> {
    io: Io,
    most: usize,
    /// How much may still leave whole.
    whole: Cell<usize>,
}

impl<Io> Cut<Io> {
    /// Cuts to `most` bytes.
    pub fn new(io: Io, most: usize) -> Self {
        Self {
            io,
            most,
            whole: Cell::new(0),
        }
    }

    /// Cuts nothing.
    pub fn whole(io: Io) -> Self {
        Self::new(io, usize::MAX)
    }

    /// What is written is cut behind the next `whole` bytes only.
    pub(crate) fn cut_behind(&self, whole: usize) {
        self.whole.set(whole);
    }

    /// What is cut.
    pub fn io(&self) -> &Io {
        &self.io
    }

    /// What is written leaves whole.
    pub fn cut_no_more(&self) {
        self.whole.set(usize::MAX);
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Cut<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let most = self.most.min(buf.remaining());
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(most));
        ready!(Pin::new(&mut self.io).poll_read(task, &mut part))?;
        let n = part.filled().len();
        buf.advance(n);
        Poll::Ready(Ok(()))
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Cut<Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let most = match self.whole.get() {
            0 => self.most,
            whole => whole,
        };
        let most = most.min(bytes.len());
        let n = ready!(Pin::new(&mut self.io).poll_write(task, &bytes[..most]))?;
        self.whole.set(self.whole.get().saturating_sub(n));
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(task)
    }
}
