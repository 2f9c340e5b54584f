//! The PROXY protocol (haproxy's `proxy-protocol.txt`, versions 1 and 2): who it is that a proxy connects
//! for, said once before all else.

mod accept;
mod binary;
mod header;
mod line;
mod send;
mod ssl;
#[cfg(test)]
mod tests;
pub mod tlv;

pub use accept::{AcceptProxy, Accepting};
pub use header::{Addresses, ProxyHeader, Version};
pub use send::{SendProxy, Sending};
pub use ssl::Ssl;
