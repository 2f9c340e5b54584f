//! Step 1: watch what passes.
//!
//! Begin here, because many layers need no more: a counter, a log, a dump of the wire. Such a layer
//! changes nothing, so the whole contract can be kept for you. [`Watch`] does that. You say only
//! what you want to see.
//!
//! ```
//! use stack::{Context, Limits, Stack, Watch};
//!
//! # // counted from here
//! /// How many bytes have risen, and how many have sunk.
//! struct Tally(usize, usize);
//!
//! impl Watch for Tally {
//!     fn received(&mut self, _: &Context<'_>, bytes: &[u8]) {
//!         self.0 += bytes.len();
//!     }
//!
//!     fn sent(&mut self, _: &Context<'_>, bytes: &[u8]) {
//!         self.1 += bytes.len();
//!     }
//! }
//! # // counted to here
//!
//! let mut stack = Stack::new(Limits::default());
//! let tally = stack.push(Tally(0, 0)).unwrap();
//! stack.receive(&mut b"hello".to_vec());
//! stack.write(b"hi").unwrap();
//!
//! // It has seen both, and nothing has changed.
//! assert_eq!(stack.readable(), b"hello");
//! assert_eq!(stack.outgoing(), b"hi");
//! let Tally(received, sent) = stack.info::<Tally>().unwrap();
//! assert_eq!((*received, *sent), (5, 2));
//!
//! // It may leave at any moment, also now, while "hello" waits unread.
//! stack.start_pop(tally).unwrap();
//! let (Tally(received, _), _outcome) = stack.take_popped(tally).unwrap();
//! assert_eq!(received, 5);
//! ```
//!
//! `stack.receive` is what the network brings, `stack.outgoing` what it is given. `stack.write` and
//! `stack.readable` are the application's side. All steps use a bare [`Stack`] like this: it has no
//! socket and no clock, so an example can cut bytes where it likes. The [last
//! step](super::step_12_live) runs on TCP.
//!
//! # What the contract promises
//!
//! - A watcher sees every byte that crosses its place, once, in order, as those bytes are *there*:
//!   above a TLS layer it sees plain text, below it the records.
//! - The bytes come as they happen to be cut. A line may come in three calls, or three lines in
//!   one.
//! - It can be pushed, and popped, at any moment ([`Exit::Anytime`](crate::Exit::Anytime)), also in
//!   the midst of traffic. It sees what passes from then on, and until then.
//! - It tells itself as its [info](crate::Stack::info). So nobody needs an `Arc` to read a counter.
//!
//! # The mistake
//!
//! To look for a word in `bytes` as if a call were a message. It works in every test on one
//! machine, and fails on the first network that cuts the word in two. Keep what you need of the
//! last call.
//!
//! The methods get a `&Context`: [`now`](crate::Context::now) and
//! [`writable`](crate::Context::writable) can be asked, and nothing can be sent. What wants to send
//! is not a watcher.
//!
//! # The whole rule
//!
//! [`Watch`]; for the order of the calls, [`Protocol`](crate::Protocol).
//!
//! **Next:** [step 2, change bytes](super::step_02_change). **Back:** [the guide](super).
//!
//! [`Watch`]: crate::Watch
//! [`Stack`]: crate::Stack
