//! How a variant makes its stream of a socket.

use std::net::TcpStream;

use tokio::io::{AsyncRead, AsyncWrite, BufWriter};

use crate::sockets::raw;

/// Makes a stream of a socket, handshake and all; or of one end of another medium. Each kind of
/// stream has its own copy of the measured loops, as it would in a program.
#[expect(
    async_fn_in_trait,
    reason = "an end stays on the thread where it was made"
)]
pub trait Open<M = TcpStream>: Clone + Send + 'static {
    /// The client's end.
    type Client: AsyncRead + AsyncWrite + Unpin;
    /// The server's end.
    type Server: AsyncRead + AsyncWrite + Unpin;

    /// Makes the client's end of a connected socket.
    async fn client(self, socket: M) -> Self::Client;

    /// Makes the server's end of a connected socket.
    async fn server(self, socket: M) -> Self::Server;
}

/// The bare socket.
#[derive(Clone, Copy, Debug)]
pub struct Raw;

impl Open for Raw {
    type Client = tokio::net::TcpStream;
    type Server = tokio::net::TcpStream;

    async fn client(self, socket: TcpStream) -> Self::Client {
        raw(socket)
    }

    async fn server(self, socket: TcpStream) -> Self::Server {
        raw(socket)
    }
}

/// A peer, with what its users do about small writes.
#[derive(Clone, Copy, Debug)]
pub struct Buffered<O>(pub O);

/// Also what a record of TLS holds.
const BUFFER: usize = 16 << 10;

impl<O: Open> Open for Buffered<O> {
    type Client = BufWriter<O::Client>;
    type Server = BufWriter<O::Server>;

    async fn client(self, socket: TcpStream) -> Self::Client {
        BufWriter::with_capacity(BUFFER, self.0.client(socket).await)
    }

    async fn server(self, socket: TcpStream) -> Self::Server {
        BufWriter::with_capacity(BUFFER, self.0.server(socket).await)
    }
}
