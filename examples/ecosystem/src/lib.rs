//! What the examples of this package have in common.
