//! Plays the testing kit's simulations, each from a seed, on all processors:
//!
//!     cargo run --release -p layer-stack --features testing --example simulate -- --seeds 10000
//!
//! If one fails, it prints the seed, what was seen, and the smallest script found that shows it.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use stack::testing::{Campaign, Models, Simulation};

/// Plays lives of two connected stacks, each from a seed.
#[derive(Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// This seed only: its plan and script, and what it comes to.
    #[arg(long)]
    seed: Option<u64>,
    /// How many threads; by default, as many as there are processors.
    #[arg(long)]
    threads: Option<usize>,
}

#[expect(clippy::disallowed_methods, reason = "it measures how fast it is")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A panic in a simulation is part of its report.
    std::panic::set_hook(Box::new(|_| {}));
    let simulation = Simulation::new(&Models);
    if let Some(seed) = arguments.seed {
        println!("{}", simulation.script(seed));
    }
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    let campaign = Campaign {
        from: arguments.seed.unwrap_or(arguments.from),
        seeds: arguments.seed.map_or(arguments.seeds, |_| 1),
        changes: u64::MAX,
        threads: arguments.threads.unwrap_or_else(processors),
    };
    let begun = Instant::now();
    let tally = campaign.run(&simulation);
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{} seeds, {} steps, {} changes, {} bytes in {seconds:.1} s: {:.0} seeds/s",
        tally.seeds,
        tally.sum.steps,
        tally.sum.changes,
        tally.sum.bytes,
        tally.seeds as f64 / seconds
    );
    match tally.failure {
        Some(failure) => {
            println!("\nFAILED with {failure}");
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}
