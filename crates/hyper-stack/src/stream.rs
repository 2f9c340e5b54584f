//! A connection, as hyper's client and tonic's server want it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::{self, Connected};
use hyper_util::rt::TokioIo;
use stack::Connection;
use tls_layer::TlsInfo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection that also tells hyper-util's client, and tonic's server, what they ask of a stream.
///
/// To the client (`hyper_util::client::legacy`) that is whether the topmost TLS has agreed on HTTP/2 (`h2` by
/// ALPN, RFC 7301; RFC 9113, section 3.2), besides what the socket has to tell; to tonic, with the
/// feature `tonic`, what the socket tells it.
#[derive(Debug)]
pub struct Stream<Io: AsyncRead + AsyncWrite + Unpin>(
    /// The connection.
    pub Connection<Io>,
);

impl<Io: AsyncRead + AsyncWrite + Unpin> Stream<Io> {
    /// The stream as hyper's traits want it. With `map_response`, what connects to a `Connection` becomes a
    /// connector of hyper-util's client, and of tonic's.
    pub fn for_hyper(connection: Connection<Io>) -> TokioIo<Self> {
        TokioIo::new(Self(connection))
    }
}

impl<Io> connect::Connection for Stream<Io>
where
    Io: AsyncRead + AsyncWrite + Unpin + connect::Connection,
{
    fn connected(&self) -> Connected {
        let connected = self.0.io().connected();
        let tls = self.0.info::<TlsInfo>();
        match tls.and_then(|info| info.alpn.as_deref()) {
            Some(b"h2") => connected.negotiated_h2(),
            _ => connected,
        }
    }
}

/// So `Request::remote_addr` is what it is over the socket alone.
#[cfg(feature = "tonic")]
impl<Io> tonic::transport::server::Connected for Stream<Io>
where
    Io: AsyncRead + AsyncWrite + Unpin + tonic::transport::server::Connected,
{
    type ConnectInfo = Io::ConnectInfo;

    fn connect_info(&self) -> Io::ConnectInfo {
        self.0.io().connect_info()
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(task, buf)
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(task, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(task, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(task)
    }
}
