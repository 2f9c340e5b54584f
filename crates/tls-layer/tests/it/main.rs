//! `TlsLayer` between two stacks in memory.

mod handshake;
mod hostile;
mod kit;
mod pop;
