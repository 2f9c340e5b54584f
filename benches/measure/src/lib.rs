//! Measuring on a machine that is shared: variants in turn, many short rounds, ratios pair by
//! pair. And what the benches have in common: loads, peers, text, sockets.

mod aligned;
mod bench;
mod compare;
mod cost;
mod table;

pub mod bulk;
pub mod handshake;
pub mod latency;
pub mod load;
pub mod nodes;
pub mod open;
pub mod pingpong;
pub mod sockets;
pub mod text;
pub mod thread;
pub mod tls;
pub mod unit;
pub mod wrapper;

pub use aligned::Aligned;
pub use bench::{Bench, bench};
pub use compare::{Variant, compare, in_turn, run, variant};
pub use cost::{Cost, Meter, cost_of};
pub use table::{Quartiles, Row, aligned, print};
