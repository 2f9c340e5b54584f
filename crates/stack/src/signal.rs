//! How a layer says that it can go on, though nothing has come for it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{LayerKey, Stack};

/// Raised by a layer that waits for more than its bytes (a future of the user's, another task), when
/// what it waits for is there. Clones are of one signal, and may be raised from any thread.
///
/// The layer tells of it by [`Layer::info`](crate::Layer::info), under this type. Whoever drives is
/// woken, and calls the layer: [`timed_out`](crate::Protocol::timed_out) at once, then
/// [`received`](crate::Protocol::received) with what waits below it, even if that is nothing, as soon
/// as there is room above, or at once during its handshake. A `Connection` does that by itself; around
/// a bare stack it is for [`Stack::answer_signals`].
#[derive(Clone, Default)]
pub struct Signal(Arc<Inner>);

#[derive(Default)]
struct Inner {
    raised: AtomicBool,
    /// Whoever drives the connection, once it has heard of this.
    hearer: Mutex<Option<Hearer>>,
}

type Hearer = Arc<dyn Fn() + Send + Sync>;

impl Signal {
    /// A signal that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was waited for is there: the layer is to be called.
    pub fn raise(&self) {
        self.0.raised.store(true, Ordering::SeqCst);
        let hearer = self.lock().clone();
        if let Some(hear) = hearer {
            hear();
        }
    }

    /// From now on, raising it calls `hear` as well.
    pub fn heard_by(&self, hear: impl Fn() + Send + Sync + 'static) {
        *self.lock() = Some(Arc::new(hear));
    }

    /// Nobody hears it any more.
    #[cfg(feature = "tokio")]
    pub(crate) fn unheard(&self) {
        *self.lock() = None;
    }

    /// Whether it was raised and not taken.
    pub fn is_raised(&self) -> bool {
        self.0.raised.load(Ordering::SeqCst)
    }

    /// Whether it was raised since this was last asked.
    pub fn take(&self) -> bool {
        self.is_raised() && self.0.raised.swap(false, Ordering::SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Hearer>> {
        self.0.hearer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal")
            .field("raised", &self.is_raised())
            .finish_non_exhaustive()
    }
}

impl Stack {
    /// Calls the layers that have raised their [`Signal`].
    pub fn answer_signals(&mut self) {
        let told = self.told_by_each::<Signal>();
        let told: Vec<_> = told.map(|(key, signal)| (key, signal.clone())).collect();
        for (key, signal) in told {
            self.answer_signal(key, &signal);
        }
    }

    /// Calls the layer, if its signal was raised.
    pub(crate) fn answer_signal(&mut self, key: LayerKey, signal: &Signal) {
        if signal.take() && !self.call_again(key) {
            // Its inbound half has not begun: it is called for that when it has.
            signal.0.raised.store(true, Ordering::SeqCst);
        }
    }
}
