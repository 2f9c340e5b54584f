//! `TlsLayer` between two stacks in memory.

mod forged;
mod forger;
mod handshake;
mod hostile;
mod kit;
mod pop;
