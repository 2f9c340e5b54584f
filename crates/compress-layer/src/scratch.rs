//! Where a codec writes to: a buffer of the thread's, lent to a layer for the length of a call.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

/// What is handed to a neighbour at once.
pub(crate) const BLOCK: usize = 16 * 1024;

/// The size of a scratch. A sync flush of deflate must fit whole, else the call for the rest
/// writes a second empty block: that is at most a full block of 16,383 symbols of at most 31
/// bits, and what little was not yet in it.
pub(crate) const ROOM: usize = 72 * 1024;

/// More are in use at once only while compressed streams are nested, or one stack's application
/// feeds another stack.
const KEPT: usize = 4;

thread_local! {
    static POOL: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer of [`ROOM`] bytes that goes back to the thread's pool when dropped.
pub(crate) struct Scratch(Vec<u8>);

impl Scratch {
    pub(crate) fn take() -> Self {
        // While a thread ends its pool may be gone already; then the buffer is a plain one.
        let pooled = POOL.try_with(|pool| pool.borrow_mut().pop());
        Self(pooled.ok().flatten().unwrap_or_else(|| vec![0; ROOM]))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0);
        let _ = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if pool.len() < KEPT {
                pool.push(buffer);
            }
        });
    }
}

impl Deref for Scratch {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}
