//! Measuring on a machine that is shared: variants in turn, many short rounds, ratios pair by
//! pair.

#![allow(dead_code, reason = "each bench uses a part")]

pub(crate) mod aligned;
pub(crate) mod bulk;
pub(crate) mod nodes;
pub(crate) mod open;
pub(crate) mod pingpong;
pub(crate) mod sockets;
pub(crate) mod text;
pub(crate) mod thread;
pub(crate) mod tls;

use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

/// What one run of one variant cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

/// Measures the wall and thread time of `work`.
pub(crate) fn cost_of(work: impl FnOnce()) -> Cost {
    let meter = Meter::start();
    work();
    meter.stop()
}

/// Measures from its start to its stop, on one thread.
pub(crate) struct Meter {
    wall: Instant,
    cpu: ThreadTime,
}

impl Meter {
    pub(crate) fn start() -> Self {
        Self {
            wall: Instant::now(),
            cpu: ThreadTime::now(),
        }
    }

    pub(crate) fn stop(self) -> Cost {
        Cost {
            wall: self.wall.elapsed(),
            cpu: self.cpu.elapsed(),
        }
    }
}

/// One of the things that are compared.
pub(crate) struct Variant<'a> {
    pub(crate) name: String,
    pub(crate) run: Box<dyn FnMut() -> Cost + 'a>,
}

pub(crate) fn variant<'a>(name: impl Into<String>, run: impl FnMut() -> Cost + 'a) -> Variant<'a> {
    Variant {
        name: name.into(),
        run: Box::new(run),
    }
}

/// Runs the variants in turn, the order turned each round, and prints a table: the first variant
/// is what the others are compared with. `unit` turns a time into the figure that people want.
pub(crate) fn compare(
    title: &str,
    rounds: usize,
    mut variants: Vec<Variant<'_>>,
    unit: impl Fn(Duration) -> String,
) {
    let n = variants.len();
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); n];
    for round in 0..=rounds {
        for i in 0..n {
            let i = (i + round) % n;
            let cost = (variants[i].run)();
            // The first round warms caches and pools.
            if round > 0 {
                costs[i].push(cost);
            }
        }
    }
    println!("\n{title} ({rounds} rounds in turn)");
    println!(
        "{:<44} {:>14} {:>8} {:>17} {:>8}",
        "", "median", "ratio", "quartiles", "cpu"
    );
    for i in 0..n {
        let ratios = |of: fn(&Cost) -> Duration| {
            let pairs = costs[0].iter().zip(&costs[i]);
            quartiles(
                pairs
                    .map(|(first, this)| of(first).as_secs_f64() / of(this).as_secs_f64())
                    .collect(),
            )
        };
        let (wall, cpu) = (ratios(|cost| cost.wall), ratios(|cost| cost.cpu));
        let mut walls: Vec<_> = costs[i].iter().map(|cost| cost.wall).collect();
        walls.sort();
        println!(
            "{:<44} {:>14} {:>7.3}x  [{:.3} .. {:.3}] {:>7.3}x",
            variants[i].name,
            unit(walls[walls.len() / 2]),
            wall[1],
            wall[0],
            wall[2],
            cpu[1]
        );
    }
}

fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|q| values[(values.len() - 1) * q / 4])
}

/// As a throughput of `bytes` a run.
pub(crate) fn throughput(bytes: usize) -> impl Fn(Duration) -> String {
    move |time| format!("{:.0} MB/s", bytes as f64 / time.as_secs_f64() / 1e6)
}

/// As a time for each of `n` operations of a run.
pub(crate) fn each(n: usize) -> impl Fn(Duration) -> String {
    move |time| {
        let nanos = time.as_secs_f64() * 1e9 / n as f64;
        if nanos < 10_000.0 {
            format!("{nanos:.1} ns")
        } else {
            format!("{:.1} us", nanos / 1e3)
        }
    }
}
