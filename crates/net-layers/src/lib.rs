//! What comes before the bytes: conversations that open a way, as layers of a live connection's stack.

mod connect;
#[cfg(test)]
mod conversation;
#[cfg(test)]
mod noise;
mod opener;
mod proxy;
mod socks5;
mod starttls;

pub use connect::{ConnectError, Connecting, HttpConnect};
pub use opener::{Next, Opener, Opening};
pub use proxy::{
    AcceptProxy, Accepting, Addresses, ProxyHeader, SendProxy, Sending, Ssl, Version, tlv,
};
pub use socks5::{Socks5, Socks5Client, Socks5Error};
pub use starttls::{Asking, LineProtocol, SSL_REQUEST, Starttls, StarttlsError};
