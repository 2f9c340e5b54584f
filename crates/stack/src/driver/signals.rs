//! The signals of a connection's layers.

use std::sync::Arc;
use std::task::{Wake, Waker};

use crate::{LayerKey, Signal, Stack};

/// The waker that raises this signal.
pub(super) fn waker(signal: &Signal) -> Waker {
    struct Raise(Signal);

    impl Wake for Raise {
        fn wake(self: Arc<Self>) {
            self.0.raise();
        }

        fn wake_by_ref(self: &Arc<Self>) {
            self.0.raise();
        }
    }

    Arc::new(Raise(signal.clone())).into()
}

/// The signals of the layers that have one: most connections have none.
#[derive(Default)]
pub(super) struct Signals {
    /// What [`changes`] counted when the layers were last asked.
    asked: u64,
    signals: Vec<(LayerKey, Signal)>,
}

impl Signals {
    /// Asks the layers for their signals, if others have come in since that was last done. Whether
    /// it did.
    #[inline]
    pub(super) fn renew(&mut self, stack: &Stack, driver: &Waker) -> bool {
        let stale = self.asked != changes(stack);
        if stale {
            self.ask(stack, driver);
        }
        stale
    }

    #[cold]
    fn ask(&mut self, stack: &Stack, driver: &Waker) {
        self.asked = changes(stack);
        self.forget();
        for (key, signal) in stack.told_by_each::<Signal>() {
            let driver = driver.clone();
            signal.heard_by(move || driver.wake_by_ref());
            self.signals.push((key, signal.clone()));
        }
    }

    fn forget(&mut self) {
        for (_, signal) in self.signals.drain(..) {
            signal.unheard();
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
            stack.answer_signal(*key, signal);
        }
    }
}

/// A signal may outlive its connection, and would keep whoever waited for that.
impl Drop for Signals {
    fn drop(&mut self) {
        self.forget();
    }
}

/// Counts what may make a layer answer that could not before: it came in, or its inbound half began.
fn changes(stack: &Stack) -> u64 {
    stack.written + stack.begun
}
