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

/// What carrying takes over a connection on which as much was carried before, so that what grows has
/// grown.
pub(crate) fn account(mut load: Load, variant: &Variant) -> Account {
    let most = MOST.max(load.bulk.write);
    load.bulk.bytes = load.bulk.bytes.min(most).next_multiple_of(load.bulk.write);
    counted(variant, move |runtime, variant| {
        let mut idle = Idle::new(runtime, load.medium, variant);
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
