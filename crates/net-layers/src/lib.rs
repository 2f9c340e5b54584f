//! What comes before the bytes: conversations that open a way, as layers of a live connection's stack.

mod opener;
mod proxy;

pub use opener::{Next, Opener, Opening};
pub use proxy::{
    AcceptProxy, Accepting, Addresses, ProxyHeader, SendProxy, Sending, Ssl, Version, tlv,
};
