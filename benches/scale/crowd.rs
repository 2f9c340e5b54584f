//! Many connections on a runtime of several threads.

use std::time::Instant;

use cpu_time::ProcessTime;
use measure::pingpong::{ping, pong};
use measure::sockets::{Listener, raw};
use measure::tls::Tls;
use measure::unit::{each, throughput};
use measure::{Aligned, Bench, Cost, Variant, variant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::ends::{Ends, Layers, Stream, TokioRustls};

/// The runtime's.
const THREADS: usize = 2;
/// All that is sent in a run, by all together.
const BYTES: usize = 128 << 20;
/// The size of a write, and the room that a read offers.
const CHUNK: usize = 64 << 10;
/// All that is asked in a run.
const ASKS: usize = 16 << 10;

pub(crate) fn tables(bench: &mut Bench, tls: &Tls) {
    for count in [64, 256] {
        let bulk = Work::Bulk(BYTES / count);
        let title = format!("{count} TLS connections on two threads: 128 MiB in writes of 64 KiB");
        bench.compare(&title, rows(tls, count, bulk), throughput(BYTES));
        let asks = Work::Asks(ASKS / count);
        let title =
            format!("{count} TLS connections on two threads: requests of 64 B, and answers");
        bench.compare(&title, rows(tls, count, asks), each(ASKS));
    }
}

fn rows(tls: &Tls, count: usize, work: Work) -> Vec<Variant<'static>> {
    let peer = TokioRustls(tls.clone());
    vec![
        row("tokio-rustls", peer.clone(), count, work),
        row("tokio-rustls again (A/A)", peer, count, work),
        row("stack + tls-layer", Layers::tls(tls), count, work),
    ]
}

fn row(name: &str, ends: impl Ends, count: usize, work: Work) -> Variant<'static> {
    variant(name, move || run(&ends, count, work))
}

/// What each connection does.
#[derive(Clone, Copy)]
enum Work {
    /// Sends so many bytes.
    Bulk(usize),
    /// Asks so often.
    Asks(usize),
}

/// Opens the connections, and then lets all of them work at once. The processor time is that of the whole
/// process.
fn run(ends: &impl Ends, count: usize, work: Work) -> Cost {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let listener = Listener::new();
        let mut pairs = Vec::new();
        for _ in 0..count {
            let (a, b) = listener.pair();
            pairs.push(ends.both::<TcpStream>((raw(a), raw(b))).await);
        }
        let chunk = || Aligned::new(CHUNK);
        let mut chunks: Vec<_> = (0..count).map(|_| (chunk(), chunk())).collect();
        let (wall, cpu) = (Instant::now(), ProcessTime::now());
        let mut tasks = JoinSet::new();
        for (client, server) in pairs {
            match work {
                Work::Bulk(bytes) => {
                    let (sent, received) = chunks.pop().expect("as many as connections");
                    tasks.spawn(send(client, sent, bytes));
                    tasks.spawn(receive(server, received, bytes));
                }
                Work::Asks(asks) => {
                    tasks.spawn(ping(client, asks));
                    tasks.spawn(pong(server, asks));
                }
            }
        }
        tasks.join_all().await;
        Cost {
            wall: wall.elapsed(),
            cpu: cpu.elapsed(),
        }
    })
}

async fn send(mut stream: impl Stream, mut chunk: Aligned, bytes: usize) {
    for _ in 0..bytes / CHUNK {
        stream.write_all(chunk.bytes()).await.expect("a peer");
    }
    stream.flush().await.expect("a peer");
    // Dropped now, the socket would be reset, and what is on its way lost.
    let end = stream.read(chunk.bytes()).await.expect("a peer");
    assert_eq!(end, 1, "a receipt");
}

async fn receive(mut stream: impl Stream, mut chunk: Aligned, bytes: usize) {
    let mut left = bytes;
    while left > 0 {
        let n = stream.read(chunk.bytes()).await.expect("a peer");
        assert!(n > 0, "the sender ended early");
        left -= n;
    }
    // It has all.
    stream.write_all(&[1]).await.expect("a peer");
    stream.flush().await.expect("a peer");
}
