//! Plays the testing kit's simulations, each from a seed, on all processors:
//!
//!     cargo run --release -p layer-stack --features testing --example simulate -- --seeds 10000
//!
//! If one fails, it prints the seed, what was seen, and the smallest script found that shows it.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use clap::Parser;
use stack::testing::{Failure, Models, Report, Simulation};

/// Plays lives of two connected stacks, each from a seed.
#[derive(Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// This seed only, and what it comes to.
    #[arg(long)]
    seed: Option<u64>,
    /// How many threads; by default, as many as there are processors.
    #[arg(long)]
    threads: Option<usize>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A panic in a simulation is part of its report.
    std::panic::set_hook(Box::new(|_| {}));
    match arguments.seed {
        Some(seed) => one(seed),
        None => many(&arguments),
    }
}

fn one(seed: u64) -> ExitCode {
    let simulation = Simulation::new(&Models);
    println!("{}", simulation.script(seed));
    match simulation.run(seed) {
        Ok(report) => {
            println!("seed {seed}: {report:?}");
            ExitCode::SUCCESS
        }
        Err(failure) => failed(&failure),
    }
}

#[expect(clippy::disallowed_methods, reason = "it measures how fast it is")]
fn many(arguments: &Arguments) -> ExitCode {
    let threads = arguments
        .threads
        .or_else(|| std::thread::available_parallelism().map(usize::from).ok())
        .unwrap_or(1);
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let first_failure: Mutex<Option<Failure>> = Mutex::new(None);
    let work = || {
        let (simulation, mut sum, mut seeds) = (Simulation::new(&Models), Report::default(), 0);
        while !stop.load(Relaxed) {
            let at = next.fetch_add(1, Relaxed);
            if at >= arguments.seeds {
                break;
            }
            match simulation.run(arguments.from + at) {
                Ok(report) => {
                    seeds += 1;
                    sum.steps += report.steps;
                    sum.changes += report.changes;
                    sum.bytes += report.bytes;
                }
                Err(failure) => {
                    stop.store(true, Relaxed);
                    let mut first = first_failure.lock().expect("no thread panics");
                    if first.as_ref().is_none_or(|it| it.seed() > failure.seed()) {
                        *first = Some(failure);
                    }
                }
            }
        }
        (seeds, sum)
    };
    let begun = Instant::now();
    let sums: Vec<(u64, Report)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let sums = threads.into_iter().map(|thread| thread.join());
        sums.map(|sum| sum.expect("no thread panics")).collect()
    });
    let seconds = begun.elapsed().as_secs_f64();
    let seeds: u64 = sums.iter().map(|(seeds, _)| seeds).sum();
    let sum = |of: fn(&Report) -> u64| sums.iter().map(|(_, report)| of(report)).sum::<u64>();
    println!(
        "{seeds} seeds, {} steps, {} changes, {} bytes in {seconds:.1} s: {:.0} seeds/s",
        sum(|report| report.steps),
        sum(|report| report.changes),
        sum(|report| report.bytes),
        seeds as f64 / seconds
    );
    match first_failure.into_inner().expect("no thread panics") {
        Some(failure) => failed(&failure),
        None => ExitCode::SUCCESS,
    }
}

fn failed(failure: &Failure) -> ExitCode {
    println!("\nFAILED with {failure}");
    ExitCode::FAILURE
}
