//! Blocks of memory for one record's plaintext, which a thread lends to those of its layers that
//! need one now.

use std::cell::RefCell;

use crate::record::FULL;

const PAGE: usize = 4096;
/// How many blocks a thread keeps.
const POOLED: usize = 8;
/// Larger copies fall to a twentieth of their speed where source and destination lie a few bytes
/// apart within a page (see ARCHITECTURE.md, "The `memcpy` trap"). Blocks begin amid a page, for
/// the stack's buffers begin at one; and what may lie anywhere is copied in pieces of this size.
const PIECE: usize = 2048;

thread_local! {
    static POOL: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

/// A block from the thread's pool; goes back there when dropped.
pub(crate) struct Block {
    store: Box<[u8]>,
    base: usize,
}

impl Block {
    pub(crate) fn take() -> Self {
        // During the thread's own end the pool is gone; then memory is simply fresh.
        let pooled = POOL.try_with(|pool| pool.borrow_mut().pop()).ok().flatten();
        let store = pooled.unwrap_or_else(|| vec![0; FULL + 2 * PAGE].into_boxed_slice());
        let base = store.as_ptr().align_offset(PAGE).min(PAGE) + PAGE / 2;
        Self { store, base }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.store[self.base..self.base + FULL]
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.store[self.base..self.base + FULL]
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let store = std::mem::take(&mut self.store);
        let _ = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if pool.len() < POOLED {
                pool.push(store);
            }
        });
    }
}

/// Copies bytes between slices of the same length.
#[inline]
pub(crate) fn copy(from: &[u8], to: &mut [u8]) {
    if from.len() <= PIECE {
        return to.copy_from_slice(from);
    }
    for (to, from) in to.chunks_mut(PIECE).zip(from.chunks(PIECE)) {
        to.copy_from_slice(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_begin_amid_a_page_and_are_used_again() {
        let first = Block::take();
        let at = first.bytes().as_ptr();
        assert_eq!(at as usize % PAGE, PAGE / 2);
        drop(first);
        assert_eq!(Block::take().bytes().as_ptr(), at);
    }

    #[test]
    fn a_copy_is_whole_whatever_its_length() {
        for n in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7] {
            let from: Vec<u8> = (0..n).map(|i| i as u8).collect();
            let mut to = vec![0; n];
            copy(&from, &mut to);
            assert_eq!(from, to);
        }
    }
}
