//! What a run costs.

use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

/// What one run of one variant cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// The time that passed.
    pub wall: Duration,
    /// The time that the processor spent on it.
    pub cpu: Duration,
}

/// Measures the wall and thread time of `work`.
pub fn cost_of(work: impl FnOnce()) -> Cost {
    let meter = Meter::start();
    work();
    meter.stop()
}

/// Measures from its start to its stop, on one thread.
#[derive(Debug)]
pub struct Meter {
    wall: Instant,
    cpu: ThreadTime,
}

impl Meter {
    /// From now on.
    pub fn start() -> Self {
        Self {
            wall: Instant::now(),
            cpu: ThreadTime::now(),
        }
    }

    /// Until now.
    pub fn stop(self) -> Cost {
        Cost {
            wall: self.wall.elapsed(),
            cpu: self.cpu.elapsed(),
        }
    }
}
