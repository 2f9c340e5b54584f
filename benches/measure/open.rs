//! How a variant makes its stream of a socket.

use std::net::TcpStream;

use tokio::io::{AsyncRead, AsyncWrite};

use super::sockets::raw;

/// Makes a stream of a socket, handshake and all. Each kind of stream has its own copy of the
/// measured loops, as it would in a program.
pub(crate) trait Open: Clone + Send + 'static {
    type Client: AsyncRead + AsyncWrite + Unpin;
    type Server: AsyncRead + AsyncWrite + Unpin;

    async fn client(self, socket: TcpStream) -> Self::Client;
    async fn server(self, socket: TcpStream) -> Self::Server;
}

/// The bare socket.
#[derive(Clone, Copy)]
pub(crate) struct Raw;

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
