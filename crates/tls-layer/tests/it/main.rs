//! `TlsLayer` between two stacks in memory.

mod ceilings;
mod flights;
mod forged;
mod forger;
mod handshake;
mod hostile;
mod kit;
mod pop;
