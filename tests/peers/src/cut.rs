//! A socket that is cut at every byte.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A socket which, if it is so meant, reads one byte at a time, and writes so where it is told to.
///
/// Answers in clear leave whole, for there are clients that take one read for one answer.
#[derive(Debug)]
pub(crate) struct Cut {
    socket: TcpStream,
    cuts: bool,
    /// How much may still leave whole.
    whole: Cell<usize>,
}

impl Cut {
    /// A socket that is cut, if `cuts`.
    pub(crate) fn new(socket: TcpStream, cuts: bool) -> io::Result<Self> {
        // So that each byte is a segment.
        socket.set_nodelay(true)?;
        Ok(Self {
            socket,
            cuts,
            whole: Cell::new(usize::MAX),
        })
    }

    /// Behind the next `whole` bytes, each leaves by itself.
    pub(crate) fn cut_behind(&self, whole: usize) {
        self.whole.set(whole);
    }

    /// What is written leaves whole again.
    pub(crate) fn cut_no_more(&self) {
        self.whole.set(usize::MAX);
    }
}

impl AsyncRead for Cut {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.cuts {
            return Pin::new(&mut self.socket).poll_read(task, buf);
        }
        let mut byte = [0];
        let mut one = ReadBuf::new(&mut byte);
        ready!(Pin::new(&mut self.socket).poll_read(task, &mut one))?;
        buf.put_slice(one.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Cut {
    fn poll_write(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let most = match self.whole.get() {
            _ if !self.cuts => bytes.len(),
            0 => 1,
            whole => whole,
        };
        let n = bytes.len().min(most);
        let n = ready!(Pin::new(&mut self.socket).poll_write(task, &bytes[..n]))?;
        self.whole.set(self.whole.get().saturating_sub(n));
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(task)
    }
}
