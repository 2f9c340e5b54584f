//! The driver: a stack over a socket, on tokio.

mod connection;
mod drive;
mod frozen;
mod pop;
mod serve;
mod wakers;

pub use connection::Connection;
pub use frozen::Frozen;
pub use pop::PopError;
pub use serve::{serve, serve_with};
