//! TLS as one layer of a live connection: [rustls](https://docs.rs/rustls/0.23) between an
//! application and a network that stay the same while it is pushed and popped.
//!
//! ```text
//! App <=> Protocol [ <---- plaintext ] TlsLayer <=> [ <---- records ] Transport <=> Network
//!                  [ ----> plaintext ]              [ ----> records ]
//! ```
//!
//! What it does not do: it opens no sockets, knows no runtime, and brings no cryptography; the
//! provider is the one in the configuration that it is given. It takes no early data (0-RTT) and
//! has no exporter yet (RFC 5705). It never falls back to plaintext: a session that fails, fails
//! the connection.
//!
//! Two ends, from plain to TLS and back to plain:
//!
//! ```
//! use std::sync::Arc;
//! use stack::{Limits, Stack};
//! use tls_layer::{TlsInfo, TlsLayer};
//! # use tls_layer::rustls::{ClientConfig, RootCertStore, ServerConfig};
//! # let made = rcgen::generate_simple_self_signed(["shop.example".to_owned()])?;
//! # let mut roots = RootCertStore::empty();
//! # roots.add(made.cert.der().clone())?;
//! # let provider = Arc::new(tls_layer::rustls::crypto::ring::default_provider());
//! # let client_config = Arc::new(ClientConfig::builder_with_provider(provider.clone())
//! #     .with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth());
//! # let server_config = Arc::new(ServerConfig::builder_with_provider(provider)
//! #     .with_safe_default_protocol_versions()?.with_no_client_auth()
//! #     .with_single_cert(vec![made.cert.der().clone()], made.signing_key.into())?);
//! # fn carry(from: &mut Stack, to: &mut Stack) -> usize {
//! #     from.flush();
//! #     let mut bytes = from.outgoing().to_vec();
//! #     from.sent(bytes.len());
//! #     to.receive(&mut bytes);
//! #     bytes.len()
//! # }
//! # fn exchange(a: &mut Stack, b: &mut Stack) { while carry(a, b) + carry(b, a) > 0 {} }
//! let (mut client, mut server) = (Stack::new(Limits::default()), Stack::new(Limits::default()));
//! let theirs = server.push(TlsLayer::server(server_config)?)?;
//! let ours = client.push(TlsLayer::client(client_config, "shop.example".try_into()?)?)?;
//! client.write(b"protected")?; // waits for the handshake
//! exchange(&mut client, &mut server);
//! assert_eq!(server.readable(), b"protected");
//! assert!(client.info::<TlsInfo>().is_some_and(|tls| !tls.resumed));
//! server.consume(9);
//!
//! client.start_pop(ours.key())?;
//! server.start_pop(theirs.key())?;
//! client.write(b"plain again")?;
//! exchange(&mut client, &mut server);
//! assert_eq!(server.readable(), b"plain again");
//! let (_layer, _outcome) = client.take_popped(ours).ok_or("the pop is not over")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The contract
//!
//! *Exact at both seams.* What was written before the push leaves in clear, what is written after
//! it only within records. A pop sends close_notify and takes the peer's; what the peer sent
//! behind its own is left where it is, to the byte, for whoever stands there then. A close_notify
//! that nobody asked for parks the connection; an end of input without one is a truncation
//! (RFC 8446, section 6.1).
//!
//! *Closed on failure.* Everything decrypted before an offending record is read, and nothing from
//! it on; the alert goes out, and the connection has failed, with rustls's error as the source.
//! Bytes that came before the push are rejected, unless [`TlsLayer::with_residue`] says otherwise.
//!
//! *Mute after the end mark.* Behind our close_notify goes no alert and no answer. rustls 0.23
//! prepares an alert nevertheless if the peer's record is damaged, and in debug builds panics over it
//! ([rustls#959](https://github.com/rustls/rustls/issues/959)). It tells nobody before, so whoever
//! pops in debug builds switches that assertion off, in the workspace's `Cargo.toml`:
//!
//! ```toml
//! [profile.dev.package.rustls]
//! debug-assertions = false
//! ```
//!
//! *Full records.* Small writes share a record until a flush; large ones are sealed from where
//! they lie. Nothing is decrypted that nobody has room for. An idle layer holds no buffers.

mod block;
mod engine;
mod error;
mod hello;
mod info;
mod layer;
mod record;
mod stage;

pub use info::{TlsInfo, TlsVersion};
pub use layer::TlsLayer;
pub use rustls;

/// The README's code compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
