//! `TlsLayer` between two stacks in memory.

mod flights;
mod forged;
mod forger;
mod handshake;
mod hostile;
mod kit;
mod pop;
