//! The driver: a stack over a socket, on tokio.

#[cfg(feature = "codec")]
pub mod codec;
mod connection;
mod drive;
mod failure;
mod frozen;
mod handle;
mod inside;
mod mail;
mod pieces;
mod pop;
mod serve;
mod signals;
mod socket;
mod stream;
mod stream_layer;
mod task;
#[cfg(feature = "tower")]
pub mod tower;
mod wakers;
mod wire;

pub use connection::Connection;
pub use frozen::Frozen;
pub use handle::{Handle, Notices};
pub use pop::PopError;
pub use serve::{serve, serve_with, serve_with_handle};
pub use stream_layer::StreamLayer;
pub use wire::Wire;
