//! A token bucket.

use std::time::Duration;

/// Tokens, of which so many come each second, and not more than a burst are kept. A byte costs one.
///
/// They are counted in billionths, so that every nanosecond brings a whole number of them: nothing
/// is ever rounded, and the rate is exact for as long as the bucket is not full.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    /// Tokens in a second; billionths of one in a nanosecond.
    rate: u64,
    /// The most that are kept.
    burst: u64,
    /// Billionths of a token; below zero is a debt.
    level: i128,
    /// As of when.
    at: Duration,
}

const TOKEN: i128 = 1_000_000_000;

impl Bucket {
    pub(crate) fn new(rate: u64, burst: u64) -> Self {
        Self {
            rate,
            burst,
            level: 0,
            at: Duration::ZERO,
        }
    }

    /// Whether anything can ever pass.
    pub(crate) fn lets_pass(&self) -> bool {
        self.rate > 0 && self.burst > 0
    }

    /// It is full, now.
    pub(crate) fn fill(&mut self, now: Duration) {
        self.level = self.most();
        self.at = now;
    }

    /// How many whole tokens there are.
    pub(crate) fn tokens(&mut self, now: Duration) -> u64 {
        self.refill(now);
        u64::try_from(self.level.div_euclid(TOKEN)).unwrap_or(0)
    }

    /// Takes tokens, also those that are not there yet.
    pub(crate) fn take(&mut self, tokens: usize, now: Duration) {
        self.refill(now);
        let price = (tokens as i128).saturating_mul(TOKEN);
        self.level = self.level.saturating_sub(price);
    }

    /// Whether more was taken than there was.
    pub(crate) fn is_in_debt(&mut self, now: Duration) -> bool {
        self.refill(now);
        self.level < 0
    }

    /// When there will be so many tokens, if none are taken; no more than a burst can be.
    pub(crate) fn when(&self, tokens: u64) -> Duration {
        let missing = i128::from(tokens.min(self.burst)) * TOKEN - self.level;
        let missing = u128::try_from(missing).unwrap_or(0);
        let nanoseconds = missing.div_ceil(u128::from(self.rate.max(1)));
        self.at.saturating_add(duration(nanoseconds))
    }

    /// For how many tokens it is worth to wait: what comes in a hundredth of a second, but no more
    /// than half a burst, so that whoever comes late finds a bucket that is not full yet.
    pub(crate) fn portion(&self) -> u64 {
        (self.rate / 100).min(self.burst / 2).max(1)
    }

    fn refill(&mut self, now: Duration) {
        let elapsed = now.saturating_sub(self.at).as_nanos();
        let came = elapsed.saturating_mul(u128::from(self.rate));
        let came = i128::try_from(came).unwrap_or(i128::MAX);
        self.level = self.level.saturating_add(came).min(self.most());
        self.at = self.at.max(now);
    }

    fn most(&self) -> i128 {
        i128::from(self.burst) * TOKEN
    }
}

fn duration(nanoseconds: u128) -> Duration {
    let seconds = u64::try_from(nanoseconds / 1_000_000_000);
    seconds.map_or(Duration::MAX, |seconds| {
        Duration::new(seconds, (nanoseconds % 1_000_000_000) as u32)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn full(rate: u64, burst: u64) -> Bucket {
        let mut bucket = Bucket::new(rate, burst);
        bucket.fill(Duration::ZERO);
        bucket
    }

    #[test]
    fn a_rate_that_no_second_divides_does_not_drift() {
        let mut bucket = full(7, 2);
        bucket.take(2, Duration::ZERO);
        let mut taken = 0;
        // A look each 13 ms or so: whole tokens never wait for long, so that none is too many.
        let mut now = Duration::ZERO;
        while now < SECOND * 3600 {
            let tokens = bucket.tokens(now);
            bucket.take(tokens as usize, now);
            taken += tokens;
            now += Duration::from_nanos(13_000_019);
        }
        assert_eq!(taken, 7 * 3600 - 1);
    }

    #[test]
    fn a_token_is_there_at_its_nanosecond_and_not_before() {
        let mut bucket = full(3, 10);
        bucket.take(10, Duration::ZERO);
        let at = bucket.when(1);
        assert_eq!(at, Duration::from_nanos(333_333_334));
        assert_eq!(bucket.tokens(at - Duration::from_nanos(1)), 0);
        assert_eq!(bucket.tokens(at), 1);
        assert_eq!(bucket.when(3), SECOND);
    }

    #[test]
    fn a_debt_is_paid_exactly() {
        let mut bucket = full(1000, 100);
        bucket.take(600, Duration::ZERO);
        assert_eq!(bucket.when(0), SECOND / 2);
        assert!(bucket.is_in_debt(SECOND / 2 - Duration::from_nanos(1)));
        assert!(!bucket.is_in_debt(SECOND / 2));
        assert_eq!(bucket.tokens(SECOND / 2), 0);
    }

    #[test]
    fn no_rate_burst_or_time_is_too_large() {
        let mut bucket = full(u64::MAX, u64::MAX);
        bucket.take(usize::MAX, Duration::ZERO);
        assert_eq!(bucket.tokens(Duration::MAX), u64::MAX);
        bucket.take(usize::MAX, Duration::MAX);
        bucket.take(usize::MAX, Duration::MAX);
        assert!(bucket.is_in_debt(Duration::MAX));
        assert_eq!(bucket.when(u64::MAX), Duration::MAX);

        let mut slow = full(1, u64::MAX);
        for _ in 0..100 {
            slow.take(usize::MAX, Duration::ZERO);
        }
        assert_eq!(slow.when(0), Duration::MAX);
    }

    #[test]
    fn a_clock_that_goes_back_brings_nothing() {
        let mut bucket = full(10, 10);
        bucket.take(10, SECOND);
        assert_eq!(bucket.tokens(Duration::ZERO), 0);
        assert_eq!(bucket.tokens(SECOND), 0);
        assert_eq!(bucket.tokens(SECOND * 2), 10);
    }
}
