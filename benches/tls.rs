//! TLS 1.3 as a layer, beside tokio-rustls: same provider, suite, group, certificate, sockets,
//! buffers and flushes, and no session tickets in either.
//!
//! Run it twice. With glibc up to 2.36 and on some processors, a copy of 4 KiB or more between
//! buffers that lie a few bytes apart within a page is twenty times slower than others, and what
//! is gained may be no more than that. With this, copies never take that path:
//!
//! ```text
//! GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=1000000000 cargo bench --bench tls
//! ```
//!
//! Cryptography is ring's, whose AES is twice as fast as aws-lc's on the machines at hand, and which
//! builds with a C compiler alone. An argument, as in `cargo bench --bench tls -- 64`, keeps the tables whose title has it.

mod measure;

use std::net::TcpStream;

use measure::bulk::{Bulk, bulk};
use measure::open::Open;
use measure::pingpong::ping_pong;
use measure::sockets::raw;
use measure::text::Text;
use measure::tls::{Tls, TokioRustls, name};
use measure::{Cost, Variant, compare, each, throughput, variant};
use stack::Connection;
use tls_layer::TlsLayer;
use tokio::io::{AsyncWriteExt, BufWriter};

const ROUNDS: usize = 21;
const PINGS: usize = 1000;

fn main() {
    let wanted = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    let wanted = |title: &str| wanted.as_deref().is_none_or(|part| title.contains(part));
    let tls = Tls::new();
    for (bytes, write, text) in [
        (48 << 20, 64 << 10, "48 MiB in writes of 64 KiB"),
        (48 << 20, 16 << 10, "48 MiB in writes of 16 KiB"),
        (16 << 20, 512, "16 MiB in writes of 512 B"),
        (4 << 20, 64, "4 MiB in writes of 64 B"),
    ] {
        let work = Bulk {
            bytes,
            write,
            read: 64 << 10,
            flushed: false,
            text: Text::Same,
        };
        if wanted(text) {
            compare(
                text,
                ROUNDS,
                rows(&tls, Work::Bulk(work)),
                throughput(bytes),
            );
        }
    }
    let title = "Ping-pong of 64 B, flushed, on one thread";
    if wanted(title) {
        compare(title, ROUNDS, rows(&tls, Work::PingPong), each(PINGS));
    }
}

/// What is measured.
#[derive(Clone, Copy)]
enum Work {
    Bulk(Bulk),
    PingPong,
}

impl Work {
    fn run(self, open: impl Open) -> Cost {
        match self {
            Self::Bulk(work) => bulk(open, work),
            Self::PingPong => ping_pong(open, PINGS),
        }
    }
}

/// The rows of a table.
fn rows(tls: &Tls, work: Work) -> Vec<Variant<'static>> {
    let (peer, layered) = (TokioRustls(tls.clone()), Layered(tls.clone()));
    let mut rows = vec![
        row("tokio-rustls", work, peer.clone()),
        row("tokio-rustls again (A/A)", work, peer.clone()),
        row("stack + tls-layer", work, layered),
    ];
    if matches!(work, Work::Bulk(work) if work.write < 16 << 10) {
        let name = "BufWriter of 16 KiB over tokio-rustls";
        rows.push(row(name, work, Buffered(peer)));
    }
    rows
}

fn row(name: &str, work: Work, open: impl Open) -> Variant<'static> {
    variant(name, move || work.run(open.clone()))
}

/// Our layer.
#[derive(Clone)]
struct Layered(Tls);

impl Open for Layered {
    type Client = Connection<tokio::net::TcpStream>;
    type Server = Connection<tokio::net::TcpStream>;

    async fn client(self, socket: TcpStream) -> Self::Client {
        let layer = TlsLayer::client(self.0.client, name());
        opened(socket, layer).await
    }

    async fn server(self, socket: TcpStream) -> Self::Server {
        let layer = TlsLayer::server(self.0.server);
        opened(socket, layer).await
    }
}

async fn opened(socket: TcpStream, layer: TlsLayer) -> Connection<tokio::net::TcpStream> {
    let mut connection = Connection::new(raw(socket));
    connection.push(layer).await.expect("a handshake");
    // The peer waits for the end of the handshake before it reads on.
    connection.flush().await.expect("a peer");
    connection
}

/// The peer, with what its users do about small writes.
#[derive(Clone)]
struct Buffered(TokioRustls);

impl Open for Buffered {
    type Client = BufWriter<<TokioRustls as Open>::Client>;
    type Server = BufWriter<<TokioRustls as Open>::Server>;

    async fn client(self, socket: TcpStream) -> Self::Client {
        BufWriter::with_capacity(16 << 10, self.0.client(socket).await)
    }

    async fn server(self, socket: TcpStream) -> Self::Server {
        BufWriter::with_capacity(16 << 10, self.0.server(socket).await)
    }
}
