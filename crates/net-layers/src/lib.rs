//! What comes before the bytes: conversations that open a way, as layers of a live connection's stack.
//!
//! | layer | says | wants to hear | specified in |
//! |---|---|---|---|
//! | [`SendProxy`] | who it is that this side connects for: a [`ProxyHeader`] | nothing | [PROXY protocol](https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt), 1 and 2 |
//! | [`AcceptProxy`] | nothing | a [`ProxyHeader`], which it tells as [info](stack::Stack::info) | the same |
//! | [`Socks5`] | where a SOCKS5 proxy is to connect, and the password if it wants one | that it has | RFC 1928, RFC 1929 |
//! | [`HttpConnect`] | where an HTTP proxy is to connect, and the password | that it has: any 2xx | RFC 9110, 9.3.6; RFC 7617 |
//! | [`Starttls`] | that TLS is to begin, in one of eight protocols | that it may | see there |
//!
//! Each is an [`Opener`], which has a conversation (an [`Opening`]) first and passes bytes on from then on.
//! What is here before it is the greeting that is awaited, or, where the peer may not speak first, rejected.
//! What comes right behind the conversation, in the same segment or later, is for those above: TLS that is
//! pushed above a proxy's answer begins there. A conversation that does not come to its end is an error
//! that names the layer, and the answer of a proxy that refuses is its source: a [`ConnectError`], a
//! [`Socks5Error`], or a [`StarttlsError`]. What is heard is bounded by 107 bytes (PROXY, version 1) to
//! 16 KiB (version 2, and an HTTP proxy's answer), and in time by
//! [`Limits::handshake`](stack::Limits::handshake).
//!
//! [`LineProtocol`] and [`SSL_REQUEST`] are the other half of STARTTLS, for a server that reads its lines
//! itself.

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
