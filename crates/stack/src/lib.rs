//! A general stack of layers on a live connection.

mod bits;
mod buffer;
mod change;
mod chunk;
mod context;
mod core;
#[cfg(feature = "tokio")]
mod driver;
mod epoch;
mod error;
mod event;
mod held;
mod layer;
mod limits;
mod protocol;
mod queue;
mod slot;
mod stack;
mod transport;
mod turn;

pub use change::{Popping, PushError};
pub use chunk::Chunk;
pub use context::Context;
#[cfg(feature = "tokio")]
pub use driver::{Connection, Frozen, Parts, PopError, serve, serve_with};
pub use epoch::Epoch;
pub use error::{Blame, End, Error, ErrorKind};
pub use event::{Event, Outcome};
pub use layer::{Exit, Layer, LayerId, LayerKey, Residue};
pub use limits::Limits;
pub use protocol::{Protocol, Readiness, Standing};
pub use slot::Traffic;
pub use stack::{LayerView, MAX_DEPTH, Stack};
pub use transport::Transport;
