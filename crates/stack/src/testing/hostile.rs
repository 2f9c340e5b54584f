//! A peer that may send anything.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Rng;
use super::case::panic_text;
use super::nature::{Make, Pair};

/// So many bytes of a conversation are spoiled, one at a time, at the most.
const PLACES: u64 = 150;

/// How a byte is spoiled.
const MASKS: [u8; 5] = [0x01, 0x04, 0x20, 0x80, 0xff];

/// So many peers send nothing but noise, from some byte on.
const NOISY: u64 = 200;

/// Spoils each byte of a short conversation, one at a time, and has peers send noise. What the layers
/// make of it is their affair; but they must not panic.
///
/// # Errors
///
/// Which byte was spoiled, and what the panic said.
pub(super) fn survive(make: &Make<'_>) -> Result<(), String> {
    let all = guarded("nothing is spoiled", || {
        Pair::new(make).talk(|_, byte| byte)
    })?;
    for place in (0..all).step_by((all / PLACES).max(1) as usize) {
        for mask in MASKS {
            let what = format!("byte {place} of the wire is changed by {mask:#04x}");
            let spoil = |at, byte| if at == place { byte ^ mask } else { byte };
            guarded(&what, || Pair::new(make).talk(spoil))?;
        }
    }
    for seed in 0..NOISY {
        let rng = &mut Rng::new(seed);
        let from = rng.below(all as usize + 1) as u64;
        let what = format!("all is noise from byte {from} on, from seed {seed}");
        // Small numbers often stand for something.
        let most = rng.among(&[4, 32, 256]);
        let noise = |at, byte| match at < from {
            true => byte,
            false => rng.below(most) as u8,
        };
        guarded(&what, || Pair::new(make).talk(noise))?;
    }
    Ok(())
}

fn guarded<T>(what: &str, play: impl FnOnce() -> T) -> Result<T, String> {
    let played = catch_unwind(AssertUnwindSafe(play));
    played.map_err(|panic| format!("{what}: {}", panic_text(&*panic)))
}
