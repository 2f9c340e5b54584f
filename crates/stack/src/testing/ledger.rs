//! What the layers of one peer were told, and what they saw that must not be.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Rule, Violation};

/// The notes on all layers of one peer.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    faulty: AtomicBool,
    fault: Mutex<Option<Violation>>,
}

/// The notes on one layer. Whoever looks at them does so between two calls of the stack.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) name: String,
    ledger: Arc<Ledger>,
    /// Whether it stands, or stood, in a stack.
    pub(super) attached: AtomicBool,
    /// What it was told last of the level of what waits to be sent.
    pub(super) writable: AtomicBool,
    /// How often it was lost.
    pub(super) lost: AtomicU32,
    /// The bytes that it took from below.
    pub(super) taken: AtomicU64,
    /// The bytes that it took from above.
    pub(super) sent: AtomicU64,
    /// The bytes that it said were inside, when it was last called.
    pub(super) inside: AtomicU64,
}

impl Ledger {
    /// The first thing that must not be.
    pub(super) fn fault(&self) -> Option<Violation> {
        if !self.faulty.load(Relaxed) {
            return None;
        }
        let fault = self.fault.lock();
        fault.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Account {
    pub(super) fn new(ledger: &Arc<Ledger>, name: &str) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            ledger: Arc::clone(ledger),
            attached: AtomicBool::new(false),
            writable: AtomicBool::new(true),
            lost: AtomicU32::new(0),
            taken: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            inside: AtomicU64::new(0),
        })
    }

    /// Notes what must not be. The first counts.
    #[cold]
    pub(super) fn blame(&self, rule: Rule, what: &str) {
        self.ledger.faulty.store(true, Relaxed);
        let fault = self.ledger.fault.lock();
        let mut fault = fault.unwrap_or_else(PoisonError::into_inner);
        fault.get_or_insert_with(|| Violation::of(rule, format!("layer {}: {what}", self.name)));
    }
}
