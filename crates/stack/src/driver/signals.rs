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
    /// The stack's outbound epoch when its layers were last asked: each that comes in begins one.
    asked: u64,
    signals: Vec<(LayerKey, Signal)>,
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
        for (key, signal) in stack.told_by_each::<Signal>() {
            let driver = driver.clone();
            signal.heard_by(move || driver.wake_by_ref());
            self.signals.push((key, signal.clone()));
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
