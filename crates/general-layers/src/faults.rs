//! Faults, injected on purpose.

mod way;

use std::any::{Any, TypeId};
use std::io;
use std::time::Duration;

use fastrand::Rng;
use stack::{Chunk, Context, Error, Exit, Layer, Protocol, Readiness, Standing, Transport};

use way::{Plan, Way};

pub use way::Injected;

/// A layer that injects faults, so that tests meet what networks do now and then: any cut, late
/// bytes, wrong bytes, a reset.
///
/// Each way has random numbers of its own for each kind of fault, all from the seed. The same seed
/// does the same to the same bytes; which of them are corrupted does not even depend on how they are
/// cut. With [`pieces`](Self::pieces) and [`delay`](Self::delay) alone, no byte is changed.
///
/// ```
/// use general_layers::{Faults, Injected};
/// use stack::{Limits, Stack};
///
/// let mut stack = Stack::new(Limits::default());
/// stack.push(Faults::seeded(7).pieces(1)).unwrap();
/// stack.write(b"hello").unwrap();
/// assert_eq!(stack.outgoing(), b"hello");
/// assert_eq!(stack.info::<Injected>().unwrap().pieces, 5);
/// ```
///
/// What it did is told as [info](stack::Stack::info). Pushed again after a pop, it begins anew.
#[derive(Clone, Debug)]
pub struct Faults {
    seed: u64,
    plan: Plan,
    reset_after: Option<u64>,
    /// How many bytes have passed, both ways together.
    passed: u64,
    inbound: Way,
    outbound: Way,
    injected: Injected,
}

impl Faults {
    /// No faults yet, and the seed of those to come.
    pub fn seeded(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        Self {
            seed,
            plan: Plan::default(),
            reset_after: None,
            passed: 0,
            inbound: Way::new(&mut rng),
            outbound: Way::new(&mut rng),
            injected: Injected::default(),
        }
    }

    /// Cuts what passes, both ways, into pieces of 1 to `most` bytes. 0 counts as 1.
    #[must_use]
    pub fn pieces(mut self, most: usize) -> Self {
        self.plan.pieces = Some(most.max(1));
        self
    }

    /// Holds up what comes, each piece for up to `most`; and, after a write, writers likewise. What
    /// is written passes at once, so that nothing is late at a flush or a pop.
    #[must_use]
    pub fn delay(mut self, most: Duration) -> Self {
        self.plan.delay = Some(most);
        self
    }

    /// Flips a bit of one byte in so many, at random, both ways. 0 counts as 1: of every byte.
    #[must_use]
    pub fn corrupt(mut self, one_in: u32) -> Self {
        self.plan.corrupt = Some(one_in.max(1));
        self
    }

    /// Fails the connection as a reset does, as soon as so many bytes have passed, both ways
    /// together. What was sent by then still leaves.
    #[must_use]
    pub fn reset_after(mut self, bytes: u64) -> Self {
        self.reset_after = Some(bytes);
        self
    }

    /// How many bytes may pass until the reset.
    fn left(&self) -> usize {
        let after = self.reset_after.unwrap_or(u64::MAX);
        usize::try_from(after.saturating_sub(self.passed)).unwrap_or(usize::MAX)
    }

    /// So many bytes have passed.
    fn count(&mut self, bytes: usize) -> Result<(), Error> {
        self.passed += bytes as u64;
        match self.left() {
            0 => Err(Error::transport(io::ErrorKind::ConnectionReset.into())),
            _ => Ok(()),
        }
    }

    /// There is one alarm for both ways.
    fn set_alarm(&self, cx: &mut Context<'_>) {
        let times = [self.inbound.until(), self.outbound.until()];
        cx.wake_at(times.into_iter().flatten().min());
    }
}

impl Protocol for Faults {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        // Who has asked for the time is told that of each write.
        cx.now();
        let mut rng = Rng::with_seed(self.seed);
        (self.inbound, self.outbound) = (Way::new(&mut rng), Way::new(&mut rng));
        (self.passed, self.injected) = (0, Injected::default());
        Ok(Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        let (way, injected) = (&mut self.inbound, &mut self.injected);
        if way.hold_up(&self.plan, injected, cx.now()) {
            cx.pause(true);
            self.set_alarm(cx);
            return Ok(0);
        }
        way.passed();
        // One piece a call: the others are offered when those above have come to rest.
        let piece = way.piece(&self.plan, injected, bytes.len());
        let piece = piece.min(self.left());
        let bytes = &mut bytes[..piece];
        self.inbound.flip(&self.plan, &mut self.injected, bytes);
        cx.deliver(bytes);
        self.count(piece)?;
        Ok(piece)
    }

    fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let now = cx.now();
        if self.inbound.is_due(now) {
            self.inbound.let_pass();
            cx.pause(false);
        }
        if self.outbound.is_due(now) {
            self.outbound.passed();
            cx.hold_back(false);
        }
        self.set_alarm(cx);
        Ok(())
    }
}

impl Transport for Faults {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        let (way, injected) = (&mut self.outbound, &mut self.injected);
        if way.hold_up(&self.plan, injected, cx.now()) {
            cx.hold_back(true);
            self.set_alarm(cx);
        }
        let mut rest = chunk.as_slice();
        while !rest.is_empty() {
            let (way, injected) = (&mut self.outbound, &mut self.injected);
            let piece = way.piece(&self.plan, injected, rest.len());
            let (piece, behind) = rest.split_at(piece.min(self.left()));
            if self.plan.corrupt.is_some() {
                let mut piece = piece.to_vec();
                self.outbound
                    .flip(&self.plan, &mut self.injected, &mut piece);
                cx.send(&mut piece);
            } else {
                cx.send(piece);
            }
            self.count(piece.len())?;
            rest = behind;
        }
        Ok(())
    }
}

impl Layer for Faults {
    fn name(&self) -> &str {
        "faults"
    }

    fn exit(&self) -> Exit {
        Exit::Anytime
    }

    fn info(&self, wanted: TypeId) -> Option<&dyn Any> {
        (wanted == TypeId::of::<Injected>()).then_some(&self.injected as &dyn Any)
    }
}

#[cfg(test)]
mod tests {
    use stack::{Blame, ErrorKind, Limits, Stack};

    use super::*;
    use crate::Counters;

    fn with(faults: Faults) -> Stack {
        let mut stack = Stack::new(Limits::default());
        stack.push(Counters::new()).unwrap();
        stack.push(faults).unwrap();
        stack.push(Counters::new()).unwrap();
        stack
    }

    fn injected(stack: &Stack) -> Injected {
        *stack.info::<Injected>().unwrap()
    }

    fn pattern() -> Vec<u8> {
        (0..1000u32).map(|i| (i * 7 % 251) as u8).collect()
    }

    /// What is read and what leaves, if the pattern goes both ways, in pieces of so many bytes.
    fn both_ways(stack: &mut Stack, piece: usize) -> [Vec<u8>; 2] {
        for piece in pattern().chunks(piece) {
            stack.receive(&mut piece.to_vec());
            stack.write(piece).unwrap();
        }
        while let Some(at) = stack.deadline() {
            stack.advance(at);
        }
        [stack.readable().to_vec(), stack.outgoing().to_vec()]
    }

    #[test]
    fn pieces_are_no_larger_than_that_and_change_nothing() {
        let mut stack = with(Faults::seeded(1).pieces(3));
        assert!(both_ways(&mut stack, 1000) == [pattern(), pattern()]);
        let up = stack.info::<Counters>().unwrap().received();
        assert!((334..=1000).contains(&up.chunks), "{up:?}");
        assert!(injected(&stack).pieces > up.chunks + 334);
        assert_eq!(injected(&stack).corrupted, 0);
    }

    #[test]
    fn the_same_seed_does_the_same() {
        let did = |seed| {
            let ms = Duration::from_millis(10);
            let mut stack = with(Faults::seeded(seed).pieces(9).delay(ms).corrupt(10));
            let bytes = both_ways(&mut stack, 100);
            (bytes, injected(&stack))
        };
        assert!(did(1) == did(1));
        assert!(did(1) != did(2));
    }

    #[test]
    fn what_is_corrupted_does_not_depend_on_the_cuts() {
        let mut whole = with(Faults::seeded(3).corrupt(50));
        let mut cut = with(Faults::seeded(3).corrupt(50).pieces(4));
        let [came, went] = both_ways(&mut whole, 1000);
        assert!([came.clone(), went.clone()] == both_ways(&mut cut, 13));
        let bits = |bytes: &[u8]| {
            let pairs = bytes.iter().zip(pattern());
            pairs
                .map(|(a, b)| u64::from((a ^ b).count_ones()))
                .sum::<u64>()
        };
        let flipped = bits(&came) + bits(&went);
        assert_eq!(injected(&whole).corrupted, flipped);
        assert!((10..80).contains(&flipped), "{flipped}");
        assert!(came != went);
    }

    #[test]
    fn what_comes_is_late_and_the_end_behind_it() {
        let second = Duration::from_secs(1);
        let mut stack = with(Faults::seeded(5).delay(second));
        stack.receive(&mut pattern());
        stack.receive_end();
        assert!(stack.readable().is_empty() && stack.input_end().is_none());
        assert!(!stack.wants_input());
        let at = stack.deadline().unwrap();
        assert!(at > Duration::ZERO && at <= second);
        stack.advance(at);
        assert_eq!(stack.readable(), pattern());
        stack.consume(1000);
        assert!(stack.input_end().unwrap().error().is_none());
        assert_eq!(injected(&stack).delays, 1);
    }

    #[test]
    fn each_piece_is_late_by_itself() {
        let mut stack = with(Faults::seeded(5).pieces(9).delay(Duration::from_secs(1)));
        stack.receive(&mut pattern());
        while let Some(at) = stack.deadline() {
            stack.advance(at);
        }
        assert!(stack.readable() == pattern());
        let injected = injected(&stack);
        assert_eq!(injected.delays, injected.pieces);
        assert!(injected.delays > 100, "{injected:?}");
    }

    #[test]
    fn writers_are_held_back_and_what_they_wrote_is_not() {
        let mut stack = with(Faults::seeded(5).delay(Duration::from_secs(1)));
        stack.write(b"hello").unwrap();
        assert_eq!(stack.outgoing(), b"hello");
        assert!(!stack.writable());
        stack.advance(stack.deadline().unwrap());
        assert!(stack.writable());
    }

    #[test]
    fn a_pop_brings_what_is_late() {
        let mut stack = Stack::new(Limits::default());
        let id = stack.push(Faults::seeded(5).delay(Duration::MAX)).unwrap();
        stack.receive(&mut pattern());
        stack.write(b"x").unwrap();
        stack.start_pop(id.key()).unwrap();
        assert!(stack.take_popped(id).is_some());
        assert_eq!(stack.readable(), pattern());
        assert!(stack.writable());
    }

    #[test]
    fn the_reset_comes_behind_just_so_many_bytes() {
        for pieces in [1, 7, 10_000] {
            let mut stack = with(Faults::seeded(1).reset_after(1500).pieces(pieces));
            stack.receive(&mut pattern());
            assert!(stack.write(&pattern()).is_err());
            assert_eq!(stack.readable(), pattern());
            assert_eq!(stack.outgoing(), &pattern()[..500]);
            stack.consume(1000);
            let end = stack.input_end().unwrap();
            let error = end.error().unwrap();
            assert_eq!(error.kind(), ErrorKind::Io(io::ErrorKind::ConnectionReset));
            assert_eq!(error.blame(), Blame::Transport);

            let mut stack = with(Faults::seeded(1).reset_after(600).pieces(pieces));
            stack.receive(&mut pattern());
            assert_eq!(stack.readable(), &pattern()[..600]);
            stack.consume(600);
            assert!(stack.input_end().unwrap().error().is_some());
        }
    }
}
