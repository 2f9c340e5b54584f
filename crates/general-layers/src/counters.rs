//! How much passes, and when.

use std::time::Duration;

use stack::{Context, Standing, Watch};

/// A layer that counts what passes, each way by itself, and says when the first and the last byte
/// did.
///
/// The topmost one of a connection is `connection.info::<Counters>()`. Pushed again after a pop, it
/// begins anew. What is written asks for the time once a chunk.
///
/// ```
/// use general_layers::Counters;
/// use stack::{Limits, Stack};
///
/// let mut stack = Stack::new(Limits::default());
/// stack.push(Counters::new()).unwrap();
/// stack.write(b"hello").unwrap();
/// assert_eq!(stack.info::<Counters>().unwrap().sent().bytes, 5);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Counters {
    received: Count,
    sent: Count,
}

/// What passed one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Count {
    /// How many bytes.
    pub bytes: u64,
    /// In how many chunks they came, as they happened to be cut.
    pub chunks: u64,
    /// When the first byte passed, since the connection began; `None` if none has.
    pub first: Option<Duration>,
    /// When the last byte passed, since the connection began; `None` if none has.
    pub last: Option<Duration>,
}

impl Counters {
    /// All at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// What came from below.
    pub fn received(&self) -> Count {
        self.received
    }

    /// What was sent from above.
    pub fn sent(&self) -> Count {
        self.sent
    }
}

impl Count {
    fn add(&mut self, cx: &Context<'_>, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let now = cx.now();
        self.bytes += bytes.len() as u64;
        self.chunks += 1;
        self.first.get_or_insert(now);
        self.last = Some(now);
    }
}

impl Watch for Counters {
    fn name(&self) -> &str {
        "counters"
    }

    fn attached(&mut self, cx: &Context<'_>, _: &Standing) {
        *self = Self::new();
        // Who has asked for the time is told that of each write.
        cx.now();
    }

    fn received(&mut self, cx: &Context<'_>, bytes: &[u8]) {
        self.received.add(cx, bytes);
    }

    fn sent(&mut self, cx: &Context<'_>, bytes: &[u8]) {
        self.sent.add(cx, bytes);
    }
}

#[cfg(test)]
mod tests {
    use stack::{Limits, Stack};

    use super::*;

    #[test]
    fn bytes_chunks_and_times_are_counted_each_way() {
        let mut stack = Stack::new(Limits::default());
        stack.push(Counters::new()).unwrap();
        let second = Duration::from_secs;
        stack.advance(second(1));
        stack.receive(&mut b"abc".to_vec());
        stack.advance(second(2));
        stack.receive(&mut b"de".to_vec());
        stack.write(b"x").unwrap();
        stack.write(b"").unwrap();

        let counters = stack.info::<Counters>().unwrap();
        let came = counters.received();
        assert_eq!((came.bytes, came.chunks), (5, 2));
        assert_eq!((came.first, came.last), (Some(second(1)), Some(second(2))));
        let went = counters.sent();
        assert_eq!((went.bytes, went.chunks), (1, 1));
        assert_eq!((went.first, went.last), (Some(second(2)), Some(second(2))));
    }

    #[test]
    fn it_begins_anew_when_it_is_pushed_again() {
        let mut stack = Stack::new(Limits::default());
        let id = stack.push(Counters::new()).unwrap();
        stack.write(b"x").unwrap();
        stack.start_pop(id.key()).unwrap();
        let (counters, _) = stack.take_popped(id).unwrap();
        stack.write(b"past it").unwrap();
        assert_eq!(counters.sent().bytes, 1);
        stack.push(counters).unwrap();
        assert_eq!(stack.info::<Counters>().unwrap().sent(), Count::default());
    }
}
