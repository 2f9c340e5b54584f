//! What people write by hand today: a wrapper around any stream.

use std::fmt;
use std::io;
use std::net::TcpStream;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::open::Open;
use crate::sockets::raw;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A wrapper that passes everything on.
pub struct Wrapper(Box<dyn Stream>);

impl Wrapper {
    /// So many around a stream, one around the other: at least one.
    pub fn nested(
        depth: usize,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Self {
        let innermost = Self(Box::new(stream));
        (1..depth).fold(innermost, |stream, _| Self(Box::new(stream)))
    }
}

impl fmt::Debug for Wrapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wrapper").finish_non_exhaustive()
    }
}

impl AsyncRead for Wrapper {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wrapper {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// So many wrappers around the socket.
#[derive(Clone, Copy, Debug)]
pub struct Boxed(pub usize);

impl Open for Boxed {
    type Client = Wrapper;
    type Server = Wrapper;

    async fn client(self, socket: TcpStream) -> Self::Client {
        Wrapper::nested(self.0, raw(socket))
    }

    async fn server(self, socket: TcpStream) -> Self::Server {
        self.client(socket).await
    }
}
