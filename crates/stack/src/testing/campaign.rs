//! Many simulations at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::{Failure, Report, Simulation};

/// Many seeds, run on several threads, until enough was seen or one has failed.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The first seed.
    pub from: u64,
    /// The most seeds.
    pub seeds: u64,
    /// The most changes of a stack, all seeds and both peers together.
    pub changes: u64,
    /// How many threads.
    pub threads: usize,
}

/// What a campaign came to.
#[derive(Debug, Default)]
pub struct Tally {
    /// The seeds that held.
    pub seeds: u64,
    /// All that they came to, together; the trace is of none.
    pub sum: Report,
    /// The failure with the least seed, if any did not hold.
    pub failure: Option<Failure>,
}

impl Campaign {
    /// Runs it.
    pub fn run(&self, simulation: &Simulation<'_>) -> Tally {
        let (next, changes) = (AtomicU64::new(0), AtomicU64::new(0));
        let over = AtomicBool::new(false);
        let tally = Mutex::new(Tally::default());
        let work = || {
            while !over.load(Relaxed) && changes.load(Relaxed) < self.changes {
                let at = next.fetch_add(1, Relaxed);
                if at >= self.seeds {
                    break;
                }
                let ran = simulation.run(self.from + at);
                let mut tally = tally.lock().unwrap_or_else(|it| it.into_inner());
                match ran {
                    Ok(report) => {
                        changes.fetch_add(report.changes, Relaxed);
                        tally.add(&report);
                    }
                    Err(failure) => {
                        over.store(true, Relaxed);
                        let first = tally.failure.as_ref();
                        if first.is_none_or(|first| first.seed() > failure.seed()) {
                            tally.failure = Some(failure);
                        }
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.threads {
                scope.spawn(work);
            }
        });
        tally.into_inner().unwrap_or_else(|it| it.into_inner())
    }
}

impl Tally {
    fn add(&mut self, report: &Report) {
        self.seeds += 1;
        self.sum.steps += report.steps;
        self.sum.changes += report.changes;
        self.sum.bytes += report.bytes;
    }
}
