//! The work that `gate.sh` counts: instructions under callgrind, allocations without.
//!
//! A count is worth something only as a difference of two runs, in which the start-up cancels;
//! `gate.sh` takes the differences. Here everything comes out the same on every run: no socket,
//! no clock that anything depends on, one thread.

use std::hint::black_box;
use std::pin::pin;
use std::process::ExitCode;
use std::task::{Context, Waker};
use std::time::Duration;

use measure::nodes::{Pass, Sink, Small};
use measure::pingpong::{ping, pong};
use measure::tls::{Tls, name};
use stack::{Connection, Limits, Stack};
use tls_layer::TlsLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

const USAGE: &str = "\
usage: gate SCENARIO DEPTH COUNT [allocations]
  up        a chunk of 1 KiB, received through DEPTH layers by an application
  down      a chunk of 1 KiB, written through DEPTH layers to the outbox
  change    a push and a pop of a small layer above DEPTH others
  pingpong  64 B there and back between two connections of DEPTH layers, in memory
  tls       64 KiB written through TLS above DEPTH layers, carried, and read at the other end
  tls_small     64 B written through TLS above DEPTH layers, gathered, and read at the other end
  tls_pingpong  64 B there and back through TLS above DEPTH layers, in memory
Does it COUNT times; with `allocations`, prints how many those were.
`bash benches/gate.sh` builds it, counts, and compares with benches/gate.toml.";

fn main() -> ExitCode {
    // `cargo bench` passes `--bench`.
    let args: Vec<_> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with("--"))
        .collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let (scenario, depth, count, allocations) = match args[..] {
        [] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        [scenario, depth, count] => (scenario, depth, count, false),
        [scenario, depth, count, "allocations"] => (scenario, depth, count, true),
        _ => return misused(),
    };
    let (Ok(depth), Ok(count)) = (depth.parse(), count.parse()) else {
        return misused();
    };
    let work: Box<dyn FnOnce()> = match scenario {
        "up" => Box::new(up(depth, count)),
        "down" => Box::new(down(depth, count)),
        "change" => Box::new(change(depth, count)),
        "pingpong" => Box::new(pingpong(depth, count)),
        "tls" => Box::new(tls(depth, count)),
        "tls_small" => Box::new(tls_small(depth, count)),
        "tls_pingpong" => Box::new(tls_pingpong(depth, count)),
        _ => return misused(),
    };
    if allocations {
        println!("{}", allocation_counter::measure(work).count_total);
    } else {
        work();
    }
    ExitCode::SUCCESS
}

fn misused() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

fn up(depth: usize, count: usize) -> impl FnOnce() {
    let mut stack = Stack::with_app(Box::new(Sink), Limits::default());
    push(&mut stack, depth);
    move || {
        let mut chunk = [7; 1024];
        for _ in 0..count {
            stack.receive(black_box(&mut chunk));
        }
    }
}

fn down(depth: usize, count: usize) -> impl FnOnce() {
    let mut stack = Stack::new(Limits::default());
    push(&mut stack, depth);
    move || {
        let chunk = [7; 1024];
        for _ in 0..count {
            stack.write(black_box(&chunk)).expect("an open stack");
            stack.sent(stack.outgoing().len());
        }
    }
}

fn change(depth: usize, count: usize) -> impl FnOnce() {
    let mut stack = Stack::new(Limits::default());
    push(&mut stack, depth);
    move || {
        for _ in 0..count {
            let id = stack.push(Small::default()).expect("a push");
            stack.start_pop(id.key()).expect("a pop");
            black_box(stack.take_popped(id).expect("the layer"));
        }
    }
}

fn push(stack: &mut Stack, depth: usize) {
    for _ in 0..depth {
        stack.push(Pass).expect("room for a layer");
    }
}

fn pingpong(depth: usize, count: usize) -> impl FnOnce() {
    move || {
        let (a, b) = tokio::io::duplex(64 * 1024);
        busily(async {
            tokio::join!(
                async { ping(connected(a, depth).await, count).await },
                async { pong(connected(b, depth).await, count).await },
            );
        });
    }
}

async fn connected(io: DuplexStream, depth: usize) -> Connection<DuplexStream> {
    let mut connection = Connection::new(io);
    for _ in 0..depth {
        connection.push(Pass).await.expect("a push");
    }
    connection
}

fn tls(depth: usize, count: usize) -> impl FnOnce() {
    let tls = Tls::without_tickets();
    let (mut a, mut b) = (Stack::new(Limits::default()), Stack::new(Limits::default()));
    push(&mut a, depth);
    push(&mut b, depth);
    let client = TlsLayer::client(tls.client, name());
    let server = TlsLayer::server(tls.server);
    a.push(client).expect("a push");
    b.push(server).expect("a push");
    while carry(&mut a, &mut b) + carry(&mut b, &mut a) > 0 {}
    move || {
        let chunk = vec![7; 64 * 1024];
        for _ in 0..count {
            a.write(black_box(&chunk[..])).expect("an open stack");
            let mut read = 0;
            while read < chunk.len() {
                carry(&mut a, &mut b);
                read += b.readable().len();
                b.consume(b.readable().len());
                b.advance(Duration::ZERO);
            }
        }
    }
}

fn tls_small(depth: usize, count: usize) -> impl FnOnce() {
    over_tls(depth, async move |mut a, mut b| {
        let mut read = vec![0; 64 * 1024];
        let mut left = count * 64;
        let write = async {
            for _ in 0..count {
                a.write_all(black_box(&[7; 64])).await.expect("a peer");
            }
            a.flush().await.expect("a peer");
        };
        let read = async {
            while left > 0 {
                left -= b.read(&mut read).await.expect("a peer");
            }
        };
        tokio::join!(write, read);
    })
}

fn tls_pingpong(depth: usize, count: usize) -> impl FnOnce() {
    over_tls(depth, async move |a, b| {
        tokio::join!(ping(a, count), pong(b, count));
    })
}

/// Two connections in memory, with TLS above `depth` layers, and what they do.
fn over_tls(
    depth: usize,
    work: impl AsyncFnOnce(Connection<DuplexStream>, Connection<DuplexStream>),
) -> impl FnOnce() {
    // A handshake has a deadline, so its driver sets a timer.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let tls = Tls::without_tickets();
    let (a, b) = tokio::io::duplex(128 * 1024);
    move || {
        let _entered = runtime.enter();
        busily(async {
            let (a, b) = tokio::join!(
                secured(a, depth, TlsLayer::client(tls.client, name())),
                secured(b, depth, TlsLayer::server(tls.server)),
            );
            work(a, b).await;
        });
    }
}

async fn secured(io: DuplexStream, depth: usize, tls: TlsLayer) -> Connection<DuplexStream> {
    let mut connection = connected(io, depth).await;
    connection.push(tls).await.expect("a handshake");
    connection.flush().await.expect("a peer");
    connection
}

/// Moves what one has for the network to where the other wants it. How many bytes.
fn carry(from: &mut Stack, to: &mut Stack) -> usize {
    from.flush();
    let space = to.input_space();
    let n = from.outgoing().len().min(space.len());
    space[..n].copy_from_slice(&from.outgoing()[..n]);
    to.filled(n);
    from.sent(n);
    n
}

/// Polls until it is done, without a runtime: what a runtime costs is not ours to count.
fn busily(work: impl Future<Output = ()>) {
    let mut work = pin!(work);
    let mut task = Context::from_waker(Waker::noop());
    while work.as_mut().poll(&mut task).is_pending() {}
}
