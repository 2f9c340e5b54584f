//! Stream compression as a layer of a live connection: pushed and popped while the connection lives,
//! exact to the byte.
//!
//! ```text
//!                plain bytes              compressed bytes
//!                     |                          |
//!     App  <=====>  Transport [ CompressLayer ] Protocol  <=====>  Network
//!            write ------------> encoder ------------------> send
//!             read <------------ decoder <------------------ receive
//!                                   |
//!                     end of the stream or frame = end mark
//! ```
//!
//! | format | feature | settings | the encoder takes | the decoder takes at most |
//! |---|---|---|---|---|
//! | raw deflate (RFC 1951) | `deflate`, on | [`Deflate`] | 0.4 MiB | 0.05 MiB |
//! | zlib (RFC 1950), gzip (RFC 1952) | `zlib`, `gzip` | [`Zlib`], [`Gzip`] | the same | the same |
//! | Zstandard (RFC 8878) | `zstd`, on | [`Zstd`] | 3.5 MiB at level 3 | 8.5 MiB |
//! | Brotli (RFC 7932) | `brotli` | [`Brotli`] | 9 MiB at quality 4 | 18 MiB, and 25 while its window grows |
//! | LZ4 frames | `lz4` | [`Lz4`] | 0.5 MiB | 8 MiB |
//!
//! What a decoder takes is for the peer to choose; with zstd and brotli a window that is set smaller is
//! also the most that is accepted.
//!
//! It does not negotiate (that is the application's protocol: `COMPRESS DEFLATE`, a feature, a
//! header), does not encrypt, and does not decide when bytes leave: the stack does. It does not hide
//! how well bytes compress: see *Secrets*.
//!
//! # COMPRESS, as in IMAP
//!
//! The client waits for OK, and pushes. The server's answer and its push are one act; what the client
//! compressed comes behind its command only, and what the server compressed may ride in the segment
//! of its OK.
//!
//! ```
//! # #[cfg(feature = "deflate")] mod imap {
//! use compress_layer::CompressLayer;
//! use stack::Connection;
//! use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt};
//! # type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
//!
//! pub async fn serve(io: impl AsyncRead + AsyncWrite + Unpin) -> Result<()> {
//!     let mut connection = Connection::new(io);
//!     let mut line = String::new();
//!     while connection.read_line(&mut line).await? > 0 {
//!         let (tag, command) = line.trim_end().split_once(' ').ok_or("no tag")?;
//!         let ok = format!("{tag} OK done\r\n");
//!         match command {
//!             "COMPRESS DEFLATE" if connection.parked().is_none() => {
//!                 let deflate = CompressLayer::deflate(6);
//!                 // Within COMPRESS it is refused, since the layer's role is told.
//!                 if connection.push_after(ok.as_bytes(), deflate).await.is_err() {
//!                     let no = format!("{tag} NO [COMPRESSIONACTIVE]\r\n");
//!                     connection.write_all(no.as_bytes()).await?;
//!                 }
//!             }
//!             "LOGOUT" => {
//!                 connection.write_all(ok.as_bytes()).await?;
//!                 break;
//!             }
//!             _ => connection.write_all(ok.as_bytes()).await?,
//!         }
//!         line.clear();
//!     }
//!     Ok(connection.shutdown().await?) // the answer, the end of the deflate stream, the socket's end
//! }
//!
//! pub async fn client(io: impl AsyncRead + AsyncWrite + Unpin) -> Result<()> {
//!     let mut connection = Connection::new(io);
//!     let mut line = String::new();
//!     connection.write_all(b"a COMPRESS DEFLATE\r\n").await?;
//!     connection.read_line(&mut line).await?;
//!     if line.starts_with("a OK") {
//!         connection.push(CompressLayer::deflate(6)).await?;
//!     }
//!     for (question, answer) in [
//!         ("b NOOP\r\n", "b OK done\r\n"),
//!         ("c COMPRESS DEFLATE\r\n", "c NO [COMPRESSIONACTIVE]\r\n"),
//!         ("d LOGOUT\r\n", "d OK done\r\n"),
//!     ] {
//!         connection.write_all(question.as_bytes()).await?; // leaves before the read waits
//!         line.clear();
//!         connection.read_line(&mut line).await?;
//!         assert_eq!(line, answer);
//!     }
//!     line.clear();
//!     // A clean end, and not a truncation, for the server has ended its stream.
//!     assert_eq!(connection.read_line(&mut line).await?, 0);
//!     Ok(()) // it has said its last word, and the server may be gone already
//! }
//! # }
//! #
//! # #[cfg(not(feature = "deflate"))] fn main() {}
//! # #[cfg(feature = "deflate")] #[tokio::main(flavor = "current_thread")] async fn main() {
//! # let (near, far) = tokio::io::duplex(64);
//! # tokio::try_join!(imap::client(near), imap::serve(far)).unwrap(); }
//! ```
//!
//! # A pair of zstd, without a socket
//!
//! ```
//! # #[cfg(feature = "zstd")] {
//! use compress_layer::{CompressInfo, CompressLayer};
//! use stack::{Limits, Stack};
//!
//! /// Hands to `to` what `from` has for the network.
//! fn carry(from: &mut Stack, to: &mut Stack) {
//!     from.flush();
//!     let mut bytes = from.outgoing().to_vec();
//!     from.sent(bytes.len());
//!     to.receive(&mut bytes);
//! }
//!
//! let (mut client, mut server) = (Stack::new(Limits::default()), Stack::new(Limits::default()));
//! let at_client = client.push(CompressLayer::zstd(3)).unwrap();
//! let at_server = server.push(CompressLayer::zstd(3)).unwrap();
//!
//! client.write(&[b'a'; 10_000]).unwrap();
//! carry(&mut client, &mut server);
//! assert_eq!(server.readable(), [b'a'; 10_000]);
//! server.consume(10_000);
//! assert!(server.info::<CompressInfo>().unwrap().received.ratio().unwrap() < 0.01);
//!
//! client.start_pop(at_client.key()).unwrap();
//! server.start_pop(at_server.key()).unwrap();
//! carry(&mut client, &mut server);
//! carry(&mut server, &mut client);
//! assert_eq!(client.to_string(), "app <=> network");
//! # assert_eq!(server.to_string(), "app <=> network");
//! # }
//! ```
//!
//! # One direction only
//!
//! [`CompressLayer::sending`] and [`receiving`](CompressLayer::receiving) leave the other direction as it
//! is; [`pair`](CompressLayer::pair) has another format for each.
//!
//! # Secrets
//!
//! Compressed bytes tell by their length how alike they are, through any encryption. Where what an
//! attacker can choose and a secret go through one layer (a cookie and a path, a password and a
//! search), and he sees how long the ciphertext is, he can guess the secret piece by piece (CRIME,
//! BREACH). Then [`reset`](CompressLayer::reset) the layer between them:
//!
//! ```
//! # #[cfg(feature = "deflate")] {
//! use compress_layer::CompressLayer;
//! use stack::{Limits, Stack};
//!
//! let mut stack = Stack::new(Limits::default());
//! let deflate = stack.push(CompressLayer::deflate(6)).unwrap();
//! stack.write(b"password=correct-horse-battery").unwrap();
//! stack.flush();
//! let secret = stack.outgoing().len();
//! // By Connection, Handle and Context likewise. The level is changed the same way.
//! stack.with_layer(deflate, |layer, _| layer.reset()).unwrap().unwrap();
//! stack.write(b"password=correct-horse-battery").unwrap();
//! stack.flush();
//! let guess = stack.outgoing().len() - secret;
//! assert!(guess >= secret, "a right guess is no shorter than any");
//! # }
//! ```
//!
//! # The contract
//!
//! *Flush.* After a flush the peer can read all that was written before it. Without anything new
//! a flush sends nothing: two empty blocks never follow each other. A `Connection` flushes once for all
//! that was written before it waits (good for throughput), or, by `set_write_through`, at each write
//! (good for latency); small flushed pieces compress badly.
//!
//! *End mark.* [`Exit::Marked`](stack::Exit::Marked): a finish ends the stream or frame, also if
//! nothing was written. Inbound, the first byte behind the peer's end mark is the first byte of
//! whoever comes next. An end of input before the end mark is a truncation. Each direction ends by
//! itself.
//!
//! *Bounds.* Output is made in blocks of 16 KiB, and only while somebody above wants one, so a
//! bomb costs no more memory than plain bytes do. Input that yields nothing is bounded (see
//! [`CompressLayer::with_fruitless_limit`]), and so are a peer's windows: a format's settings tell the
//! most that is accepted, and our encoder keeps to the same.
//!
//! *Undecodable input* is an error of the peer. What was decoded before it is delivered first.
//!
//! *Memory.* A codec comes into being at the first byte of its direction, and goes at the end
//! mark. Between calls a layer has no buffer of its own beside what its codecs keep. An encoder of the
//! deflate family goes with a [`reset`](CompressLayer::reset), too, until something is written again: for
//! connections that wait for long.

#[cfg(not(any(
    feature = "deflate",
    feature = "zlib",
    feature = "gzip",
    feature = "zstd",
    feature = "brotli",
    feature = "lz4"
)))]
compile_error!("compress-layer has nothing to compress with: enable one of its formats");

#[cfg(feature = "brotli")]
mod brotli;
mod codec;
#[cfg(feature = "deflate")]
mod deflate;
#[cfg(any(
    feature = "deflate",
    feature = "zlib",
    feature = "gzip",
    feature = "zstd"
))]
mod dictionary;
#[cfg(any(feature = "deflate", feature = "zlib", feature = "gzip"))]
mod flate;
#[cfg(feature = "gzip")]
mod gzip;
mod info;
mod layer;
mod life;
#[cfg(feature = "lz4")]
mod lz4;
mod receiving;
mod sending;
#[cfg(any(feature = "deflate", feature = "zlib", feature = "gzip"))]
mod wrapping;
#[cfg(feature = "zlib")]
mod zlib;
#[cfg(feature = "zstd")]
mod zstd;

#[cfg(feature = "brotli")]
pub use brotli::Brotli;
pub use codec::Codec;
#[cfg(feature = "deflate")]
pub use deflate::Deflate;
#[cfg(feature = "gzip")]
pub use gzip::Gzip;
pub use info::{CompressInfo, Volume};
pub use layer::CompressLayer;
#[cfg(feature = "lz4")]
pub use lz4::Lz4;
#[cfg(feature = "zlib")]
pub use zlib::Zlib;
#[cfg(feature = "zstd")]
pub use zstd::Zstd;
