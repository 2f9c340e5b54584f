//! Measuring on a machine that is shared: variants in turn, many short rounds, ratios pair by
//! pair.

#![allow(dead_code, reason = "each bench uses a part")]

pub(crate) mod nodes;

use std::time::{Duration, Instant};

/// What one run of one variant cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

/// Measures the wall and thread time of `work`.
pub(crate) fn cost_of(work: impl FnOnce()) -> Cost {
    let (wall, cpu) = (Instant::now(), cpu_time::ThreadTime::now());
    work();
    Cost {
        wall: wall.elapsed(),
        cpu: cpu.elapsed(),
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

/// Binds the calling thread to a processor, if the machine has that many.
pub(crate) fn pin(processor: usize) {
    if let Some(ids) = core_affinity::get_core_ids() {
        core_affinity::set_for_current(ids[processor % ids.len()]);
    }
}

/// Runs `work` on a thread of its own with a runtime of its own, on `processor`.
pub(crate) fn on_thread<F, T>(
    processor: usize,
    work: impl FnOnce() -> F + Send + 'static,
) -> std::thread::JoinHandle<T>
where
    F: Future<Output = T>,
    T: Send + 'static,
{
    std::thread::spawn(move || {
        pin(processor);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(work())
    })
}

/// Bytes at a fixed offset within a page, since the speed of copies depends on it.
pub(crate) struct Aligned {
    store: Vec<u8>,
    start: usize,
    len: usize,
}

impl Aligned {
    pub(crate) fn new(len: usize) -> Self {
        let store: Vec<u8> = (0..len + 8192).map(|i| (i * 31 % 251) as u8).collect();
        let start = store.as_ptr().align_offset(4096) + 2048;
        Self { store, start, len }
    }

    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.store[self.start..self.start + self.len]
    }
}
