//! The layer between two stacks in memory, and against bytes that no honest peer sends.

mod alloc;
mod changes;
mod compat;
mod hostile;
mod regressions;
mod round_trip;
mod wire;
