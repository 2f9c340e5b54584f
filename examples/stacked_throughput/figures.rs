//! What was measured, as programs read it.

use measure::Quartiles;
use serde::Serialize;

/// All that was measured. `ratio` is always ours by this one's, pair by pair.
#[derive(Serialize)]
pub(crate) struct Figures {
    /// As on the command line, with what was left out.
    pub(crate) stack: String,
    /// As it is drawn.
    pub(crate) drawn: String,
    pub(crate) settings: Settings,
    /// What is to be known of the figures.
    pub(crate) notes: Vec<String>,
    pub(crate) bulk: Vec<Bulk>,
    pub(crate) quiet: Vec<Quiet>,
}

#[derive(Serialize)]
pub(crate) struct Settings {
    pub(crate) medium: String,
    pub(crate) direction: String,
    pub(crate) text: String,
    pub(crate) flush: bool,
    pub(crate) rounds: usize,
    pub(crate) ping_bytes: usize,
    /// Of the writes with which the depths are measured.
    pub(crate) depth_write_bytes: usize,
    pub(crate) processors: usize,
    pub(crate) os: &'static str,
    pub(crate) architecture: &'static str,
}

/// Many bytes, with one size of writes and one depth.
#[derive(Serialize)]
pub(crate) struct Bulk {
    /// How many layers stand above the stack.
    pub(crate) depth: usize,
    pub(crate) write_bytes: usize,
    /// In a run, all directions together.
    pub(crate) carried_bytes: usize,
    /// Ours, ours again, and the peers.
    pub(crate) variants: Vec<Carried>,
}

#[derive(Serialize)]
pub(crate) struct Carried {
    pub(crate) name: String,
    pub(crate) bytes_per_second: Spread,
    /// Of throughputs.
    pub(crate) ratio: Spread,
    pub(crate) cpu_ns_per_byte: Spread,
    pub(crate) cpu_ratio: Spread,
    pub(crate) allocations_per_mib: f64,
    pub(crate) wire_bytes_per_byte: f64,
}

/// Few bytes and none, with one depth.
#[derive(Serialize)]
pub(crate) struct Quiet {
    pub(crate) depth: usize,
    /// In a round.
    pub(crate) exchanges: usize,
    pub(crate) variants: Vec<Answered>,
}

#[derive(Serialize)]
pub(crate) struct Answered {
    pub(crate) name: String,
    /// Of all exchanges of all rounds.
    pub(crate) latency_us: Percentiles,
    /// Of the median latencies of a round.
    pub(crate) ratio: Spread,
    /// Of both ends.
    pub(crate) idle_heap_bytes: Heap,
}

/// Of a connection behind its handshake and one exchange.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Heap {
    /// The first of a thread, with what that keeps for all.
    pub(crate) first: i64,
    /// A further one.
    pub(crate) further: i64,
}

#[derive(Clone, Copy, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

/// A distribution in three figures.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Spread {
    pub(crate) lower_quartile: f64,
    pub(crate) median: f64,
    pub(crate) upper_quartile: f64,
}

impl Figures {
    /// The largest size at the lowest depth, and at each depth above: what a sweep of depths has.
    pub(crate) fn sweep(&self) -> Vec<&Bulk> {
        let size = self.settings.depth_write_bytes;
        self.bulk
            .iter()
            .filter(|bulk| bulk.write_bytes == size)
            .collect()
    }

    /// Each size at the lowest depth.
    pub(crate) fn sizes(&self) -> Vec<&Bulk> {
        let lowest = self.bulk.iter().map(|bulk| bulk.depth).min();
        let bulk = self.bulk.iter();
        bulk.filter(|bulk| Some(bulk.depth) == lowest).collect()
    }
}

impl Settings {
    /// In a line, for people.
    pub(crate) fn load(&self) -> String {
        let flush = if self.flush {
            ", each write flushed"
        } else {
            ""
        };
        let Self {
            direction,
            medium,
            text,
            rounds,
            ..
        } = self;
        let way = match direction.as_str() {
            "up" => "client to server",
            "down" => "server to client",
            _ => "both ways at once",
        };
        format!("{way} over {medium}, {text} text{flush}; medians of {rounds} rounds in turn")
    }
}

impl Percentiles {
    /// Of as many as there are; at least one.
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let last = values.len() - 1;
        let at = |percent: usize| values[(last * percent).div_ceil(100)];
        Self {
            p50: at(50),
            p90: at(90),
            p99: at(99),
            max: at(100),
        }
    }
}

impl Spread {
    pub(crate) fn of(values: Vec<f64>) -> Self {
        let Quartiles {
            lower,
            median,
            upper,
        } = Quartiles::of(values);
        Self {
            lower_quartile: lower,
            median,
            upper_quartile: upper,
        }
    }

    /// Of the ratios pair by pair.
    pub(crate) fn of_ratios(above: &[f64], below: &[f64]) -> Self {
        let pairs = above.iter().zip(below);
        Self::of(pairs.map(|(above, below)| above / below).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_among_the_values() {
        let of = |values: Vec<f64>| {
            let Percentiles { p50, p90, p99, max } = Percentiles::of(values);
            [p50, p90, p99, max]
        };
        assert_eq!(of(vec![7.0]), [7.0; 4]);
        let hundred_and_one = (0..=100).rev().map(f64::from).collect();
        assert_eq!(of(hundred_and_one), [50.0, 90.0, 99.0, 100.0]);
    }

    #[test]
    fn ratios_are_taken_pair_by_pair() {
        let spread = Spread::of_ratios(&[2.0, 20.0, 200.0], &[1.0, 10.0, 100.0]);
        assert_eq!(spread.lower_quartile, 2.0);
        assert_eq!(spread.upper_quartile, 2.0);
    }
}
