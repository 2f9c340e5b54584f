//! Buffers that come when bytes come and go back to a pool when the bytes are gone.

use std::cell::RefCell;

/// What is gathered for one write, and what may wait at a boundary.
pub(crate) const BLOCK: usize = 64 * 1024;
/// The usual buffer: a block, and a little more, for records are gathered until they pass it. Four of TLS
/// are 65,624 bytes, and the last is sealed in more room than it takes; one that ended at the mark would
/// be copied to a larger one at each block, and be read in two pieces.
pub(crate) const USUAL: usize = BLOCK + 512;
/// The buffer of those who hold little.
pub(crate) const SMALL: usize = 4 * 1024;
/// The buffer of those who pass their mark by what they had begun: an outbox filled up to the mark
/// takes one more block, and what a layer adds to it.
const LARGE: usize = 2 * BLOCK + 16 * 1024;
/// Page-aligned buffers keep `memcpy` and the kernel's copies off the slow path that they take
/// where source and destination lie a few bytes apart within a page (see ARCHITECTURE.md, "The
/// `memcpy` trap").
const PAGE: usize = 4096;

/// The usable sizes of the pool's shelves.
const SHELVES: [usize; 3] = [SMALL, USUAL, LARGE];
/// How many buffers of each a thread keeps for the next connection that needs one.
const POOLED: [usize; 3] = [16, 16, 4];

thread_local! {
    static POOL: RefCell<[Vec<Box<[u8]>>; 3]> = const { RefCell::new([const { Vec::new() }; 3]) };
}

/// A growable queue of bytes in one piece.
///
/// Without bytes it owns no memory. Its memory is initialised, so that a socket can read into it
/// without `unsafe`; pooling makes that a cost of the first use only.
#[derive(Default)]
pub(crate) struct Buffer {
    /// With room for alignment; empty when there is no memory.
    store: Box<[u8]>,
    /// Where the first page begins in `store`.
    base: usize,
    /// The usable size behind `base`.
    size: usize,
    start: usize,
    end: usize,
}

impl Buffer {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.store[self.base + self.start..self.base + self.end]
    }

    #[inline]
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.store[self.base + self.start..self.base + self.end]
    }

    /// Drops the first `n` bytes; the memory goes back to the pool with the last of them.
    #[inline]
    pub(crate) fn consume(&mut self, n: usize) {
        debug_assert!(n <= self.len());
        self.start += n;
        if self.start >= self.end {
            self.release();
        }
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.room(bytes.len());
        let at = self.base + self.end;
        self.store[at..at + bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    /// Puts `bytes` before those that are there.
    pub(crate) fn prepend(&mut self, bytes: &[u8]) {
        if bytes.len() <= self.start {
            self.start -= bytes.len();
            let at = self.base + self.start;
            self.store[at..at + bytes.len()].copy_from_slice(bytes);
        } else {
            let mut joined = Self::default();
            joined.room(bytes.len() + self.len());
            joined.append(bytes);
            joined.append(self.bytes());
            *self = joined;
        }
    }

    /// At least `least` bytes of room behind the bytes, to be filled; then [`fill`](Self::fill).
    pub(crate) fn spare(&mut self, least: usize) -> &mut [u8] {
        self.room(least);
        &mut self.store[self.base + self.end..self.base + self.size]
    }

    /// Says that `n` bytes of the spare room are bytes now. With none and no others, the memory
    /// goes back to the pool.
    pub(crate) fn fill(&mut self, n: usize) {
        assert!(
            n <= self.size - self.end,
            "more bytes than there was room for"
        );
        self.end += n;
        if self.is_empty() {
            self.release();
        }
    }

    /// Lets `make` write into the spare room, `most` bytes at the most, and says how many they were;
    /// then [`fill`](Self::fill). See [`Context::send_with`](crate::Context::send_with).
    pub(crate) fn make<R>(
        &mut self,
        most: usize,
        make: impl FnOnce(&mut [u8]) -> (usize, R),
    ) -> (usize, R) {
        let (n, result) = make(&mut self.spare(most)[..most]);
        assert!(n <= most, "more bytes than there was room for");
        (n, result)
    }

    /// Makes room for `more` bytes behind the bytes: where they are, by moving them to the front,
    /// or in a larger memory.
    fn room(&mut self, more: usize) {
        if self.size - self.end >= more {
            return;
        }
        let len = self.len();
        if self.size - len >= more {
            let from = self.base + self.start..self.base + self.end;
            self.store.copy_within(from, self.base);
            (self.start, self.end) = (0, len);
            return;
        }
        let mut larger = Self::acquire(len + more);
        if len > 0 {
            larger.store[larger.base..larger.base + len].copy_from_slice(self.bytes());
            larger.end = len;
        }
        *self = larger;
    }

    fn acquire(least: usize) -> Self {
        let shelf = SHELVES.iter().position(|&size| size >= least);
        let size = shelf.map_or_else(|| least.next_power_of_two(), |shelf| SHELVES[shelf]);
        let pooled = shelf.and_then(|shelf| {
            // During the thread's own end the pool is gone; then memory is simply fresh.
            POOL.try_with(|pool| pool.borrow_mut()[shelf].pop())
                .ok()
                .flatten()
        });
        let store = pooled.unwrap_or_else(|| vec![0; size + PAGE].into_boxed_slice());
        let base = store.as_ptr().align_offset(PAGE).min(PAGE);
        Self {
            store,
            base,
            size,
            start: 0,
            end: 0,
        }
    }

    fn release(&mut self) {
        let store = std::mem::take(&mut self.store);
        if let Some(shelf) = SHELVES.iter().position(|&size| size == self.size) {
            let _ = POOL.try_with(|pool| {
                let kept = &mut pool.borrow_mut()[shelf];
                if kept.len() < POOLED[shelf] {
                    kept.push(store);
                }
            });
        }
        (self.base, self.size, self.start, self.end) = (0, 0, 0, 0);
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.size > 0 {
            self.release();
        }
    }
}

impl From<&[u8]> for Buffer {
    fn from(bytes: &[u8]) -> Self {
        let mut buffer = Self::default();
        buffer.append(bytes);
        buffer
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buffer({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in_through_growth_and_moves() {
        let mut buffer = Buffer::default();
        let mut expected = Vec::new();
        let mut next = 0u8;
        for round in 0..400usize {
            let piece: Vec<u8> = (0..round * 7 % 1500)
                .map(|_| {
                    next = next.wrapping_add(1);
                    next
                })
                .collect();
            buffer.append(&piece);
            expected.extend_from_slice(&piece);
            let n = (round * 13 % 1400).min(buffer.len());
            assert_eq!(&buffer.bytes()[..n], &expected[..n]);
            buffer.consume(n);
            expected.drain(..n);
        }
        buffer.prepend(b"first");
        assert_eq!(&buffer.bytes()[..5], b"first");
        assert_eq!(&buffer.bytes()[5..], &expected[..]);
    }

    #[test]
    fn without_bytes_it_owns_no_memory() {
        let mut buffer = Buffer::from(&b"abc"[..]);
        assert!(!buffer.store.is_empty());
        buffer.consume(3);
        assert!(buffer.store.is_empty());
        buffer.spare(10);
        buffer.fill(0);
        assert!(buffer.store.is_empty());
    }

    #[test]
    fn four_records_of_tls_are_gathered_without_a_larger_memory() {
        let mut buffer = Buffer::default();
        for _ in 0..4 {
            let (n, ()) = buffer.make(16 * 1024 + 256, |_| (16 * 1024 + 22, ()));
            buffer.fill(n);
        }
        assert_eq!((buffer.len(), buffer.size), (65_624, USUAL));
    }

    #[test]
    fn memory_begins_at_a_page() {
        let mut buffer = Buffer::default();
        assert_eq!(buffer.spare(100_000).as_ptr() as usize % PAGE, 0);
    }
}
