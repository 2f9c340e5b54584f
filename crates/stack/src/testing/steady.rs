//! What a chunk costs, when all has settled.

use super::nature::{PATIENCE, Pair};

/// How many chunks are sent before it is measured, and while.
const CHUNKS: u64 = 64;

/// Runs something, and returns how many allocations it made.
pub(super) type Measure<'a> = dyn Fn(&mut dyn FnMut()) -> u64 + Sync + 'a;

/// How many allocations `CHUNKS` chunks of 1 KiB cost, from one application through both stacks to
/// the other; and how many chunks those were.
pub(super) fn allocations(mut pair: Pair, measure: &Measure<'_>) -> (u64, u64) {
    for _ in 0..PATIENCE {
        if !pair.move_bytes() {
            break;
        }
    }
    let mut text: Vec<u8> = (0..1024_u32).map(|n| (n * 31 % 251) as u8).collect();
    let mut scratch = Vec::with_capacity(64 * 1024);
    let mut talk = || {
        for n in 0..CHUNKS {
            pair.send_all((n % 2) as usize, &mut text, &mut scratch);
        }
    };
    talk();
    (measure(&mut talk), CHUNKS)
}
