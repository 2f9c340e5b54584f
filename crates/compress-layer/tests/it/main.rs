//! The layer between two stacks in memory, and against bytes that no honest peer sends.

mod alloc;
mod asymmetric;
mod ceilings;
mod changes;
mod compat;
mod framed;
mod hostile;
mod levels;
mod oracle;
mod round_trip;
mod settings;
mod wire;
