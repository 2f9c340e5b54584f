//! Stream compression as a layer of a live connection: raw deflate and zstd, pushed and popped
//! while the connection lives, exact to the byte.
//!
//! ```text
//!                plain bytes              compressed bytes
//!                     |                          |
//!     App  <=====>  Transport [ CompressLayer ] Protocol  <=====>  Network
//!            write ------------> encoder ------------------> send
//!             read <------------ decoder <------------------ receive
//!                                   |
//!                end of the deflate stream or zstd frame = end mark
//! ```
//!
//! It does not negotiate (that is the application's protocol: `COMPRESS DEFLATE`, a feature, a
//! header), does not encrypt, and does not decide when bytes leave: a flush of the stack does. It
//! does not hide how well bytes compress: where an attacker's bytes and a secret go through one
//! layer, the length of what is sent tells about the secret (CRIME, BREACH).
//!
//! ```
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
//! assert!(server.info::<CompressInfo>().unwrap().received.compressed < 100);
//!
//! client.start_pop(at_client.key()).unwrap();
//! server.start_pop(at_server.key()).unwrap();
//! carry(&mut client, &mut server);
//! carry(&mut server, &mut client);
//! assert_eq!(client.to_string(), "app <=> network");
//! # assert_eq!(server.to_string(), "app <=> network");
//! ```
//!
//! # The contract
//!
//! *Flush.* After a flush the peer can read all that was written before it. Without anything new
//! a flush sends nothing: two empty blocks never follow each other.
//!
//! *End mark.* [`Exit::Marked`](stack::Exit::Marked): a finish ends the deflate stream or the zstd
//! frame, also if nothing was written. Inbound, the first byte behind the peer's end mark is the
//! first byte of whoever comes next. An end of input before the end mark is a truncation.
//!
//! *Bounds.* Output is made in blocks of 16 KiB, and only while somebody above wants one, so a
//! bomb costs no more memory than plain bytes do. Input that yields nothing is bounded (see
//! [`CompressLayer::with_fruitless_limit`]), and so is a zstd window: 8 MiB.
//!
//! *Undecodable input* is an error of the peer. What was decoded before it is delivered first.
//!
//! *Memory.* A codec comes into being at the first byte of its direction, and goes at the end
//! mark. Between calls a layer has no buffer of its own beside what its codecs keep.

#[cfg(feature = "brotli")]
mod brotli;
mod codec;
#[cfg(feature = "deflate")]
mod deflate;
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
