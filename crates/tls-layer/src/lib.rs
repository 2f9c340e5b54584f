//! TLS as one layer of a live connection: [rustls](https://docs.rs/rustls/0.23) between an
//! application and a network that stay the same while it is pushed and popped.
//!
//! ```text
//! App <=> Protocol [ <---- plaintext ] TlsLayer <=> [ <---- records ] Transport <=> Network
//!                  [ ----> plaintext ]              [ ----> records ]
//! ```
//!
//! What it does not do: it opens no sockets, knows no runtime, and brings no cryptography; the
//! provider is the one in the configuration that it is given. It never falls back to plaintext: a
//! session that fails, fails the connection.
//!
//! # STARTTLS, the client
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/configs.rs"));
//! use stack::Connection;
//! use tls_layer::{TlsInfo, TlsLayer};
//! use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt};
//!
//! async fn client(io: impl AsyncRead + AsyncWrite + Unpin, config: Arc<ClientConfig>) -> Result<()> {
//!     let mut connection = Connection::new(io);
//!     let mut line = String::new();
//!     connection.write_all(b"STARTTLS\r\n").await?;
//!     connection.read_line(&mut line).await?;
//!     if !line.starts_with("220") {
//!         return Err("no TLS, no password".into()); // never on in plain
//!     }
//!     // Whatever came behind the answer is an error, not an answer to what is asked next.
//!     connection.push(TlsLayer::client(config, "mail.example".try_into()?)).await?;
//!     let tls = connection.info::<TlsInfo>().ok_or("it stands")?;
//!     println!("{}, {}", tls.version, tls.cipher_suite);
//!     connection.write_all(b"AUTH secret\r\n").await?;
//!     line.clear();
//!     connection.read_line(&mut line).await?;
//!     assert_eq!(line, "235 welcome\r\n");
//!     Ok(connection.shutdown().await?) // close_notify, then the socket's end
//! }
//! #
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
//! # let (ours, theirs) = configs()?;
//! # let (near, far) = tokio::io::duplex(4096);
//! # let server = async {
//! #     let mut connection = Connection::new(far);
//! #     let mut line = String::new();
//! #     connection.read_line(&mut line).await?;
//! #     connection.push_after(b"220 go ahead\r\n", TlsLayer::server(theirs)).await?;
//! #     line.clear();
//! #     connection.read_line(&mut line).await?;
//! #     assert_eq!(line, "AUTH secret\r\n");
//! #     connection.write_all(b"235 welcome\r\n").await?;
//! #     assert_eq!(connection.read_line(&mut line).await?, 0);
//! #     Ok(())
//! # };
//! # tokio::try_join!(client(near, ours), server)?; Ok(()) }
//! ```
//!
//! # STARTTLS, the server
//!
//! The answer and the push are one act, so that neither a fast client nor another task's write comes
//! between them.
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/configs.rs"));
//! use stack::Connection;
//! use tls_layer::TlsLayer;
//! use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt};
//!
//! async fn serve(io: impl AsyncRead + AsyncWrite + Unpin, config: Arc<ServerConfig>) -> Result<()> {
//!     let mut connection = Connection::new(io);
//!     let mut line = String::new();
//!     while connection.read_line(&mut line).await? > 0 {
//!         let protected = connection.read_epoch().layers().any(|layer| layer == "tls");
//!         match line.trim_end() {
//!             "STARTTLS" if !protected => {
//!                 let tls = TlsLayer::server(Arc::clone(&config));
//!                 // A command that came in the same segment is an error: it is never run.
//!                 connection.push_after(b"220 go ahead\r\n", tls).await?;
//!             }
//!             "AUTH secret" if protected => connection.write_all(b"235 welcome\r\n").await?,
//!             _ => connection.write_all(b"500 not so\r\n").await?,
//!         }
//!         line.clear();
//!     }
//!     Ok(connection.shutdown().await?)
//! }
//! #
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
//! # let (ours, theirs) = configs()?;
//! # let (near, far) = tokio::io::duplex(4096);
//! # let client = async {
//! #     let mut connection = Connection::new(near);
//! #     let mut line = String::new();
//! #     for (say, hear) in [("AUTH secret", "500"), ("STARTTLS", "220")] {
//! #         connection.write_all(format!("{say}\r\n").as_bytes()).await?;
//! #         line.clear();
//! #         connection.read_line(&mut line).await?;
//! #         assert!(line.starts_with(hear));
//! #     }
//! #     connection.push(TlsLayer::client(ours, "mail.example".try_into()?)).await?;
//! #     connection.write_all(b"AUTH secret\r\n").await?;
//! #     line.clear();
//! #     connection.read_line(&mut line).await?;
//! #     assert_eq!(line, "235 welcome\r\n");
//! #     connection.shutdown().await?;
//! #     assert_eq!(connection.read_line(&mut line).await?, 0);
//! #     Ok(())
//! # };
//! # tokio::try_join!(client, serve(far, theirs))?; Ok(()) }
//! ```
//!
//! # TLS taken off again (FTP's CCC, RFC 4217)
//!
//! Either end may begin, or both at once; each goes on in plain from exactly the byte behind the other's
//! close_notify.
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/configs.rs"));
//! use stack::Connection;
//! use tls_layer::TlsLayer;
//! use tokio::io::{AsyncBufReadExt, AsyncWriteExt, DuplexStream};
//!
//! async fn client(io: DuplexStream, config: Arc<ClientConfig>) -> Result<()> {
//!     let mut connection = Connection::new(io);
//!     let tls = TlsLayer::client(config, "mail.example".try_into()?);
//!     let tls = connection.push(tls).await?;
//!     connection.write_all(b"CCC\r\n").await?;
//!     let mut line = String::new();
//!     connection.read_line(&mut line).await?;
//!     assert_eq!(line, "200 in clear, then\r\n");
//!     connection.pop(tls).await?;
//!     connection.write_all(b"QUIT\r\n").await?;
//!     line.clear();
//!     connection.read_line(&mut line).await?;
//!     assert_eq!(line, "221 bye\r\n");
//!     Ok(())
//! }
//!
//! async fn server(io: DuplexStream, config: Arc<ServerConfig>) -> Result<()> {
//!     let mut connection = Connection::new(io);
//!     let tls = connection.push(TlsLayer::server(config)).await?;
//!     let mut line = String::new();
//!     connection.read_line(&mut line).await?;
//!     assert_eq!(line, "CCC\r\n");
//!     connection.write_all(b"200 in clear, then\r\n").await?;
//!     connection.pop(tls).await?; // what was written before leaves within TLS
//!     line.clear();
//!     connection.read_line(&mut line).await?;
//!     assert!(line == "QUIT\r\n" && connection.read_epoch().layers().len() == 0);
//!     connection.write_all(b"221 bye\r\n").await?;
//!     Ok(connection.shutdown().await?)
//! }
//! #
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
//! # let (ours, theirs) = configs()?;
//! # let (near, far) = tokio::io::duplex(4096);
//! # tokio::try_join!(client(near, ours), server(far, theirs))?; Ok(()) }
//! ```
//!
//! Where the peer takes TLS off unasked, a read returns 0 and
//! [`parked`](stack::Connection::parked) names the layer: pop it, and read on.
//!
//! # TLS in TLS
//!
//! To a proxy over TLS, and through it, over TLS that the proxy cannot read, to a server. The inner
//! layer says that its place is meant; otherwise a push above TLS is refused.
//!
//! ```
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/configs.rs"));
//! use stack::Connection;
//! use tls_layer::TlsLayer;
//! use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, DuplexStream, copy_bidirectional};
//!
//! async fn client(io: DuplexStream, config: Arc<ClientConfig>) -> Result<()> {
//!     let mut connection = Connection::new(io);
//!     let outer = TlsLayer::client(Arc::clone(&config), "proxy.example".try_into()?);
//!     connection.push(outer).await?;
//!     connection.write_all(b"CONNECT mail.example:465\r\n").await?;
//!     let mut line = String::new();
//!     connection.read_line(&mut line).await?;
//!     assert_eq!(line, "200 go ahead\r\n");
//!     let inner = TlsLayer::client(config, "mail.example".try_into()?).anywhere();
//!     connection.push(inner).await?;
//!     assert_eq!(connection.stack().to_string(), "app <=> tls <=> tls <=> network");
//!     connection.write_all(b"not for the proxy").await?;
//!     connection.shutdown().await?;
//!     line.clear();
//!     connection.read_line(&mut line).await?;
//!     assert_eq!(line, ""); // the server has ended its half, too
//!     Ok(())
//! }
//!
//! async fn proxy(io: DuplexStream, mut behind: DuplexStream, config: Arc<ServerConfig>) -> Result<()> {
//!     let mut connection = Connection::wrap(io, TlsLayer::server(config)).await?;
//!     let mut line = String::new();
//!     connection.read_line(&mut line).await?;
//!     connection.write_all(b"200 go ahead\r\n").await?;
//!     copy_bidirectional(&mut connection, &mut behind).await?;
//!     Ok(())
//! }
//! #
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
//! # let (ours, theirs) = configs()?;
//! # let ((near, far), (behind, origin)) = (tokio::io::duplex(4096), tokio::io::duplex(4096));
//! # let config = Arc::clone(&theirs);
//! # let server = async {
//! #     let mut connection = Connection::wrap(origin, TlsLayer::server(config)).await?;
//! #     let mut said = String::new();
//! #     connection.read_to_string(&mut said).await?;
//! #     assert_eq!(said, "not for the proxy");
//! #     Ok(connection.shutdown().await?)
//! # };
//! # tokio::try_join!(client(near, ours), proxy(far, behind, theirs), server)?; Ok(()) }
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
//! they lie. Nothing is decrypted that nobody has room for. An idle layer holds no buffers, but for
//! one with an [`Exporter`].
//!
//! # Around it
//!
//! [`config`] makes configurations out of PEM and of the system's roots. A server may choose its own
//! when it has seen the [`ClientHello`] ([`TlsLayer::server_with`]), or hand the connection on, hello and
//! all. A client whose session is resumed may send [early data](TlsLayer::with_early_data), and a server
//! [take it](TlsLayer::taking_early_data), apart from all that follows. [`TlsInfo`] tells what was
//! agreed. An [`Exporter`] derives keys from the session, and the channel binding `tls-exporter`;
//! `server_end_point` (with the feature `channel-binding`) is the other one, of the certificate:
//!
//! ```
//! use std::sync::Arc;
//! use stack::{Error, Stack};
//! use tls_layer::{Exporter, TlsLayer, rustls::ClientConfig};
//!
//! fn push(stack: &mut Stack, config: Arc<ClientConfig>) -> Result<(), Box<dyn std::error::Error>> {
//!     stack.push(TlsLayer::client(config, "xmpp.example".try_into()?).with_exporter())?;
//!     Ok(())
//! }
//!
//! /// For SCRAM-SHA-256-PLUS, once the layer is up.
//! fn binding(stack: &Stack) -> Option<Result<[u8; 32], Error>> {
//!     Some(stack.info::<Exporter>()?.channel_binding())
//! }
//! ```

#[cfg(feature = "channel-binding")]
mod binding;
mod block;
mod choice;
pub mod config;
mod engine;
mod error;
mod exporter;
mod hello;
mod info;
mod layer;
mod record;
mod session;
mod stage;

#[cfg(feature = "channel-binding")]
pub use binding::server_end_point;
pub use exporter::Exporter;
pub use hello::ClientHello;
pub use info::{TlsInfo, TlsVersion};
pub use layer::TlsLayer;
pub use rustls;
pub use session::EARLY_DATA;

/// The README's code compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
