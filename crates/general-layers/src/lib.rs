//! General layers for a live connection's stack: what passes is counted, traced or captured, must
//! not take too long, may not be too much, or goes wrong on purpose.
//!
//! ```text
//!     App  <=>  counters  <=>  pcap  <=>  tls  <=>  rate-limit  <=>  deadlines  <=>  Network
//!                               |
//!                               +--> a capture of what TLS protects, for Wireshark
//! ```
//!
//! | layer | |
//! |---|---|
//! | [`Counters`] | bytes and chunks each way, the times of the first and the last |
//! | [`Trace`] | events of `tracing`, with a hexdump if asked for; feature `trace` |
//! | [`Pcap`] | a capture that Wireshark opens; feature `pcap` |
//! | [`Deadlines`] | an error if nothing passes, comes, or is taken for too long |
//! | [`RateLimit`] | so many bytes a second |
//! | [`Faults`] | cuts, delays, wrong bytes, a reset, from a seed |
//!
//! Each is an ordinary layer by the public traits, and none changes a byte (`Faults` only if it is
//! told to), so each may be pushed, inserted and popped at any moment and at any height
//! ([`Exit::Anytime`](stack::Exit::Anytime)). Several of a kind may stand in one stack.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use general_layers::{Counters, Deadlines, RateLimit};
//! use stack::Connection;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! let (near, mut far) = tokio::io::duplex(64);
//! let mut connection = Connection::new(near);
//! connection.push(Deadlines::new().read(Duration::from_secs(30))).await?;
//! let limit = connection.push(RateLimit::new().outbound(1_000_000, 64 * 1024)).await?;
//! connection.push(Counters::new()).await?;
//! assert_eq!(
//!     connection.stack().to_string(),
//!     "app <=> counters <=> rate-limit <=> deadlines <=> network"
//! );
//!
//! connection.write_all(b"hello").await?;
//! connection.pop(limit).await?; // in mid-stream
//! connection.write_all(b" again").await?;
//! connection.shutdown().await?;
//!
//! let mut wire = String::new();
//! far.read_to_string(&mut wire).await?;
//! assert_eq!(wire, "hello again");
//! assert_eq!(connection.info::<Counters>().unwrap().sent().bytes, 11);
//! # Ok(()) }
//! ```
//!
//! # Time
//!
//! No layer reads a clock. They ask the stack for the time and to be called
//! ([`Context::now`](stack::Context::now), [`Context::wake_at`](stack::Context::wake_at)), so they
//! are as exact as whoever drives it, and on virtual time entirely. Nobody drives a connection that
//! nobody awaits: a deadline that passes meanwhile is told when somebody does.

mod bucket;
#[cfg(feature = "pcap")]
mod capture;
#[cfg(feature = "pcap")]
mod conversation;
mod counters;
mod deadlines;
mod faults;
#[cfg(feature = "pcap")]
mod pcap;
mod rate_limit;
#[cfg(feature = "trace")]
mod trace;

#[cfg(feature = "pcap")]
pub use capture::Capture;
pub use counters::{Count, Counters};
pub use deadlines::Deadlines;
pub use faults::{Faults, Injected};
#[cfg(feature = "pcap")]
pub use pcap::Pcap;
pub use rate_limit::RateLimit;
#[cfg(feature = "trace")]
pub use trace::Trace;
