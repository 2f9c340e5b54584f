//! What a stack of layers that do nothing costs on TCP loopback, beside the bare socket and
//! beside nested boxed wrappers.

mod measure;

use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll};

use measure::nodes::Pass;
use measure::{Aligned, Cost, compare, cost_of, each, on_thread, throughput, variant};
use stack::Connection;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

const BULK: usize = 48 << 20;
const PINGS: usize = 1000;

/// How both ends are built.
#[derive(Clone, Copy)]
enum Build {
    Raw,
    Boxed(usize),
    Stack(usize),
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

fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let a = TcpStream::connect(listener.local_addr().expect("an address")).expect("a peer");
    let (b, _) = listener.accept().expect("a peer");
    for socket in [&a, &b] {
        socket.set_nonblocking(true).expect("a live socket");
        socket.set_nodelay(true).expect("a live socket");
    }
    (a, b)
}

async fn raw(socket: TcpStream) -> tokio::net::TcpStream {
    tokio::net::TcpStream::from_std(socket).expect("a runtime")
}

/// Runs `work` over a stream built as asked; each kind has a copy of its own.
macro_rules! over {
    ($build:expr, $socket:expr, $work:ident, $($arg:expr),*) => {
        match $build {
            Build::Raw => $work(raw($socket).await, $($arg),*).await,
            Build::Boxed(depth) => {
                let mut stream = Wrapper(Box::new(raw($socket).await));
                for _ in 1..depth {
                    stream = Wrapper(Box::new(stream));
                }
                $work(stream, $($arg),*).await
            }
            Build::Stack(depth) => {
                let mut connection = Connection::new(raw($socket).await);
                for _ in 0..depth {
                    connection.push(Pass).await.expect("a push");
                }
                $work(connection, $($arg),*).await
            }
        }
    };
}

async fn send(mut stream: impl AsyncWrite + Unpin, size: usize, start: mpsc::Receiver<()>) {
    let mut chunk = Aligned::new(size);
    start.recv().expect("a start");
    for _ in 0..BULK / size {
        stream.write_all(chunk.bytes()).await.expect("a peer");
    }
    stream.flush().await.expect("a peer");
    stream.shutdown().await.expect("a peer");
}

async fn receive(mut stream: impl AsyncRead + Unpin, size: usize, start: mpsc::Sender<()>) -> Cost {
    let mut chunk = Aligned::new(size);
    let (mut left, wall) = (BULK, std::time::Instant::now());
    let cpu = cpu_time::ThreadTime::now();
    start.send(()).expect("a sender");
    while left > 0 {
        let n = stream.read(chunk.bytes()).await.expect("a peer");
        assert!(n > 0, "the sender ended early");
        left -= n;
    }
    Cost {
        wall: wall.elapsed(),
        cpu: cpu.elapsed(),
    }
}

fn bulk(build: Build, size: usize) -> Cost {
    let (a, b) = sockets();
    let (start, started) = mpsc::channel();
    let sender = on_thread(
        0,
        move || async move { over!(build, a, send, size, started) },
    );
    let receiver = on_thread(
        1,
        move || async move { over!(build, b, receive, size, start) },
    );
    sender.join().expect("the sender");
    receiver.join().expect("the receiver")
}

async fn ping(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut chunk = [1; 64];
    for _ in 0..PINGS {
        stream.write_all(&chunk).await.expect("a peer");
        stream.flush().await.expect("a peer");
        stream.read_exact(&mut chunk).await.expect("a peer");
    }
}

async fn pong(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut chunk = [0; 64];
    for _ in 0..PINGS {
        stream.read_exact(&mut chunk).await.expect("a peer");
        stream.write_all(&chunk).await.expect("a peer");
        stream.flush().await.expect("a peer");
    }
}

fn ping_pong(build: Build) -> Cost {
    let (a, b) = sockets();
    let thread = on_thread(0, move || async move {
        let (a, b) = (async { over!(build, a, ping,) }, async {
            over!(build, b, pong,)
        });
        let (wall, cpu) = (std::time::Instant::now(), cpu_time::ThreadTime::now());
        tokio::join!(a, b);
        Cost {
            wall: wall.elapsed(),
            cpu: cpu.elapsed(),
        }
    });
    thread.join().expect("the peers")
}

fn main() {
    let builds = || {
        [
            ("raw TcpStream", Build::Raw),
            ("raw TcpStream again (A/A)", Build::Raw),
            ("boxed wrappers, 16", Build::Boxed(16)),
            ("stack of 0", Build::Stack(0)),
            ("stack of 1", Build::Stack(1)),
            ("stack of 4", Build::Stack(4)),
            ("stack of 16", Build::Stack(16)),
        ]
    };
    for size in [64 << 10, 16 << 10, 4 << 10] {
        let rows = builds().map(|(name, build)| variant(name, move || bulk(build, size)));
        let title = format!("48 MiB one way, {} KiB writes and reads", size >> 10);
        compare(&title, 21, rows.into(), throughput(BULK));
    }
    let rows = builds().map(|(name, build)| variant(name, move || ping_pong(build)));
    compare(
        "Ping-pong of 64 B, flushed, on one thread",
        21,
        rows.into(),
        each(PINGS),
    );
    let _ = cost_of(|| ());
}
