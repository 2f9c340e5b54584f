//! Step 12: push it live.
//!
//! All that is left is a socket. [`Connection`] drives a stack over anything that reads and writes
//! in tokio's way, and is itself such a thing. `push` and `pop` return when the peer's part of the
//! conversation is done, too.
//!
//! This is the whole layer, and a client and a server who agree to use it, and not to use it any
//! more, on one TCP connection. It is the example `records`: `cargo run -p layer-stack --example
//! records`.
//!
#![cfg_attr(feature = "tokio", doc = "```")]
#![cfg_attr(not(feature = "tokio"), doc = "```ignore")]
#![doc = include_str!("../../examples/records.rs")]
#![doc = "```"]
//!
//! # What the contract promises
//!
//! - What was written before a push goes out past the layer, what is written after it goes through
//!   the layer. The same holds for a pop. No read returns bytes of both sides of a change.
//! - [`push_after`] writes the answer *go ahead* and pushes, as one act. After a write and then a
//!   push, what a quick peer has sent through *its* layer meanwhile would be residue: fed to this
//!   layer, but an error for one that says [`Residue::Reject`](crate::Residue::Reject).
//! - `pop` returns when both marks have passed, and gives the layer back. If it needs you to read
//!   first, it says so ([`PopError::NeedsRead`]), and goes on.
//! - Dropping a future loses no byte. What was begun goes on with whatever is awaited next.
//!
//! # The mistake
//!
//! To agree on the change in one direction only. Each application must know which line of the other
//! is the last plain one: here "RECORDS" one way, and "go ahead" the other. The layer's mark tells
//! where its bytes end; where they begin, only the applications can know.
//!
//! To let one `read_exact` or `read_to_end` run across a pop. Such helpers join reads, and know
//! nothing of layers.
//!
//! # The whole rule
//!
//! [`Connection`], and its methods `push`, `push_after`, `pop`, `parked` and `handle`; without
//! tokio, [`Stack`] and the example `blocking`.
//!
//! **Back:** [step 11, test it](super::step_11_test), or [the guide](super).
//!
//! [`Stack`]: crate::Stack
//! [`Connection`]: crate::Connection
//! [`push_after`]: crate::Connection::push_after
//! [`PopError::NeedsRead`]: crate::PopError::NeedsRead
#![cfg_attr(not(feature = "tokio"), allow(rustdoc::broken_intra_doc_links))]
