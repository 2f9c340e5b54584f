//! What a variant takes beside time.

use crate::figures::Heap;
use crate::idle::{Idle, counted};
use crate::load::Load;
use crate::medium::Medium;
use crate::variant::Variant;

/// What carrying takes, beside time.
pub(crate) struct Account {
    pub(crate) allocations_per_mib: f64,
    /// Bytes on the wire for each that was carried.
    pub(crate) wire: f64,
}

/// What is carried for the account, at most, so that slow codecs do not keep people waiting.
const MOST: usize = 4 << 20;

/// The connections over which the heap of a further one is taken.
const FURTHER: i64 = 8;

/// The difference between twice as much and once, so that what begins and what grows cancels. (To carry
/// once more over the same connection would be for codecs to find it again.)
pub(crate) fn account(mut load: Load, variant: &Variant) -> Account {
    let once = load.bulk.bytes.min(MOST.max(load.bulk.write));
    load.bulk.bytes = once.next_multiple_of(load.bulk.write);
    let mut twice = load;
    twice.bulk.bytes *= 2;
    let [once, twice] = [load, twice].map(|load| {
        counted(variant, move |runtime, variant| {
            Idle::new(runtime, load.medium, variant).carry(load)
        })
    });
    let carried = load.carried() as f64;
    Account {
        allocations_per_mib: (twice.0 - once.0) as f64 / carried * f64::from(1 << 20),
        wire: (twice.1 - once.1) as f64 / carried,
    }
}

/// The heap of a thread's first connection, with what the thread keeps for all, and of a further one.
pub(crate) fn idle_heap(medium: Medium, variant: &Variant) -> Heap {
    counted(variant, move |runtime, variant| {
        let first = Idle::new(runtime, medium, variant);
        let further: Vec<_> = (0..FURTHER)
            .map(|_| Idle::new(runtime, medium, variant))
            .collect();
        Heap {
            first: first.heap,
            further: further.iter().map(|idle| idle.heap).sum::<i64>() / FURTHER,
        }
    })
}
