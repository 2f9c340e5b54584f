//! Who waits for the connection.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// What a task waits for. Reading and writing may be two tasks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Something to read.
    Read,
    /// Room to write; a flush, a shutdown, or a change of the stack to come to its end.
    Write,
}

impl Side {
    fn bit(self) -> u8 {
        1 << self as u8
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::Read => Self::Write,
            Self::Write => Self::Read,
        }
    }
}

/// The one waker that the socket and the timer are given: it wakes whoever waits.
///
/// A read may have to write, and a write to read; with a waker a task, the one would replace the
/// other's at the socket, and its task would sleep for ever.
#[derive(Default)]
pub(super) struct Wakers {
    /// The sides whose task waits.
    armed: AtomicU8,
    tasks: Mutex<[Option<Waker>; 2]>,
}

impl Wakers {
    /// The task of `waker` is about to wait for `side`. To be called before the socket is asked,
    /// so that no event falls between.
    pub(super) fn arm(&self, side: Side, waker: &Waker) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let task = &mut tasks[side as usize];
        if !task.as_ref().is_some_and(|task| task.will_wake(waker)) {
            *task = Some(waker.clone());
        }
        self.armed.fetch_or(side.bit(), Ordering::SeqCst);
    }

    /// The task does not wait after all.
    pub(super) fn disarm(&self, side: Side) {
        self.armed.fetch_and(!side.bit(), Ordering::SeqCst);
    }

    pub(super) fn is_armed(&self, side: Side) -> bool {
        self.armed.load(Ordering::SeqCst) & side.bit() != 0
    }

    /// Wakes the task that waits for `side`, if one does.
    #[inline]
    pub(super) fn wake_side(&self, side: Side) {
        // Asked first, for mostly nobody waits, and a load costs less than a change.
        if self.is_armed(side) {
            self.wake_armed(side);
        }
    }

    fn wake_armed(&self, side: Side) {
        if self.armed.fetch_and(!side.bit(), Ordering::SeqCst) & side.bit() != 0 {
            let task = {
                let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
                tasks[side as usize].clone()
            };
            if let Some(task) = task {
                task.wake();
            }
        }
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_side(Side::Read);
        self.wake_side(Side::Write);
    }
}
