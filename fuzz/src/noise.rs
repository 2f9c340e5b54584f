//! Bytes that do not compress.

/// Without end, and the same for each seed.
pub fn noise(seed: u32) -> impl Iterator<Item = u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15 ^ u64::from(seed);
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    })
}
