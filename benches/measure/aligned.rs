//! A buffer that lies where we want it.

/// Bytes at a fixed offset within a page, since the speed of copies depends on it.
pub(crate) struct Aligned {
    store: Vec<u8>,
    start: usize,
    len: usize,
}

impl Aligned {
    pub(crate) fn new(len: usize) -> Self {
        let store: Vec<u8> = (0..len + 8192).map(|i| (i * 31 % 251) as u8).collect();
        let start = store.as_ptr().align_offset(4096) + 2048;
        Self { store, start, len }
    }

    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.store[self.start..self.start + self.len]
    }
}
