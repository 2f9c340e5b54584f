//! Step 5: ask for time.
//!
//! Many a firewall forgets a connection on which nothing was said for a minute. So when this layer
//! has sent nothing for 30 seconds, it sends an `ALIVE`: a header that no length has, and nothing
//! behind it.
//!
//! A layer owns no clock, no timer and no task. It asks to be called, and is. So a test can let an
//! hour pass in no time, and a whole life can be played again.
//!
//! ```
//! # use std::time::Duration;
//! #
//! # use stack::{
//! #     Chunk, Context, Error, Layer, Limits, Protocol, Readiness, Stack, Standing, Transport,
//! # };
//! #
//! # const HEADER: usize = 2;
//! # const FULL: u16 = 4096;
//! /// A header that means a word, not a length: I am still here.
//! const ALIVE: u16 = 0xfffe;
//! /// When nothing was sent for so long, `ALIVE` is.
//! const IDLE: Duration = Duration::from_secs(30);
//! #
//! # struct Records {
//! #     key: u8,
//! #     staged: Vec<u8>,
//! # }
//!
//! impl Records {
//! #     fn new(key: u8) -> Self {
//! #         let staged = Vec::new();
//! #         Self { key, staged }
//! #     }
//! #
//!     fn seal(&mut self, cx: &mut Context<'_>, n: usize) {
//!         for bytes in self.staged[..n].chunks(FULL.into()) {
//!             // … the record, and then:
//! #             cx.send_with(HEADER + bytes.len(), |room| {
//! #                 let (header, body) = room.split_at_mut(HEADER);
//! #                 header.copy_from_slice(&(bytes.len() as u16).to_be_bytes());
//! #                 body.copy_from_slice(bytes);
//! #                 body.iter_mut().for_each(|byte| *byte ^= self.key);
//! #                 (room.len(), ())
//! #             });
//!             cx.wake_at(Some(cx.now() + IDLE));
//!         }
//!         self.staged.drain(..n);
//!     }
//! }
//!
//! impl Protocol for Records {
//!     fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
//!         cx.wake_at(Some(cx.now() + IDLE));
//!         Ok(Readiness::Up)
//!     }
//!
//!     fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
//!         let mut taken = 0;
//!         while let Some((header, rest)) = bytes[taken..].split_first_chunk_mut() {
//!             match u16::from_be_bytes(*header) {
//!                 len @ 1..=FULL => {
//!                     let Some(body) = rest.get_mut(..len.into()) else {
//!                         break;
//!                     };
//!                     body.iter_mut().for_each(|byte| *byte ^= self.key);
//!                     cx.deliver(body);
//!                     taken += body.len();
//!                 }
//!                 ALIVE => {}
//!                 _ => return Err(Error::remote("no record is that long")),
//!             }
//!             taken += HEADER;
//!         }
//!         Ok(taken)
//!     }
//!
//!     fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
//!         cx.send(&ALIVE.to_be_bytes());
//!         cx.wake_at(Some(cx.now() + IDLE));
//!         Ok(())
//!     }
//! }
//! #
//! # impl Transport for Records {
//! #     fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
//! #         self.staged.extend_from_slice(chunk.as_slice());
//! #         let full = self.staged.len() / usize::from(FULL) * usize::from(FULL);
//! #         self.seal(cx, full);
//! #         Ok(())
//! #     }
//! #
//! #     fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
//! #         self.seal(cx, self.staged.len());
//! #         Ok(())
//! #     }
//! # }
//! #
//! # impl Layer for Records {
//! #     fn held(&self) -> usize {
//! #         self.staged.len()
//! #     }
//! # }
//! #
//! # fn carry(from: &mut Stack, to: &mut Stack) {
//! #     from.flush();
//! #     let mut bytes = from.outgoing().to_vec();
//! #     from.sent(bytes.len());
//! #     to.receive(&mut bytes);
//! # }
//!
//! let (mut a, mut b) = (Stack::new(Limits::default()), Stack::new(Limits::default()));
//! a.push(Records::new(0x55)).unwrap();
//! b.push(Records::new(0x55)).unwrap();
//! let at = Duration::from_secs;
//!
//! // Whoever drives a stack asks when it wants to be called, and tells it the time.
//! assert_eq!(a.deadline(), Some(at(30)));
//! a.advance(at(30));
//! assert_eq!(a.outgoing(), ALIVE.to_be_bytes());
//! carry(&mut a, &mut b);
//! assert!(b.readable().is_empty());
//!
//! // A record puts it off.
//! a.advance(at(40));
//! a.write(b"hello").unwrap();
//! carry(&mut a, &mut b);
//! assert_eq!(b.readable(), b"hello");
//! assert_eq!(a.deadline(), Some(at(70)));
//! ```
//!
//! # What the contract promises
//!
//! - A node has one time. [`wake_at`] sets it, another call moves it, `None` takes it back. It is
//!   forgotten when it has come, and when the node leaves.
//! - [`timed_out`] is called once it has come, never before. Under load it may come later, and a
//!   driver that was asleep calls once for it, not once for each 30 seconds that have passed.
//! - [`now`] counts from the connection's beginning. It is the time of the present turn: the time
//!   does not move while you are called.
//! - What you send in `timed_out` leaves like anything else that is sent.
//!
//! With a [`Connection`] time passes only while somebody awaits something of it: *nobody drives but
//! who awaits*. A read that waits is enough.
//!
//! # The mistake
//!
//! To take silence for death. "Nothing was received for 90 seconds" need not mean that the peer is
//! gone. While nobody drives the connection, or what has come fills the stack because the
//! application does not read, nothing is taken from the network, and you are offered nothing,
//! however much the peer says. Send by a clock; do not judge by one.
//!
//! To ask for [`now`] for the first time in `send`. While no node has asked, a driver need not look
//! at the clock when something is written, and you get the time of the turn before. So a layer that
//! wants to know the time of a write asks once in [`attached`], as this one does anyway.
//!
//! # The whole rule
//!
//! [`Context::wake_at`], [`Context::now`], [`Protocol::timed_out`]; for whoever drives,
//! [`Stack::advance`] and [`Stack::deadline`].
//!
//! **Next:** [step 6, answer the peer](super::step_06_answer). **Back:** [step 4, hold
//! back](super::step_04_stage).
//!
//! [`wake_at`]: crate::Context::wake_at
//! [`Context::wake_at`]: crate::Context::wake_at
//! [`now`]: crate::Context::now
//! [`Context::now`]: crate::Context::now
//! [`timed_out`]: crate::Protocol::timed_out
//! [`Protocol::timed_out`]: crate::Protocol::timed_out
//! [`attached`]: crate::Protocol::attached
//! [`Stack::advance`]: crate::Stack::advance
//! [`Stack::deadline`]: crate::Stack::deadline
//! [`Connection`]: crate::Connection
#![cfg_attr(not(feature = "tokio"), allow(rustdoc::broken_intra_doc_links))]
