//! What a stack of layers that do nothing costs on TCP loopback, beside the bare socket and
//! beside nested boxed wrappers.

mod measure;

use std::net::TcpStream;
use std::pin::Pin;
use std::task::{Context, Poll};

use measure::bulk::{Bulk, bulk};
use measure::nodes::Pass;
use measure::open::{Open, Raw};
use measure::pingpong::ping_pong;
use measure::sockets::raw;
use measure::text::Text;
use measure::{Cost, compare, each, throughput, variant};
use stack::Connection;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const BULK: usize = 48 << 20;
const PINGS: usize = 1000;

fn main() {
    for size in [64 << 10, 16 << 10, 4 << 10] {
        let work = Bulk {
            bytes: BULK,
            write: size,
            read: size,
            flushed: false,
            text: Text::Same,
        };
        let rows = builds().map(|(name, build)| variant(name, move || build.bulk(work)));
        let title = format!("48 MiB one way, {} KiB writes and reads", size >> 10);
        compare(&title, 21, rows.into(), throughput(BULK));
    }
    let rows = builds().map(|(name, build)| variant(name, move || build.ping_pong()));
    compare(
        "Ping-pong of 64 B, flushed, on one thread",
        21,
        rows.into(),
        each(PINGS),
    );
}

fn builds() -> [(&'static str, Build); 7] {
    [
        ("raw TcpStream", Build::Raw),
        ("raw TcpStream again (A/A)", Build::Raw),
        ("boxed wrappers, 16", Build::Boxed(16)),
        ("stack of 0", Build::Stack(0)),
        ("stack of 1", Build::Stack(1)),
        ("stack of 4", Build::Stack(4)),
        ("stack of 16", Build::Stack(16)),
    ]
}

/// How both ends are built.
#[derive(Clone, Copy)]
enum Build {
    Raw,
    Boxed(usize),
    Stack(usize),
}

impl Build {
    fn bulk(self, work: Bulk) -> Cost {
        match self {
            Self::Raw => bulk(Raw, work),
            Self::Boxed(depth) => bulk(Boxed(depth), work),
            Self::Stack(depth) => bulk(Layers(depth), work),
        }
    }

    fn ping_pong(self) -> Cost {
        match self {
            Self::Raw => ping_pong(Raw, PINGS),
            Self::Boxed(depth) => ping_pong(Boxed(depth), PINGS),
            Self::Stack(depth) => ping_pong(Layers(depth), PINGS),
        }
    }
}

/// A stack of so many layers.
#[derive(Clone, Copy)]
struct Layers(usize);

impl Open for Layers {
    type Client = Connection<tokio::net::TcpStream>;
    type Server = Connection<tokio::net::TcpStream>;

    async fn client(self, socket: TcpStream) -> Self::Client {
        let mut connection = Connection::new(raw(socket));
        for _ in 0..self.0 {
            connection.push(Pass).await.expect("a push");
        }
        connection
    }

    async fn server(self, socket: TcpStream) -> Self::Server {
        self.client(socket).await
    }
}

/// So many wrappers.
#[derive(Clone, Copy)]
struct Boxed(usize);

impl Open for Boxed {
    type Client = Wrapper;
    type Server = Wrapper;

    async fn client(self, socket: TcpStream) -> Self::Client {
        let mut stream = Wrapper(Box::new(raw(socket)));
        for _ in 1..self.0 {
            stream = Wrapper(Box::new(stream));
        }
        stream
    }

    async fn server(self, socket: TcpStream) -> Self::Server {
        self.client(socket).await
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// What people write by hand today: a wrapper around any stream.
struct Wrapper(Box<dyn Stream>);

impl AsyncRead for Wrapper {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wrapper {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
