//! From the time of a run to the figure that people want.

use std::time::Duration;

/// As a throughput of `bytes` a run.
pub fn throughput(bytes: usize) -> impl Fn(Duration) -> String + Copy {
    move |time| format!("{:.0} MB/s", bytes as f64 / time.as_secs_f64() / 1e6)
}

/// As a time for each of `n` operations of a run.
pub fn each(n: usize) -> impl Fn(Duration) -> String + Copy {
    move |time| {
        let nanos = time.as_secs_f64() * 1e9 / n as f64;
        if nanos < 10_000.0 {
            format!("{nanos:.1} ns")
        } else {
            format!("{:.1} us", nanos / 1e3)
        }
    }
}
