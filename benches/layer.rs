//! What a layer costs by itself: a chunk up, a chunk down, a push and a pop. No sockets.
//!
//! The wrappers beside are streams around a stream that neither copies nor keeps what it is given;
//! a stack keeps what goes down in its outbox.

use std::hint::black_box;
use std::io;
use std::pin::Pin;
use std::process::ExitCode;
use std::task::{Context, Poll, Waker};

use measure::nodes::{Pass, Sink, Small};
use measure::thread::pin;
use measure::unit::each;
use measure::wrapper::Wrapper;
use measure::{Cost, Row, Variant, bench, cost_of, variant};
use stack::{Limits, Stack};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const CHUNK: usize = 1024;
/// Chunks, or changes, in a run.
const COUNT: usize = 20_000;
const DEPTHS: [usize; 6] = [0, 1, 2, 4, 8, 16];

fn main() -> ExitCode {
    pin(1);
    bench(|bench| {
        let title = "A 1 KiB chunk up, to an application";
        say_a_layers_share(bench.compare(title, rows(up, read), each(COUNT)));
        let title = "A 1 KiB chunk down, to the outbox";
        say_a_layers_share(bench.compare(title, rows(down, write), each(COUNT)));
        let rows = [
            variant("above 0 layers", change(0)),
            variant("above 0 layers again (A/A)", change(0)),
            variant("above 4 layers", change(4)),
            variant("above 16 layers", change(16)),
        ];
        let title = "A push and a pop of a small layer";
        bench.compare(title, rows.into(), each(COUNT));
    })
}

/// All depths of a stack, and of wrappers.
fn rows<S, W>(stack: fn(usize) -> S, wrappers: fn(usize) -> W) -> Vec<Variant<'static>>
where
    S: FnMut() -> Cost + 'static,
    W: FnMut() -> Cost + 'static,
{
    let mut rows: Vec<_> = DEPTHS
        .map(|depth| variant(format!("stack of {depth}"), stack(depth)))
        .into();
    rows.insert(1, variant("stack of 0 again (A/A)", stack(0)));
    rows.extend([1, 16].map(|depth| variant(format!("boxed wrappers, {depth}"), wrappers(depth))));
    rows
}

/// By the difference of the deepest stack and that of one layer.
fn say_a_layers_share(rows: Option<Vec<Row>>) {
    let of = |rows: &[Row], name| {
        let row = rows.iter().find(|row| row.name == name);
        row.expect("a row").median.as_secs_f64()
    };
    if let Some(rows) = rows {
        let all = of(&rows, "stack of 16") - of(&rows, "stack of 1");
        let nanos = all * 1e9 / (15 * COUNT) as f64;
        println!("\nA layer more, by the medians of 16 and of 1: {nanos:.2} ns.");
    }
}

fn up(depth: usize) -> impl FnMut() -> Cost {
    let mut stack = Stack::with_app(Box::new(Sink), Limits::default());
    push(&mut stack, depth);
    let mut chunk = [7; CHUNK];
    move || {
        cost_of(|| {
            for _ in 0..COUNT {
                stack.receive(black_box(&mut chunk));
            }
        })
    }
}

fn down(depth: usize) -> impl FnMut() -> Cost {
    let mut stack = Stack::new(Limits::default());
    push(&mut stack, depth);
    let chunk = [7; CHUNK];
    move || {
        cost_of(|| {
            for _ in 0..COUNT {
                stack.write(black_box(&chunk)).expect("an open stack");
                stack.sent(stack.outgoing().len());
            }
        })
    }
}

fn change(depth: usize) -> impl FnMut() -> Cost {
    let mut stack = Stack::new(Limits::default());
    push(&mut stack, depth);
    move || {
        cost_of(|| {
            for _ in 0..COUNT {
                let id = stack.push(Small::default()).expect("A push");
                stack.start_pop(id.key()).expect("a pop");
                black_box(stack.take_popped(id).expect("the layer"));
            }
        })
    }
}

fn push(stack: &mut Stack, depth: usize) {
    for _ in 0..depth {
        stack.push(Pass).expect("room for a layer");
    }
}

fn read(depth: usize) -> impl FnMut() -> Cost {
    let mut stream = Wrapper::nested(depth, Nothing);
    let mut chunk = [7; CHUNK];
    move || {
        let mut task = Context::from_waker(Waker::noop());
        cost_of(|| {
            for _ in 0..COUNT {
                let mut room = ReadBuf::new(black_box(&mut chunk));
                let read = Pin::new(&mut stream).poll_read(&mut task, &mut room);
                assert!(matches!(read, Poll::Ready(Ok(()))));
                black_box(room.filled());
            }
        })
    }
}

fn write(depth: usize) -> impl FnMut() -> Cost {
    let mut stream = Wrapper::nested(depth, Nothing);
    let chunk = [7; CHUNK];
    move || {
        let mut task = Context::from_waker(Waker::noop());
        cost_of(|| {
            for _ in 0..COUNT {
                let written = Pin::new(&mut stream).poll_write(&mut task, black_box(&chunk));
                assert!(matches!(written, Poll::Ready(Ok(CHUNK))));
            }
        })
    }
}

/// The innermost stream: reads find their bytes where they are, writes go nowhere.
struct Nothing;

impl AsyncRead for Nothing {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        buf.advance(buf.remaining());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Nothing {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
