//! A connection on which everything has its time: for what is counted.

use std::sync::Arc;
use std::thread;

use measure::Aligned;
use measure::bulk::{drain, pour};
use measure::latency::{answer, ask};
use tokio::io::split;
use tokio::runtime::{Builder, Runtime};

use crate::arguments::Direction;
use crate::counted::{Counted, Counts};
use crate::load::Load;
use crate::medium::{BoxedStream, Medium};
use crate::variant::Variant;

/// A message of the exchange behind which a connection is idle.
const WORD: usize = 64;

/// Both ends of a connection, behind its handshake and one exchange.
pub(crate) struct Idle<'a> {
    runtime: &'a Runtime,
    counts: [Arc<Counts>; 2],
    client: BoxedStream,
    server: BoxedStream,
    /// What all of it took, but for the medium.
    pub(crate) heap: i64,
}

/// Counts on a new thread, whose pools nobody has warmed.
pub(crate) fn counted<T: Send + 'static>(
    variant: &Variant,
    count: impl FnOnce(&Runtime, &Variant) -> T + Send + 'static,
) -> T {
    let variant = variant.clone();
    let thread = thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build();
        count(&runtime.expect("a runtime"), &variant)
    });
    thread.join().expect("a connection")
}

impl<'a> Idle<'a> {
    pub(crate) fn new(runtime: &'a Runtime, medium: Medium, variant: &Variant) -> Self {
        let (a, b) = runtime.block_on(async {
            let (a, b) = medium.pair();
            (Counted::new(a.open()), Counted::new(b.open()))
        });
        let counts = [a.counts(), b.counts()];
        let (a, b): (BoxedStream, BoxedStream) = (Box::new(a), Box::new(b));
        let mut ends = None;
        let taken = allocation_counter::measure(|| {
            ends = Some(runtime.block_on(async {
                let (mut a, mut b) = tokio::join!(variant.client_over(a), variant.server_over(b));
                tokio::join!(ask(&mut a, WORD, 1), answer(&mut b, WORD, 1));
                (a, b)
            }));
        });
        let (client, server) = ends.expect("both ends");
        Self {
            runtime,
            counts,
            client,
            server,
            heap: taken.bytes_current,
        }
    }

    /// Carries once. How many allocations that took, and how many bytes on the wire.
    pub(crate) fn carry(mut self, load: Load) -> (i64, i64) {
        let before = self.sent();
        let bulk = load.bulk;
        let mut texts = [0; 2].map(|_| bulk.text.for_writes(bulk.write));
        let mut rooms = [0; 2].map(|_| Aligned::new(bulk.read));
        let ([text_up, text_down], [room_up, room_down]) = (&mut texts, &mut rooms);
        let (mut a_in, mut a_out) = split(&mut self.client);
        let (mut b_in, mut b_out) = split(&mut self.server);
        let info = allocation_counter::measure(|| {
            self.runtime.block_on(async {
                let ups = async {
                    tokio::join!(
                        pour(&mut a_out, text_up, bulk),
                        drain(&mut b_in, room_up, bulk)
                    )
                };
                let downs = async {
                    tokio::join!(
                        pour(&mut b_out, text_down, bulk),
                        drain(&mut a_in, room_down, bulk)
                    )
                };
                match load.direction {
                    Direction::Up => drop(ups.await),
                    Direction::Down => drop(downs.await),
                    Direction::Both => drop(tokio::join!(ups, downs)),
                }
            });
        });
        (info.count_total as i64, self.sent() - before)
    }

    /// By both ends, into the medium.
    fn sent(&self) -> i64 {
        let counts = self.counts.iter();
        counts.map(|counts| counts.sent() as i64).sum()
    }
}
