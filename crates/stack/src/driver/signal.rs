//! How a stream inside a layer says that it can go on.

use std::any::TypeId;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

use crate::{LayerKey, Stack};

/// The waker of a stream inside a layer: the stream may wait for more than its bytes, a timer of its
/// own or another task, and of that the stack knows nothing.
#[derive(Default)]
pub(super) struct Signal {
    raised: AtomicBool,
    /// Who drives the connection, once it has heard of this.
    driver: Mutex<Option<Waker>>,
}

impl Signal {
    /// From now on, raising it wakes whoever drives.
    fn wakes(&self, driver: &Waker) {
        *self.lock() = Some(driver.clone());
    }

    /// Whether it was raised since this was last asked.
    pub(super) fn take(&self) -> bool {
        self.is_raised() && self.raised.swap(false, Ordering::SeqCst)
    }

    fn is_raised(&self) -> bool {
        self.raised.load(Ordering::SeqCst)
    }

    fn raise(&self) {
        self.raised.store(true, Ordering::SeqCst);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        self.driver.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.raise();
        let driver = self.lock().clone();
        driver.into_iter().for_each(Waker::wake);
    }
}

/// The signals of the layers that have one: most connections have none.
#[derive(Default)]
pub(super) struct Signals {
    /// The stack's outbound epoch when its layers were last asked: each that comes in begins one.
    asked: u64,
    signals: Vec<(LayerKey, Arc<Signal>)>,
}

impl Signals {
    /// Asks the layers for their signals, if others have come in since that was last done. Whether
    /// it did.
    #[inline]
    pub(super) fn renew(&mut self, stack: &Stack, driver: &Waker) -> bool {
        let stale = self.asked != stack.written;
        if stale {
            self.ask(stack, driver);
        }
        stale
    }

    #[cold]
    fn ask(&mut self, stack: &Stack, driver: &Waker) {
        self.asked = stack.written;
        self.signals.clear();
        for (key, signal) in stack.told_by_each(TypeId::of::<Arc<Signal>>()) {
            if let Some(signal) = signal.downcast_ref::<Arc<Signal>>() {
                signal.wakes(driver);
                self.signals.push((key, Arc::clone(signal)));
            }
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.signals.is_empty()
    }

    /// Whether one was raised and not answered.
    #[cold]
    pub(super) fn any_raised(&self) -> bool {
        self.signals.iter().any(|(_, signal)| signal.is_raised())
    }

    /// Calls the layers whose signal was raised.
    #[cold]
    pub(super) fn answer(&self, stack: &mut Stack) {
        for (key, signal) in &self.signals {
            if signal.take() && !stack.call_again(*key) {
                // Its inbound half has not begun: it is called for that when it has.
                signal.raise();
            }
        }
    }
}
