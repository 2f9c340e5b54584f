//! What a variant is made to do against the clock.

use std::time::Duration;

use measure::Cost;
use measure::bulk::{Bulk, between, both_ways};
use measure::latency::latency;
use measure::open::Open;

use crate::arguments::Direction;
use crate::medium::{BoxedStream, End, Medium};
use crate::variant::Variant;

/// Many bytes, and which way.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) medium: Medium,
    pub(crate) direction: Direction,
    pub(crate) bulk: Bulk,
}

impl Load {
    /// Over a new connection, whose making does not count.
    pub(crate) fn carry(self, variant: &Variant) -> Cost {
        let (ends, open) = (self.medium.pair(), variant.clone());
        match self.direction {
            Direction::Up => between(ends, open, self.bulk),
            Direction::Down => between(ends, Turned(open), self.bulk),
            Direction::Both => both_ways(ends, open, self.bulk),
        }
    }

    /// How many bytes a run carries, all directions together.
    pub(crate) fn carried(self) -> usize {
        match self.direction {
            Direction::Up | Direction::Down => self.bulk.bytes,
            Direction::Both => 2 * self.bulk.bytes,
        }
    }

    /// With about as many bytes as take so long, in whole writes.
    pub(crate) fn lasting(mut self, time: Duration, variant: &Variant) -> Self {
        // The first is to be long enough to tell something, the second is near.
        self.bulk.bytes = self.bulk.write.max(64 << 10);
        loop {
            self.bulk.bytes = self.bulk.bytes.next_multiple_of(self.bulk.write);
            // Of both ends; other programs do not make it longer, as they do the wall's.
            let each = self.carry(variant).cpu.as_secs_f64() / 2.0;
            let factor = time.as_secs_f64() / each.max(1e-6);
            if factor < 8.0 || self.bulk.bytes >= MOST {
                let bytes = self.bulk.bytes as f64 * factor;
                let bytes = (bytes as usize).clamp(self.bulk.write, MOST);
                self.bulk.bytes = bytes.next_multiple_of(self.bulk.write);
                return self;
            }
            self.bulk.bytes *= 8;
        }
    }
}

/// The most bytes of a run, unless more are asked for.
const MOST: usize = 256 << 20;

/// The time of each of so many exchanges over a new connection.
pub(crate) fn ping_pong(
    medium: Medium,
    variant: &Variant,
    size: usize,
    count: usize,
) -> Vec<Duration> {
    latency(medium.pair(), variant.clone(), size, count)
}

/// The server in the client's place, and the other way round.
#[derive(Clone)]
struct Turned(Variant);

impl Open<End> for Turned {
    type Client = BoxedStream;
    type Server = BoxedStream;

    async fn client(self, end: End) -> BoxedStream {
        self.0.server(end).await
    }

    async fn server(self, end: End) -> BoxedStream {
        self.0.client(end).await
    }
}
