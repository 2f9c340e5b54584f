//! What a variant takes beside time: counted, so on one thread, and not against the clock.

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

/// What carrying takes, beside time.
pub(crate) struct Account {
    pub(crate) allocations_per_mib: f64,
    /// Bytes on the wire for each that was carried.
    pub(crate) wire: f64,
}

/// What is carried for the account, at most, so that slow codecs do not keep people waiting.
const MOST: usize = 4 << 20;

/// A message of the exchange behind which a connection is idle.
const WORD: usize = 64;

/// What carrying takes over a connection on which as much was carried before, so that what grows has
/// grown.
pub(crate) fn account(mut load: Load, variant: &Variant) -> Account {
    let most = MOST.max(load.bulk.write);
    load.bulk.bytes = load.bulk.bytes.min(most).next_multiple_of(load.bulk.write);
    on_a_new_thread(variant, move |variant| {
        let mut idle = Idle::new(load.medium, variant);
        idle.carry(load);
        let before = idle.sent();
        let allocations = idle.carry(load);
        let carried = load.carried() as f64;
        Account {
            allocations_per_mib: allocations as f64 / carried * f64::from(1 << 20),
            wire: (idle.sent() - before) as f64 / carried,
        }
    })
}

/// The heap of both ends of a connection, behind its handshake and one exchange.
pub(crate) fn idle_heap(medium: Medium, variant: &Variant) -> i64 {
    on_a_new_thread(variant, move |variant| Idle::new(medium, variant).heap)
}

/// So that no pool is warm from another connection.
fn on_a_new_thread<T: Send + 'static>(
    variant: &Variant,
    work: impl FnOnce(&Variant) -> T + Send + 'static,
) -> T {
    let variant = variant.clone();
    let counted = thread::spawn(move || work(&variant));
    counted.join().expect("a connection")
}

/// Both ends of a connection, behind its handshake and one exchange.
struct Idle {
    runtime: Runtime,
    counts: [Arc<Counts>; 2],
    client: BoxedStream,
    server: BoxedStream,
    /// What all of it took, but for the medium.
    heap: i64,
}

impl Idle {
    fn new(medium: Medium, variant: &Variant) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
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

    /// By both ends, into the medium.
    fn sent(&self) -> u64 {
        self.counts.iter().map(|counts| counts.sent()).sum()
    }

    /// Carries once. How many allocations that took.
    fn carry(&mut self, load: Load) -> u64 {
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
        info.count_total
    }
}
