//! A buffer that lies where we want it.

/// Bytes at a fixed offset within a page, since the speed of copies depends on it.
#[derive(Clone, Debug)]
pub struct Aligned {
    store: Vec<u8>,
    start: usize,
    len: usize,
}

impl Aligned {
    /// Of bytes that do not repeat soon.
    pub fn new(len: usize) -> Self {
        Self::of(&(0..len).map(|i| (i * 31 % 251) as u8).collect::<Vec<_>>())
    }

    /// Of these.
    pub fn of(bytes: &[u8]) -> Self {
        let len = bytes.len();
        let mut store = vec![0; len + 8192];
        let start = store.as_ptr().align_offset(4096) + 2048;
        store[start..start + len].copy_from_slice(bytes);
        Self { store, start, len }
    }

    /// They, where they lie.
    pub fn bytes(&mut self) -> &mut [u8] {
        &mut self.store[self.start..self.start + self.len]
    }
}
