//! What a layer costs by itself: a chunk up, a chunk down, a push and a pop. No sockets.

mod measure;

use std::hint::black_box;

use measure::nodes::{Pass, Sink, Small};
use measure::thread::pin;
use measure::{compare, cost_of, each, variant};
use stack::{Limits, Stack};

const CHUNKS: usize = 20_000;

fn main() {
    pin(1);
    let depths = [0, 1, 4, 16];
    let up = |depth: usize| {
        let mut stack = Stack::with_app(Box::new(Sink), Limits::default());
        push(&mut stack, depth);
        let mut chunk = [7; 1024];
        move || {
            cost_of(|| {
                for _ in 0..CHUNKS {
                    stack.receive(black_box(&mut chunk));
                }
            })
        }
    };
    let down = |depth: usize| {
        let mut stack = Stack::new(Limits::default());
        push(&mut stack, depth);
        let chunk = [7; 1024];
        move || {
            cost_of(|| {
                for _ in 0..CHUNKS {
                    stack.write(black_box(&chunk)).expect("an open stack");
                    stack.sent(stack.outgoing().len());
                }
            })
        }
    };
    for (title, rows) in [
        ("A 1 KiB chunk up, to an application", {
            let row = |d| variant(format!("{d} layers"), up(d));
            depths
                .iter()
                .copied()
                .chain([16])
                .map(row)
                .collect::<Vec<_>>()
        }),
        ("A 1 KiB chunk down, to the outbox", {
            let row = |d| variant(format!("{d} layers"), down(d));
            depths.iter().copied().chain([16]).map(row).collect()
        }),
    ] {
        compare(title, 21, rows, each(CHUNKS));
    }
    let mut stack = Stack::new(Limits::default());
    let change = |stack: &mut Stack| {
        let id = stack.push(Small::default()).expect("a push");
        stack.start_pop(id.key()).expect("a pop");
        black_box(stack.take_popped(id).expect("the layer"));
    };
    compare(
        "A push and a pop of a small layer",
        21,
        ["push + pop", "push + pop again (A/A)"]
            .map(|name| {
                let stack = std::mem::replace(&mut stack, Stack::new(Limits::default()));
                let mut stack = stack;
                variant(name, move || {
                    cost_of(|| (0..CHUNKS).for_each(|_| change(&mut stack)))
                })
            })
            .into(),
        each(CHUNKS),
    );
}

fn push(stack: &mut Stack, depth: usize) {
    for _ in 0..depth {
        stack.push(Pass).expect("room for a layer");
    }
}
