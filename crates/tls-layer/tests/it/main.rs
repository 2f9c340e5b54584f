//! `TlsLayer` between two stacks in memory.

mod choose;
mod handshake;
mod hostile;
mod kit;
mod pop;
