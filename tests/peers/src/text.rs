//! A long text.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::iter::repeat_n;

/// At least so many bytes of lines, the same for the same seed. About half of them hardly compress;
/// some begin with a dot, or with two.
pub fn text(seed: u64, size: usize) -> String {
    let mut text = String::new();
    let mut n = 0_u64;
    while text.len() < size {
        n += 1;
        let chance = hash((seed, n));
        text.extend(repeat_n('.', [0, 0, 0, 0, 0, 0, 1, 2][chance as usize % 8]));
        if chance & 8 == 0 {
            text += &format!("line {n} says what every line says, again and again");
        } else {
            text.extend((0..6_u64).flat_map(|part| sixes(hash((seed, n, part)))));
        }
        text += "\r\n";
    }
    text
}

fn hash(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// A character for each six bits.
fn sixes(chance: u64) -> impl Iterator<Item = char> {
    (0..10).map(move |at| char::from(b'0' + (chance >> (6 * at) & 63) as u8))
}
