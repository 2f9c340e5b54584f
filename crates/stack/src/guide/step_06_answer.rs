//! Step 6: answer the peer.
//!
//! Two layers talk with each other, also when their applications have nothing to say. Here the
//! peer's asks `HELLO`: is your layer there? This one answers `WELCOME`, from within [`received`].
//!
//! That looks like the place where bytes go up *and* down at once, and in many frameworks it is the
//! place where a callback is called while it still runs. Here you just send. **The same direction
//! is direct, the other is queued.** While bytes rise, what is delivered goes up by a call, and
//! what is sent waits until they have risen.
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
//! /// Is your layer there?
//! const HELLO: u16 = 0xfffc;
//! /// It is.
//! const WELCOME: u16 = 0xfffd;
//! # const ALIVE: u16 = 0xfffe;
//! # const IDLE: Duration = Duration::from_secs(30);
//! #
//! # struct Records {
//! #     key: u8,
//! #     staged: Vec<u8>,
//! # }
//! #
//! # impl Records {
//! #     fn new(key: u8) -> Self {
//! #         let staged = Vec::new();
//! #         Self { key, staged }
//! #     }
//! #
//! #     fn seal(&mut self, cx: &mut Context<'_>, n: usize) {
//! #         for bytes in self.staged[..n].chunks(FULL.into()) {
//! #             cx.send_with(HEADER + bytes.len(), |room| {
//! #                 let (header, body) = room.split_at_mut(HEADER);
//! #                 header.copy_from_slice(&(bytes.len() as u16).to_be_bytes());
//! #                 body.copy_from_slice(bytes);
//! #                 body.iter_mut().for_each(|byte| *byte ^= self.key);
//! #                 (room.len(), ())
//! #             });
//! #             cx.wake_at(Some(cx.now() + IDLE));
//! #         }
//! #         self.staged.drain(..n);
//! #     }
//! # }
//!
//! impl Protocol for Records {
//! #     fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
//! #         cx.wake_at(Some(cx.now() + IDLE));
//! #         Ok(Readiness::Up)
//! #     }
//! #
//!     fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
//!         let mut taken = 0;
//!         while let Some((header, rest)) = bytes[taken..].split_first_chunk_mut() {
//!             match u16::from_be_bytes(*header) {
//!                 // … as before, and:
//! #                 len @ 1..=FULL => {
//! #                     let Some(body) = rest.get_mut(..len.into()) else {
//! #                         break;
//! #                     };
//! #                     body.iter_mut().for_each(|byte| *byte ^= self.key);
//! #                     cx.deliver(body);
//! #                     taken += body.len();
//! #                 }
//!                 HELLO => cx.send(&WELCOME.to_be_bytes()),
//! #                 ALIVE => {}
//! #                 _ => return Err(Error::remote("no record is that long")),
//!             }
//!             taken += HEADER;
//!         }
//!         Ok(taken)
//!     }
//! #
//! #     fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
//! #         cx.send(&ALIVE.to_be_bytes());
//! #         cx.wake_at(Some(cx.now() + IDLE));
//! #         Ok(())
//! #     }
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
//! # fn record(bytes: &[u8]) -> Vec<u8> {
//! #     let mut record = (bytes.len() as u16).to_be_bytes().to_vec();
//! #     record.extend(bytes.iter().map(|byte| byte ^ 0x55));
//! #     record
//! # }
//!
//! /// An application that answers, too: it says what it hears.
//! struct Echo;
//!
//! impl Protocol for Echo {
//!     fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
//!         cx.send(&*bytes);
//!         Ok(bytes.len())
//!     }
//! }
//!
//! let mut stack = Stack::with_app(Box::new(Echo), Limits::default());
//! stack.push(Records::new(0x55)).unwrap();
//!
//! // A record, and behind it a hello, in one piece.
//! let mut wire = [record(b"hi"), HELLO.to_be_bytes().to_vec()].concat();
//! stack.receive(&mut wire);
//! // The application was called first. But it stands above the layer, and what it says is staged.
//! assert_eq!(stack.outgoing(), WELCOME.to_be_bytes());
//! stack.flush();
//! assert_eq!(stack.outgoing()[2..], record(b"hi"));
//! ```
//!
//! # What the contract promises
//!
//! - No method of a node is called while another of its methods runs. You never meet yourself
//!   half-way.
//! - What one node sends leaves in the order in which it sent it, wherever it was called.
//! - What is queued runs when the pass is over, before anything more is taken from the network.
//!   What a lower node asked for comes first: a layer's own answer precedes what the application
//!   answers to bytes of the same pass. That is the order in which a TLS handshake must speak, for
//!   instance.
//! - An application's answer is queued by the same rule. So what it sends in its `received` goes
//!   out through the layer when that has returned.
//!
//! # The mistake
//!
//! To wait for the answer. There is no way to wait inside a layer, and no need: note what you
//! expect, return, and look at it in the next call. The next step does that.
//!
//! To let the peer make you send without end. A peer that asks and does not read makes you hold the
//! answers. The last bound is [`Limits::budget`]. But a layer should have a nearer one, and the
//! next step makes a second `HELLO` an error.
//!
//! # The whole rule
//!
//! [`Context`], on the two directions, and on the order between several nodes.
//!
//! **Next:** [step 7, shake hands](super::step_07_greet). **Back:** [step 5, ask for
//! time](super::step_05_time).
//!
//! [`received`]: crate::Protocol::received
//! [`Context`]: crate::Context
//! [`Limits::budget`]: crate::Limits::budget
