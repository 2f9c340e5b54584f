//! Step 10: tell what you know.
//!
//! A TLS layer knows the version, the cipher and the peer's certificate; a codec knows its ratio.
//! The application wants to read that while the layer stands in the stack, perhaps with three
//! others above it. So a layer *tells* values, and each is asked for by its type.
//!
//! ```
//! use std::any::{Any, TypeId};
//! # use std::time::Duration;
//! #
//! # use stack::{
//! #     Chunk, Context, Error, Exit, Layer, Limits, Protocol, Readiness, Stack, Standing, Transport,
//! # };
//! #
//! # // the layer from here
//! # const HEADER: usize = 2;
//! # const FULL: u16 = 4096;
//! # const END: u16 = 0;
//! # const HELLO: u16 = 0xfffc;
//! # const WELCOME: u16 = 0xfffd;
//! # const ALIVE: u16 = 0xfffe;
//! # const ALERT: u16 = 0xffff;
//! # const IDLE: Duration = Duration::from_secs(30);
//! #
//! # struct Records {
//! #     key: u8,
//! #     life: Life,
//! #     staged: Vec<u8>,
//! #     info: RecordsInfo,
//! # }
//! #
//! # #[derive(Clone, Copy, Debug, PartialEq)]
//! # enum Life {
//! #     New,
//! #     Greeted,
//! #     Up,
//! # }
//!
//! /// How many records of bytes went each way.
//! #[derive(Default)]
//! struct RecordsInfo {
//!     received: u64,
//!     sent: u64,
//! }
//! #
//! impl Records {
//! #     fn new(key: u8) -> Self {
//! #         Self {
//! #             key,
//! #             life: Life::New,
//! #             staged: Vec::new(),
//! #             info: RecordsInfo::default(),
//! #         }
//! #     }
//! #
//!     fn seal(&mut self, cx: &mut Context<'_>, n: usize) {
//! #         let n = if self.life == Life::Up { n } else { 0 };
//!         for bytes in self.staged[..n].chunks(FULL.into()) {
//!             // … the record, and then:
//! #             cx.send_with(HEADER + bytes.len(), |room| {
//! #                 let (header, body) = room.split_at_mut(HEADER);
//! #                 header.copy_from_slice(&(bytes.len() as u16).to_be_bytes());
//! #                 body.copy_from_slice(bytes);
//! #                 body.iter_mut().for_each(|byte| *byte ^= self.key);
//! #                 (room.len(), ())
//! #             });
//! #             cx.wake_at(Some(cx.now() + IDLE));
//!             self.info.sent += 1;
//!         }
//! #         self.staged.drain(..n);
//! #         cx.hold_back(self.staged.len() > FULL.into());
//!     }
//! }
//!
//! impl Protocol for Records {
//! #     fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
//! #         *self = Self::new(self.key);
//! #         cx.send(&HELLO.to_be_bytes());
//! #         cx.wake_at(Some(cx.now() + IDLE));
//! #         Ok(Readiness::Handshaking)
//! #     }
//! #
//!     fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
//! #         let mut taken = 0;
//!         while let Some((header, rest)) = bytes[taken..].split_first_chunk_mut() {
//!             match (u16::from_be_bytes(*header), self.life) {
//!                 // … as before, and for a record of bytes:
//! #                 (len @ 1..=FULL, Life::Up) => {
//! #                     let Some(body) = rest.get_mut(..len.into()) else {
//! #                         break;
//! #                     };
//! #                     body.iter_mut().for_each(|byte| *byte ^= self.key);
//! #                     cx.deliver(body);
//! #                     taken += body.len();
//!                     self.info.received += 1;
//! #                 }
//! #                 (END, Life::Up) => {
//! #                     cx.end_mark();
//! #                     return Ok(taken + HEADER);
//! #                 }
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
//! #                 (ALERT, _) => return Err(Error::remote("the peer did not understand us")),
//! #                 (word, life) => {
//! #                     cx.send(&ALERT.to_be_bytes());
//! #                     return Err(Error::remote(format!("{word:#06x} while {life:?}")));
//! #                 }
//!             }
//! #             taken += HEADER;
//!         }
//! #         Ok(taken)
//!     }
//! #
//! #     fn end_received(&mut self, _: &mut Context<'_>) -> Result<(), Error> {
//! #         Err(Error::truncated("the input ends without an end mark"))
//! #     }
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
//! #
//! #     fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
//! #         self.flush(cx)?;
//! #         cx.send(&END.to_be_bytes());
//! #         cx.wake_at(None);
//! #         Ok(())
//! #     }
//! # }
//!
//! impl Layer for Records {
//! #     fn exit(&self) -> Exit {
//! #         Exit::Marked
//! #     }
//! #
//! #     fn held(&self) -> usize {
//! #         self.staged.len()
//! #     }
//! #
//!     fn info(&self, wanted: TypeId) -> Option<&dyn Any> {
//!         (wanted == TypeId::of::<RecordsInfo>()).then_some(&self.info as &dyn Any)
//!     }
//! }
//! # // the layer to here
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
//! for _ in 0..2 {
//!     carry(&mut a, &mut b);
//!     carry(&mut b, &mut a);
//! }
//! a.write(&vec![b'x'; 5000]).unwrap();
//! carry(&mut a, &mut b);
//!
//! assert_eq!(a.info::<RecordsInfo>().unwrap().sent, 2);
//! assert_eq!(b.info::<RecordsInfo>().unwrap().received, 2);
//! // Nobody here tells a `String`.
//! assert!(a.info::<String>().is_none());
//! ```
//!
//! # What the contract promises
//!
//! - [`Stack::info`] asks the topmost layer first, then those below it, and last the network, which
//!   may have something to tell too ([`Stack::set_network_info`]). So above TLS within TLS the
//!   inner session answers.
//! - You are asked for one type and give a reference to a value of just that type, or `None`. A
//!   value of another type counts as `None`.
//! - A popped layer is given back as what it was, so its fields can be read then, without any of
//!   this.
//!
//! # The mistake
//!
//! To tell a type of somebody else, a `u64` or a `SocketAddr`. Whoever asks gets the topmost
//! answer, and cannot know what it means. Tell a type of your own, and make it public.
//!
//! To tell something before it is true. TLS tells its parameters when the handshake is over, and
//! `None` before.
//!
//! # The whole rule
//!
//! [`Layer::info`], [`Stack::info`]. [`Layer::name`] is the other thing that a layer says of
//! itself: it is shown where the stack is drawn, and on errors.
//!
//! **Next:** [step 11, test it](super::step_11_test). **Back:** [step 9,
//! fail](super::step_09_fail).
//!
//! [`Layer::info`]: crate::Layer::info
//! [`Layer::name`]: crate::Layer::name
//! [`Stack::info`]: crate::Stack::info
//! [`Stack::set_network_info`]: crate::Stack::set_network_info
