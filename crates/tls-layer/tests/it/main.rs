//! `TlsLayer` between two stacks in memory.

mod certificates;
mod config;
mod exporter;
mod handshake;
mod hostile;
mod keys;
mod kit;
mod pop;
mod resumption;

/// Whether the layers export keys; `tests/exporting.rs` runs the same tests with those that do.
const EXPORTS: bool = false;
