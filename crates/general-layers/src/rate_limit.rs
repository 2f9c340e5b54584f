//! No more bytes a second than this.

use std::time::Duration;

use stack::{Chunk, Context, Error, Exit, Layer, Protocol, Readiness, Standing, Transport};

use crate::bucket::Bucket;

/// A layer that lets no more bytes a second pass than it is told, each way by itself, and a burst of
/// so many at once after a rest.
///
/// ```
/// use general_layers::RateLimit;
/// use stack::{Limits, Stack};
///
/// let mut stack = Stack::new(Limits::default());
/// stack.push(RateLimit::new().inbound(1_000_000, 64 * 1024).outbound(1_000_000, 64 * 1024)).unwrap();
/// ```
///
/// Nothing is kept inside, so nothing is late at a flush, a shutdown or a pop. What comes is left
/// below until its time has come, so that the network's own flow control holds up the peer. What is
/// sent passes at once, as a debt; until that is paid, writers are held back. A writer that does not
/// heed that is not slowed.
///
/// The rate is exact over any time in which bytes wait, as long as whoever drives the stack comes
/// before the bucket is full. What a full bucket misses is lost, so a burst should be a few times
/// what the rate brings in a tick of the driver's timer; tokio's is a millisecond.
///
/// Deadlines should stand below it, else it is the peer who is blamed for the limit.
#[derive(Clone, Debug, Default)]
pub struct RateLimit {
    inbound: Option<Way>,
    outbound: Option<Way>,
}

/// One of the two ways.
#[derive(Clone, Debug)]
struct Way {
    bucket: Bucket,
    /// When what is held up goes on.
    until: Option<Duration>,
}

impl RateLimit {
    /// Without a limit, either way.
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits what comes: so many bytes a second, and at most `burst` at once. Neither may be zero,
    /// else the push is refused.
    #[must_use]
    pub fn inbound(mut self, bytes_per_second: u64, burst: u64) -> Self {
        self.inbound = Some(Way::new(bytes_per_second, burst));
        self
    }

    /// Limits what is sent, likewise. A chunk is always taken whole, even if it is larger than a
    /// burst.
    #[must_use]
    pub fn outbound(mut self, bytes_per_second: u64, burst: u64) -> Self {
        self.outbound = Some(Way::new(bytes_per_second, burst));
        self
    }

    /// There is one alarm for both ways.
    fn set_alarm(&self, cx: &mut Context<'_>) {
        let ways = [&self.inbound, &self.outbound];
        let times = ways.into_iter().flatten().filter_map(|way| way.until);
        cx.wake_at(times.min());
    }
}

impl Way {
    fn new(rate: u64, burst: u64) -> Self {
        Self {
            bucket: Bucket::new(rate, burst),
            until: None,
        }
    }

    fn is_due(&self, now: Duration) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

impl Protocol for RateLimit {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        // Who has asked for the time is told that of each write.
        let now = cx.now();
        for way in [&mut self.inbound, &mut self.outbound]
            .into_iter()
            .flatten()
        {
            if !way.bucket.lets_pass() {
                return Err(Error::local("a rate or burst of zero lets nothing pass"));
            }
            way.bucket.fill(now);
            way.until = None;
        }
        Ok(Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        let Some(way) = &mut self.inbound else {
            cx.deliver(bytes);
            return Ok(bytes.len());
        };
        let now = cx.now();
        let tokens = usize::try_from(way.bucket.tokens(now)).unwrap_or(usize::MAX);
        let taken = bytes.len().min(tokens);
        way.bucket.take(taken, now);
        cx.deliver(&mut bytes[..taken]);
        let left = bytes.len() - taken;
        if left > 0 {
            // Not for each byte.
            let wanted = way.bucket.portion().min(left as u64);
            way.until = Some(way.bucket.when(wanted));
            cx.pause(true);
            self.set_alarm(cx);
        }
        Ok(taken)
    }

    fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let now = cx.now();
        if let Some(way) = &mut self.inbound
            && way.is_due(now)
        {
            way.until = None;
            cx.pause(false);
        }
        if let Some(way) = &mut self.outbound
            && way.is_due(now)
        {
            way.until = None;
            cx.hold_back(false);
        }
        self.set_alarm(cx);
        Ok(())
    }
}

impl Transport for RateLimit {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        if let Some(way) = &mut self.outbound {
            let now = cx.now();
            way.bucket.take(chunk.len(), now);
            if way.bucket.is_in_debt(now) {
                way.until = Some(way.bucket.when(0));
                cx.hold_back(true);
                self.set_alarm(cx);
            }
        }
        cx.send(chunk);
        Ok(())
    }
}

impl Layer for RateLimit {
    fn name(&self) -> &str {
        "rate-limit"
    }

    fn exit(&self) -> Exit {
        Exit::Anytime
    }
}

#[cfg(test)]
mod tests {
    use stack::{ErrorKind, Limits, Stack};

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn with(limit: RateLimit) -> Stack {
        let mut stack = Stack::new(Limits::default());
        stack.push(limit).unwrap();
        stack
    }

    /// 100 bytes at once, then a byte each millisecond.
    fn slow() -> Stack {
        with(RateLimit::new().inbound(1000, 100).outbound(1000, 100))
    }

    fn read(stack: &mut Stack) -> Vec<u8> {
        let bytes = stack.readable().to_vec();
        stack.consume(bytes.len());
        bytes
    }

    /// Lets time pass until nobody waits for it; says what time it is then.
    fn wait(stack: &mut Stack) -> Duration {
        let mut now = Duration::ZERO;
        while let Some(at) = stack.deadline() {
            now = at;
            stack.advance(at);
        }
        now
    }

    #[test]
    fn what_comes_rises_as_fast_as_its_rate() {
        let mut stack = slow();
        let bytes: Vec<u8> = (0..250).collect();
        stack.receive(&mut bytes.clone());
        assert_eq!(stack.readable(), &bytes[..100]);
        assert!(!stack.wants_input(), "what waits holds up the network");
        stack.advance(10 * MS - Duration::from_nanos(1));
        assert_eq!(stack.readable().len(), 100);
        stack.advance(10 * MS);
        assert_eq!(stack.readable().len(), 110);
        assert_eq!(wait(&mut stack), 150 * MS);
        assert_eq!(stack.readable(), bytes);
        assert!(stack.wants_input());
    }

    #[test]
    fn the_rate_is_exact_in_the_long_run() {
        // A rate that divides nothing.
        let mut stack = with(RateLimit::new().inbound(999_983, 10_007));
        let (mut came, mut seen, mut now) = (0, 0, Duration::ZERO);
        while seen < 5_000_000 {
            while stack.wants_input() {
                came += 1000;
                stack.receive(&mut [0; 1000]);
            }
            seen += read(&mut stack).len() as u64;
            if let Some(at) = stack.deadline() {
                now = at;
                stack.advance(at);
            }
        }
        seen += read(&mut stack).len() as u64;
        let may = 10_007 + now.as_nanos() as u64 * 999_983 / 1_000_000_000;
        assert_eq!((seen, came - seen < 1000), (may, true));
    }

    #[test]
    fn an_end_of_input_waits_for_what_is_held_up() {
        let mut stack = slow();
        stack.receive(&mut [7; 150]);
        stack.receive_end();
        assert_eq!(read(&mut stack), [7; 100]);
        assert!(stack.input_end().is_none());
        assert_eq!(wait(&mut stack), 50 * MS);
        assert_eq!(read(&mut stack), [7; 50]);
        assert!(stack.input_end().unwrap().error().is_none());
    }

    #[test]
    fn a_failure_waits_for_what_is_held_up() {
        let mut stack = slow();
        stack.receive(&mut [7; 150]);
        stack.fail(Error::transport(std::io::ErrorKind::ConnectionReset.into()));
        wait(&mut stack);
        assert_eq!(read(&mut stack), [7; 150]);
        assert!(stack.input_end().unwrap().error().is_some());
    }

    #[test]
    fn a_pop_lets_pass_what_is_held_up() {
        let mut stack = Stack::new(Limits::default());
        let id = stack
            .push(RateLimit::new().inbound(1, 100).outbound(1, 100))
            .unwrap();
        stack.receive(&mut [7; 150]);
        stack.write(&[8; 150]).unwrap();
        assert!(!stack.writable());
        stack.start_pop(id.key()).unwrap();
        assert!(stack.take_popped(id).is_some());
        // What came up past it is of another epoch.
        assert_eq!(read(&mut stack), [7; 100]);
        assert_eq!(read(&mut stack), [7; 50]);
        assert!(stack.writable() && stack.wants_input());
        assert_eq!(stack.deadline(), None);
    }

    #[test]
    fn what_is_sent_passes_at_once_and_writers_pay_for_it() {
        let mut stack = slow();
        stack.write(&[7; 100]).unwrap();
        assert!(stack.writable(), "a burst is free");
        stack.write(&[7; 300]).unwrap();
        stack.write(&[7; 200]).unwrap();
        stack.flush();
        assert_eq!(stack.outgoing().len(), 600);
        stack.sent(600);
        assert!(!stack.writable(), "neither a flush nor room is a payment");
        stack.advance(500 * MS - Duration::from_nanos(1));
        assert!(!stack.writable());
        stack.advance(500 * MS);
        assert!(stack.writable());
        assert_eq!(stack.deadline(), None);
    }

    #[test]
    fn a_shutdown_does_not_wait_for_the_debt() {
        let mut stack = slow();
        stack.write(&[7; 600]).unwrap();
        stack.shutdown();
        assert!(stack.outgoing_ended());
        assert_eq!(stack.outgoing().len(), 600);
    }

    #[test]
    fn both_ways_wait_each_for_its_own_time() {
        let mut stack = slow();
        stack.receive(&mut [7; 105]);
        stack.write(&[8; 120]).unwrap();
        stack.advance(5 * MS);
        assert_eq!(stack.readable().len(), 105);
        assert!(!stack.writable());
        stack.advance(20 * MS);
        assert!(stack.writable());
    }

    #[test]
    fn two_in_one_stack_are_as_fast_as_the_slower() {
        let mut stack = slow();
        stack.push(RateLimit::new().inbound(500, 100)).unwrap();
        stack.receive(&mut [7; 200]);
        assert_eq!(wait(&mut stack), 200 * MS);
        assert_eq!(stack.readable().len(), 200);
    }

    #[test]
    fn zero_is_refused() {
        for limit in [
            RateLimit::new().inbound(0, 1),
            RateLimit::new().inbound(1, 0),
            RateLimit::new().outbound(0, 1),
        ] {
            let refused = Stack::new(Limits::default()).push(limit);
            assert_eq!(refused.unwrap_err().error().kind(), ErrorKind::Misuse);
        }
    }

    #[test]
    fn nothing_overflows() {
        let most = u64::MAX;
        let mut stack = with(RateLimit::new().inbound(most, most).outbound(most, most));
        stack.receive(&mut [7; 1000]);
        stack.write(&[7; 1000]).unwrap();
        stack.advance(Duration::MAX);
        stack.receive(&mut [7; 1000]);
        assert_eq!(stack.readable().len(), 2000);
        assert!(stack.writable());

        // A debt that is paid when the clock has run out.
        let mut stack = with(RateLimit::new().outbound(1, 1));
        stack.advance(Duration::MAX - MS);
        stack.write(&[7; 1000]).unwrap();
        assert_eq!(stack.deadline(), Some(Duration::MAX));
    }
}
