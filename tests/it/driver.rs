//! The driver: waking, flushing, cancelling, bounds.
