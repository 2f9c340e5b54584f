//! The layer between two stacks in memory, and against bytes that no honest peer sends.

mod alloc;
mod changes;
mod compat;
mod hostile;
mod levels;
mod round_trip;
mod settings;
mod wire;
