//! `TlsLayer` between two stacks in memory.

mod ceilings;
mod certificates;
mod choose;
mod choose_hostile;
mod config;
mod early;
mod exporter;
mod flights;
mod forged;
mod forger;
mod handshake;
mod hostile;
mod keys;
mod kit;
mod pop;
mod resumption;

/// Whether the layers export keys; `tests/exporting.rs` runs the same tests with those that do.
const EXPORTS: bool = false;
