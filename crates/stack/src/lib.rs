//! A general stack of layers on a live connection: TLS, compression or a layer of your own, pushed
//! and popped while bytes flow, and not one byte is lost, doubled or crosses the wrong layer.
//!
//! ```text
//!                 what arrives                        what leaves
//!                      ^                                   |
//!  the application     |  a Protocol                       v
//!  ------------------------------------------------------------------------
//!                 delivers                             a Transport
//!  a layer             ^                                   |
//!                 a Protocol                             sends
//!  ------------------------------------------------------------------------
//!                      |                                   v
//!  the network         |  delivers                     a Transport
//! ```
//!
//! To what stands above it a layer is a [`Transport`], to what stands below it a [`Protocol`]. So
//! the application cannot tell a layer from the network, nor the network a layer from the
//! application, and a layer can be slipped between them, or taken out, while the connection lives.
//! Guido van Rossum drew this picture in 2015 for asyncio's STARTTLS; here it is general.
//!
//! It does no cryptography and no compression (`tls-layer` and `compress-layer` do, as ordinary
//! layers), speaks no protocol, and is not `tower::Layer`, which decorates services.
//!
//! # A layer, pushed live
//!
//! ```
//! # #[cfg(feature = "tokio")]
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use stack::{Chunk, Connection, Context, Error, Layer, Protocol, Transport};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! struct Xor(u8);
//!
//! impl Protocol for Xor {
//!     fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
//!         bytes.iter_mut().for_each(|byte| *byte ^= self.0);
//!         cx.deliver(bytes);
//!         Ok(bytes.len())
//!     }
//! }
//!
//! impl Transport for Xor {
//!     fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
//!         let mut bytes = chunk.as_slice().to_vec();
//!         bytes.iter_mut().for_each(|byte| *byte ^= self.0);
//!         cx.send(&mut bytes);
//!         Ok(())
//!     }
//! }
//!
//! impl Layer for Xor {}
//!
//! let (near, mut far) = tokio::io::duplex(64);
//! let mut connection = Connection::new(near);
//! connection.write_all(b"plain ").await?;
//! let xor = connection.push(Xor(0x20)).await?;
//! connection.write_all(b"CHANGED").await?;
//! connection.pop(xor).await?;
//! connection.write_all(b" plain").await?;
//! connection.shutdown().await?;
//!
//! let mut wire = String::new();
//! far.read_to_string(&mut wire).await?;
//! assert_eq!(wire, "plain changed plain");
//! # Ok(()) }
//! # #[cfg(not(feature = "tokio"))] fn main() {}
//! ```
//!
//! # The contract
//!
//! - **A byte crosses exactly the layers that stood when it was written or taken.** A push or pop
//!   is a cut between two bytes, in each direction by itself.
//! - **Bytes are lent, and each callee says what it took.** What a node does not take waits at the
//!   boundary below it, held by the stack ([`Protocol::received`]).
//! - **The same direction is direct, the other is queued.** While bytes rise, a layer delivers by a
//!   call and its sends wait for the end of the pass. No node is ever re-entered ([`Context`]).
//! - **Every buffer has a bound** ([`Limits`]), and pressure is a level, not an edge.
//! - **Residue is never dropped**: bytes received and not consumed when a layer is pushed go
//!   through it, or are a typed error ([`Residue`]).
//! - **A pop is a conversation** with an end mark in each direction ([`Exit`], [`Popping`]); no
//!   read straddles the change ([`Epoch`]).
//! - **Nobody drives but who awaits**, and cancelling a future never loses a byte
//!   (`Connection`).
//!
//! # What exists already
//!
//! `StreamLayer` makes a layer of any function from a stream to a stream, such as a TLS library's
//! `connect`; `Connection::wrap` makes an ordinary stream of any layer.
//!
//! With the feature `tower`, connectors and acceptors are built by its `ServiceBuilder`; with `codec`, what
//! tokio-util's `Framed` has read ahead finds its layer. They are the modules of these names.
//!
//! # Without tokio
//!
//! The core is sans-IO: [`Stack`] has no socket, clock, task or waker. With
//! `default-features = false` it is all there is, for an event loop of your own.
//!
//! # A layer of your own
//!
//! The [`guide`] grows one in twelve steps, from one that only watches to a complete one.
//!
//! With the feature `testing`, the module `testing` tests it, in one line: every cut, every end, pushed
//! and popped at every byte, and hundreds of random lives among other layers.

mod application;
mod bits;
mod buffer;
mod changes;
mod chunk;
mod clock;
mod context;
mod core;
mod drawing;
#[cfg(feature = "tokio")]
mod driver;
mod ends;
mod epoch;
mod error;
mod event;
#[cfg(any(doc, doctest))]
pub mod guide;
mod held;
mod join;
mod layer;
mod leave;
mod limits;
mod news;
mod outcome;
mod parts;
mod places;
mod protocol;
mod queue;
mod rules;
mod signal;
mod slot;
mod stack;
mod template;
#[cfg(feature = "testing")]
pub mod testing;
mod traffic;
mod transact;
mod transport;
mod turn;
mod view;
mod visit;
mod watch;
mod withdraw;

pub use changes::Changes;
pub use chunk::Chunk;
pub use context::Context;
#[cfg(feature = "codec")]
pub use driver::codec;
#[cfg(feature = "tower")]
pub use driver::tower;
#[cfg(feature = "tokio")]
pub use driver::{
    Connection, Frozen, Handle, Notices, PopError, StreamLayer, Wire, serve, serve_with,
    serve_with_handle,
};
pub use epoch::Epoch;
pub use error::{Blame, End, Error, ErrorKind};
pub use event::Event;
pub use layer::{Exit, Layer, LayerId, LayerKey, Residue, Role};
pub use limits::Limits;
pub use news::{Notice, Turn};
pub use outcome::{Outcome, Popping, PushError};
pub use parts::Parts;
pub use protocol::{Protocol, Readiness, Standing};
pub use signal::Signal;
pub use stack::{MAX_DEPTH, Stack};
pub use template::Template;
pub use traffic::{Flow, Traffic};
pub use transport::Transport;
pub use view::{LayerView, State};
pub use watch::Watch;
