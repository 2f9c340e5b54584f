//! Step 8: an end mark, so that it can be popped.
//!
//! In [step 2](super::step_02_change) the layer could leave only in silence. With a mark that says
//! *nothing more comes from this layer*, it can leave amid traffic, and the byte behind the mark is
//! the first one that is not its own. A record of length 0 is the mark.
//!
//! Each side has its half. [`finish`] ends ours, [`end_mark`] tells of the peer's. When both are
//! there, and the application has asked for the pop, the layer has left.
//!
//! ```
//! # use std::time::Duration;
//! #
//! # use stack::{
//! #     Chunk, Context, Error, Exit, Layer, Limits, Outcome, Popping, Protocol, Readiness, Stack,
//! #     Standing, Transport,
//! # };
//! #
//! # const HEADER: usize = 2;
//! # const FULL: u16 = 4096;
//! /// Nothing more comes from this side.
//! const END: u16 = 0;
//! # const HELLO: u16 = 0xfffc;
//! # const WELCOME: u16 = 0xfffd;
//! # const ALIVE: u16 = 0xfffe;
//! # const IDLE: Duration = Duration::from_secs(30);
//! #
//! # struct Records {
//! #     key: u8,
//! #     life: Life,
//! #     staged: Vec<u8>,
//! # }
//! #
//! # #[derive(Clone, Copy, Debug, PartialEq)]
//! # enum Life {
//! #     New,
//! #     Greeted,
//! #     Up,
//! # }
//! #
//! # impl Records {
//! #     fn new(key: u8) -> Self {
//! #         let (life, staged) = (Life::New, Vec::new());
//! #         Self { key, life, staged }
//! #     }
//! #
//! #     fn seal(&mut self, cx: &mut Context<'_>, n: usize) {
//! #         let n = if self.life == Life::Up { n } else { 0 };
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
//! #         cx.hold_back(self.staged.len() > FULL.into());
//! #     }
//! # }
//!
//! impl Protocol for Records {
//!     fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
//!         *self = Self::new(self.key);
//!         cx.send(&HELLO.to_be_bytes());
//!         cx.wake_at(Some(cx.now() + IDLE));
//!         Ok(Readiness::Handshaking)
//!     }
//!
//!     fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
//!         let mut taken = 0;
//!         while let Some((header, rest)) = bytes[taken..].split_first_chunk_mut() {
//!             match (u16::from_be_bytes(*header), self.life) {
//!                 // … as before, and:
//! #                 (len @ 1..=FULL, Life::Up) => {
//! #                     let Some(body) = rest.get_mut(..len.into()) else {
//! #                         break;
//! #                     };
//! #                     body.iter_mut().for_each(|byte| *byte ^= self.key);
//! #                     cx.deliver(body);
//! #                     taken += body.len();
//! #                 }
//!                 (END, Life::Up) => {
//!                     cx.end_mark();
//!                     return Ok(taken + HEADER);
//!                 }
//! #                 (HELLO, Life::New) => {
//! #                     cx.send(&WELCOME.to_be_bytes());
//! #                     self.life = Life::Greeted;
//! #                 }
//! #                 (WELCOME, Life::Greeted) => {
//! #                     self.life = Life::Up;
//! #                     cx.up();
//! #                     self.seal(cx, self.staged.len());
//! #                 }
//! #                 (ALIVE, _) => {}
//! #                 _ => return Err(Error::remote("no such record")),
//!             }
//!             taken += HEADER;
//!         }
//!         Ok(taken)
//!     }
//!
//!     fn end_received(&mut self, _: &mut Context<'_>) -> Result<(), Error> {
//!         Err(Error::truncated("the input ends without an end mark"))
//!     }
//! #
//! #     fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
//! #         cx.send(&ALIVE.to_be_bytes());
//! #         cx.wake_at(Some(cx.now() + IDLE));
//! #         Ok(())
//! #     }
//! }
//!
//! impl Transport for Records {
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
//! #
//!     fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
//!         self.flush(cx)?;
//!         cx.send(&END.to_be_bytes());
//!         cx.wake_at(None);
//!         Ok(())
//!     }
//! }
//!
//! impl Layer for Records {
//!     fn exit(&self) -> Exit {
//!         Exit::Marked
//!     }
//! #
//! #     fn held(&self) -> usize {
//! #         self.staged.len()
//! #     }
//! }
//! #
//! # fn carry(from: &mut Stack, to: &mut Stack) {
//! #     from.flush();
//! #     let mut bytes = from.outgoing().to_vec();
//! #     from.sent(bytes.len());
//! #     to.receive(&mut bytes);
//! # }
//!
//! let (mut a, mut b) = (Stack::new(Limits::default()), Stack::new(Limits::default()));
//! let on_a = a.push(Records::new(0x55)).unwrap();
//! let on_b = b.push(Records::new(0x55)).unwrap();
//! for _ in 0..2 {
//!     carry(&mut a, &mut b);
//!     carry(&mut b, &mut a);
//! }
//!
//! // One side pops. What it writes from now on goes past the layer, and all leaves in one piece.
//! a.write(b"last").unwrap();
//! a.start_pop(on_a).unwrap();
//! a.write(b"plain").unwrap();
//! carry(&mut a, &mut b);
//!
//! // The other side reads up to the mark. What follows it waits until the layer is popped here, too.
//! assert_eq!(b.readable(), b"last");
//! b.consume(4);
//! assert!(b.readable().is_empty());
//! assert_eq!(b.parked(), Some(on_b.key()));
//! b.start_pop(on_b).unwrap();
//! assert_eq!(b.readable(), b"plain");
//!
//! // On the first side the layer stands until the peer's mark is here; then it is given back.
//! assert!(matches!(a.popping(on_a), Popping::OutboundEnded { .. }));
//! carry(&mut b, &mut a);
//! let (records, outcome) = a.take_popped(on_a).unwrap();
//! assert_eq!(outcome, Outcome::Clean);
//!
//! // The same layer, pushed again; and an input that ends without a mark.
//! a.push(records).unwrap();
//! a.receive_end();
//! assert!(a.input_end().unwrap().is_truncated());
//! ```
//!
//! # What the contract promises
//!
//! - [`finish`] is called at most once, and not before the layer is up. What the layers above had
//!   staged has come down before. When it has returned, what is written goes past the layer, and
//!   the layer is mute: what it still sends is dropped.
//! - The layer goes on to decode until the peer's mark. Both halves are independent.
//! - [`end_mark`] says: my part ends behind the bytes that I am about to say I took. So return at
//!   once, with the mark counted in. `received` is not called again, nor is [`end_received`].
//! - The stack answers no mark by itself. If nobody here has asked for the pop, the layer is
//!   *parked*: reads see the end of input, and what follows waits. Popping the layer lets it
//!   through.
//! - The end of the network's input rises by itself. [`end_received`] tells you of it, and you say
//!   whether your protocol allows that.
//!
//! # The mistake
//!
//! To answer the peer's end mark with your own, in `received`. Then a peer ends your half while
//! your application still writes. `finish` is the only place for it.
//!
//! To look at what stands behind the mark. It is not yours, and it may well look like a record.
//!
//! To accept an end without a mark. Whoever can cut a connection could then cut off the end of a
//! message, and nobody would see it: with TLS this is called a truncation attack.
//! [`Error::truncated`] says it.
//!
//! To leave a clock running. A layer that has ended its half is mute, so there is nothing left to
//! send by it: `finish` takes the time back.
//!
//! To forget that a popped layer can be pushed again. It begins anew in [`attached`], here by the
//! first line; or it refuses there, as a TLS session does.
//!
//! # The whole rule
//!
//! [`Transport::finish`], [`Context::end_mark`], [`Exit`], [`Protocol::end_received`]; for whoever
//! pops, [`Stack::start_pop`] and [`Popping`].
//!
//! **Next:** [step 9, fail](super::step_09_fail). **Back:** [step 7, shake
//! hands](super::step_07_greet).
//!
//! [`finish`]: crate::Transport::finish
//! [`Transport::finish`]: crate::Transport::finish
//! [`end_mark`]: crate::Context::end_mark
//! [`Context::end_mark`]: crate::Context::end_mark
//! [`end_received`]: crate::Protocol::end_received
//! [`Protocol::end_received`]: crate::Protocol::end_received
//! [`attached`]: crate::Protocol::attached
//! [`Exit`]: crate::Exit
//! [`Error::truncated`]: crate::Error::truncated
//! [`Stack::start_pop`]: crate::Stack::start_pop
//! [`Popping`]: crate::Popping
