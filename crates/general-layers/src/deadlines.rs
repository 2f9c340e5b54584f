//! What must not take too long.

use std::fmt;
use std::time::Duration;

use stack::{
    Blame, Chunk, Context, Error, ErrorKind, Exit, Layer, Protocol, Readiness, Standing, Transport,
};

/// A layer that fails the connection, with an error of kind
/// [`TimedOut`](stack::ErrorKind::TimedOut), when something takes too long.
///
/// | deadline | passes when | after the end of input | after our own end |
/// |---|---|---|---|
/// | [`idle`](Self::idle) | nothing passed, either way, for so long | counts what is sent | counts what comes; after both ends, nothing |
/// | [`read`](Self::read) | nothing came for so long, though there was room for it | counts no more | counts still |
/// | [`write`](Self::write) | writing was to pause for so long without a break: the peer takes nothing, or too little | counts still | counts still |
///
/// They begin with the push. Time in which a server waits for its client's next request counts for
/// `read` as well; so does time in which a layer below is still leaving, for what comes then goes past.
///
/// ```
/// use std::time::Duration;
/// use general_layers::Deadlines;
/// use stack::{Limits, Stack};
///
/// let mut stack = Stack::new(Limits::default());
/// stack.push(Deadlines::new().read(Duration::from_secs(30))).unwrap();
/// assert_eq!(stack.deadline(), Some(Duration::from_secs(30)));
/// stack.advance(Duration::from_secs(30));
/// let end = stack.input_end().unwrap();
/// assert_eq!(end.error().unwrap().to_string(), "deadlines: nothing came for 30s");
/// ```
///
/// A deadline is exact on the stack's clock. Where whoever drives the stack comes late, what has come
/// meanwhile counts.
#[derive(Clone, Debug, Default)]
pub struct Deadlines {
    idle: Option<Duration>,
    read: Option<Duration>,
    write: Option<Duration>,
    /// When something last came; or since when it could.
    came: Duration,
    /// When something was last sent.
    went: Duration,
    /// Since when writing is to pause.
    pauses: Option<Duration>,
    input: Input,
    finished: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Input {
    #[default]
    Open,
    /// Nobody above has room, so that nothing comes is not the peer's fault.
    Blocked,
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deadline {
    Idle,
    Read,
    Write,
}

impl Deadlines {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long nothing may pass, either way.
    #[must_use]
    pub fn idle(mut self, after: Duration) -> Self {
        self.idle = Some(after);
        self
    }

    /// How long nothing may come.
    #[must_use]
    pub fn read(mut self, after: Duration) -> Self {
        self.read = Some(after);
        self
    }

    /// How long writing may have to pause.
    #[must_use]
    pub fn write(mut self, after: Duration) -> Self {
        self.write = Some(after);
        self
    }

    /// The deadline that passes first, and when, if nothing happens until then.
    fn next(&self) -> Option<(Duration, Deadline, Duration)> {
        let over = self.input == Input::Ended && self.finished;
        let last = self.came.max(self.went);
        [
            (Deadline::Idle, self.idle, (!over).then_some(last)),
            (
                Deadline::Read,
                self.read,
                (self.input == Input::Open).then_some(self.came),
            ),
            (Deadline::Write, self.write, self.pauses),
        ]
        .into_iter()
        .filter_map(|(deadline, after, since)| {
            let after = after?;
            Some((since?.saturating_add(after), deadline, after))
        })
        .min_by_key(|(at, ..)| *at)
    }

    fn set_alarm(&self, cx: &mut Context<'_>) {
        cx.wake_at(self.next().map(|(at, ..)| at));
    }
}

impl Protocol for Deadlines {
    fn attached(&mut self, cx: &mut Context<'_>, at: &Standing) -> Result<Readiness, Error> {
        // Who has asked for the time is told that of each write.
        let now = cx.now();
        (self.came, self.went) = (now, now);
        self.pauses = at.write_paused.then_some(now);
        self.input = match at.end_seen {
            true => Input::Ended,
            false => Input::Open,
        };
        self.finished = false;
        self.set_alarm(cx);
        Ok(Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        // The alarm is left as it is: it looks at these when it goes off.
        self.came = cx.now();
        if self.input == Input::Blocked {
            self.input = Input::Open;
            self.set_alarm(cx);
        }
        cx.deliver(bytes);
        Ok(bytes.len())
    }

    fn end_received(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.input = Input::Ended;
        self.set_alarm(cx);
        Ok(())
    }

    fn writable(&mut self, cx: &mut Context<'_>, writable: bool) {
        self.pauses = (!writable).then(|| cx.now());
        self.set_alarm(cx);
    }

    fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let now = cx.now();
        let Some((at, deadline, after)) = self.next() else {
            return Ok(());
        };
        if at <= now {
            if deadline == Deadline::Read && !cx.wanted() {
                // When there is room, what has come is offered, or nothing if nothing has.
                self.input = Input::Blocked;
            } else {
                let message = format!("{deadline} for {after:?}");
                return Err(Error::new(ErrorKind::TimedOut, Blame::Remote, message));
            }
        }
        self.set_alarm(cx);
        Ok(())
    }
}

impl Transport for Deadlines {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        self.went = cx.now();
        cx.send(chunk);
        Ok(())
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.finished = true;
        self.set_alarm(cx);
        Ok(())
    }
}

impl Layer for Deadlines {
    fn name(&self) -> &str {
        "deadlines"
    }

    fn exit(&self) -> Exit {
        Exit::Anytime
    }
}

/// What has not happened.
impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "nothing passed",
            Self::Read => "nothing came",
            Self::Write => "the peer has not taken enough",
        })
    }
}

#[cfg(test)]
mod tests {
    use stack::{Limits, Stack};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const NANOSECOND: Duration = Duration::from_nanos(1);

    fn with(deadlines: Deadlines) -> Stack {
        let mut stack = Stack::new(Limits::default());
        stack.push(deadlines).unwrap();
        stack
    }

    fn error(stack: &Stack) -> Option<Error> {
        stack.input_end().and_then(|end| end.error().cloned())
    }

    /// Nothing has failed a nanosecond before; at the time itself it has, with these words.
    fn fails_at(stack: &mut Stack, at: Duration, words: &str) {
        stack.advance(at - NANOSECOND);
        assert!(error(stack).is_none(), "too early");
        assert_eq!(stack.deadline(), Some(at));
        stack.advance(at);
        let error = error(stack).expect("too late");
        assert_eq!(error.to_string(), words);
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(error.blame(), Blame::Remote);
        assert_eq!(error.layer(), Some("deadlines"));
        assert!(stack.write(b"x").is_err());
    }

    #[test]
    fn read_counts_from_what_came_last() {
        let mut stack = with(Deadlines::new().read(5 * SECOND));
        stack.advance(5 * SECOND - NANOSECOND);
        stack.receive(&mut [1]);
        stack.consume(1);
        stack.write(b"does not count").unwrap();
        stack.advance(5 * SECOND);
        let at = 10 * SECOND - NANOSECOND;
        fails_at(&mut stack, at, "deadlines: nothing came for 5s");
    }

    #[test]
    fn idle_counts_both_ways() {
        let mut stack = with(Deadlines::new().idle(5 * SECOND));
        stack.advance(3 * SECOND);
        stack.receive(&mut [1]);
        stack.consume(1);
        stack.advance(6 * SECOND);
        stack.write(b"x").unwrap();
        stack.advance(8 * SECOND);
        fails_at(&mut stack, 11 * SECOND, "deadlines: nothing passed for 5s");
    }

    #[test]
    fn write_counts_while_the_peer_takes_too_little() {
        let mut stack = with(Deadlines::new().write(5 * SECOND));
        assert_eq!(stack.deadline(), None);
        stack.advance(SECOND);
        stack.write(&[0; 80_000]).unwrap();
        stack.advance(4 * SECOND);
        stack.sent(70_000);
        assert_eq!(stack.deadline(), None, "the peer has taken enough");
        stack.write(&[0; 80_000]).unwrap();
        stack.advance(8 * SECOND);
        stack.sent(1000);
        let words = "deadlines: the peer has not taken enough for 5s";
        fails_at(&mut stack, 9 * SECOND, words);
    }

    #[test]
    fn pushed_while_writing_pauses_it_counts_from_the_push() {
        let mut stack = Stack::new(Limits::default());
        stack.write(&[0; 80_000]).unwrap();
        stack.advance(SECOND);
        stack.push(Deadlines::new().write(SECOND)).unwrap();
        assert_eq!(stack.deadline(), Some(2 * SECOND));
    }

    #[test]
    fn it_is_not_the_peers_fault_that_nobody_reads() {
        let limits = Limits {
            inbox: 10,
            ..Limits::default()
        };
        let mut stack = Stack::new(limits);
        stack.push(Deadlines::new().read(SECOND)).unwrap();
        stack.receive(&mut [1; 10]);
        assert!(!stack.wants_input());
        stack.advance(SECOND);
        stack.advance(5 * SECOND);
        assert!(error(&stack).is_none());
        assert_eq!(stack.deadline(), None);
        stack.consume(10);
        assert!(stack.wants_input());
        fails_at(&mut stack, 6 * SECOND, "deadlines: nothing came for 1s");
    }

    #[test]
    fn after_the_end_of_input_only_what_is_sent_counts() {
        let mut stack = with(Deadlines::new().read(SECOND).idle(5 * SECOND));
        stack.advance(SECOND / 2);
        stack.receive_end();
        assert_eq!(stack.deadline(), Some(5 * SECOND));
        stack.advance(4 * SECOND);
        stack.write(b"x").unwrap();
        stack.advance(5 * SECOND);
        assert_eq!(stack.deadline(), Some(9 * SECOND));
        stack.shutdown();
        assert_eq!(stack.deadline(), None, "both ends are told");
        stack.advance(100 * SECOND);
        assert!(stack.input_end().unwrap().error().is_none());
    }

    #[test]
    fn after_our_own_end_read_and_idle_count_on() {
        let mut stack = with(Deadlines::new().read(3 * SECOND).idle(SECOND));
        stack.shutdown();
        stack.advance(SECOND - NANOSECOND);
        stack.receive(&mut [1]);
        stack.consume(1);
        stack.advance(SECOND);
        let at = 2 * SECOND - NANOSECOND;
        fails_at(&mut stack, at, "deadlines: nothing passed for 1s");
    }

    #[test]
    fn a_pop_takes_its_deadlines_along() {
        let mut stack = Stack::new(Limits::default());
        let id = stack.push(Deadlines::new().idle(SECOND)).unwrap();
        stack.start_pop(id.key()).unwrap();
        assert!(stack.take_popped(id).is_some());
        assert_eq!(stack.deadline(), None);
    }

    #[test]
    fn nothing_overflows() {
        let mut stack = Stack::new(Limits::default());
        stack.advance(Duration::MAX - SECOND / 2);
        let deadlines = Deadlines::new().idle(Duration::MAX).read(SECOND);
        stack.push(deadlines).unwrap();
        stack.receive(&mut [1]);
        assert_eq!(stack.deadline(), Some(Duration::MAX));
        stack.advance(Duration::MAX);
        assert!(error(&stack).is_none() && !stack.readable().is_empty());
        stack.consume(1);
        assert_eq!(error(&stack).unwrap().kind(), ErrorKind::TimedOut);
    }
}
