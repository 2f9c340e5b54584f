//! Step 9: fail well.
//!
//! What arrives comes from a stranger. Some of it will be wrong, and then three want to know: the
//! peer, why its connection ends; the application, what it may still believe; and whoever reads the
//! log, whose fault it was.
//!
//! ```
//! # use std::time::Duration;
//! #
//! # use stack::{
//! #     Blame, Chunk, Context, Error, ErrorKind, Exit, Layer, Limits, Protocol, Readiness, Stack,
//! #     Standing, Transport,
//! # };
//! #
//! # const HEADER: usize = 2;
//! # const FULL: u16 = 4096;
//! # const END: u16 = 0;
//! # const HELLO: u16 = 0xfffc;
//! # const WELCOME: u16 = 0xfffd;
//! # const ALIVE: u16 = 0xfffe;
//! /// I do not understand you.
//! const ALERT: u16 = 0xffff;
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
//! #     fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
//! #         *self = Self::new(self.key);
//! #         cx.send(&HELLO.to_be_bytes());
//! #         cx.wake_at(Some(cx.now() + IDLE));
//! #         Ok(Readiness::Handshaking)
//! #     }
//! #
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
//!                 (ALERT, _) => return Err(Error::remote("the peer did not understand us")),
//!                 (word, life) => {
//!                     cx.send(&ALERT.to_be_bytes());
//!                     return Err(Error::remote(format!("{word:#06x} while {life:?}")));
//!                 }
//!             }
//!             taken += HEADER;
//!         }
//!         Ok(taken)
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
//! #
//! # impl Layer for Records {
//! #     fn exit(&self) -> Exit {
//! #         Exit::Marked
//! #     }
//! #
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
//! #
//! # fn record(bytes: &[u8]) -> Vec<u8> {
//! #     let mut record = (bytes.len() as u16).to_be_bytes().to_vec();
//! #     record.extend(bytes.iter().map(|byte| byte ^ 0x55));
//! #     record
//! # }
//!
//! let (mut a, mut b) = (Stack::new(Limits::default()), Stack::new(Limits::default()));
//! a.push(Records::new(0x55)).unwrap();
//! b.push(Records::new(0x55)).unwrap();
//! for _ in 0..2 {
//!     carry(&mut a, &mut b);
//!     carry(&mut b, &mut a);
//! }
//!
//! // A good record, one that is none, and a good one behind it.
//! let mut wire = [record(b"good"), vec![0x77, 0x77], record(b"too late")].concat();
//! b.receive(&mut wire);
//!
//! // What was decoded before stands, and is read before the error. What follows is never read.
//! assert_eq!(b.readable(), b"good");
//! assert!(b.input_end().is_none());
//! b.consume(4);
//! let end = b.input_end().unwrap();
//! let error = end.error().unwrap();
//! assert_eq!(error.kind(), ErrorKind::Protocol);
//! assert_eq!(error.blame(), Blame::Remote);
//! assert_eq!(error.to_string(), "Records: 0x7777 while Up");
//!
//! // Writing is over as well. But the alert still leaves, and the peer learns of it.
//! assert!(b.write(b"more").is_err());
//! assert_eq!(b.outgoing(), ALERT.to_be_bytes());
//! carry(&mut b, &mut a);
//! assert!(a.input_end().unwrap().error().is_some());
//! ```
//!
//! # What the contract promises
//!
//! - An error from any method of a layer but `attached` ends the connection, in both directions. It
//!   meets the reader and the writer; every node is told of it by `lost` when the connection is
//!   over.
//! - All that was delivered before it still rises. Nothing else does, not from the same call and
//!   not from later ones: the layer, and all below it, receive nothing more.
//! - What was sent before it, an alert for instance, is still handed to the network, through the
//!   layers below.
//! - The stack writes the layer's name on the error.
//!
//! # Whose fault
//!
//! | constructor | when | [`Blame`] |
//! |---|---|---|
//! | [`Error::remote`] | the peer sent what the protocol does not allow | `Remote` |
//! | [`Error::truncated`] | the peer ended too early | `Remote` |
//! | [`Error::local`] | the application, or this layer's configuration, asks for what cannot be | `Local` |
//! | [`Error::new`] | any other kind, such as [`ErrorKind::Limit`] | yours to say |
//!
//! Where those who use the layer want to tell its errors apart, give them a type of yours:
//! `Error::remote("the record is damaged").with_source(Fault::Checksum)`. They find it by
//! `error.source()` and `downcast_ref`. Its text is appended to yours, so yours need not repeat it.
//!
//! # Bounds
//!
//! All that a peer can make you keep, or send, needs a bound, and going over it is an error of kind
//! [`ErrorKind::Limit`]. Go through the fields of your layer and ask for each how large a peer can
//! make it. In `Records`: `staged` is filled by our own application only, and `hold_back` and
//! [`Limits::budget`] bound it. A record that is under way waits in the stack, within
//! [`Limits::boundary`]. Each word that is answered is answered once.
//!
//! # The mistake
//!
//! To panic, or to `unwrap` what the peer said. A panic means a bug here; no peer's bytes may cause
//! one. That is why `received` uses `split_first_chunk_mut` and `get_mut`, and no index that comes
//! from the wire.
//!
//! To drop what was good. `deliver` before you fail, record by record, and not all at the end.
//!
//! To go on after an error. There is no *skip this record*: whoever does not understand a header
//! does not know where the next one begins.
//!
//! # The whole rule
//!
//! [`Protocol::received`], on errors; [`Error`], [`Blame`], [`ErrorKind`], [`Limits`].
//!
//! **Next:** [step 10, tell](super::step_10_tell). **Back:** [step 8, an end
//! mark](super::step_08_end).
//!
//! [`Protocol::received`]: crate::Protocol::received
//! [`Error`]: crate::Error
//! [`Error::new`]: crate::Error::new
//! [`Error::remote`]: crate::Error::remote
//! [`Error::local`]: crate::Error::local
//! [`Error::truncated`]: crate::Error::truncated
//! [`Blame`]: crate::Blame
//! [`ErrorKind`]: crate::ErrorKind
//! [`ErrorKind::Limit`]: crate::ErrorKind::Limit
//! [`Limits`]: crate::Limits
//! [`Limits::boundary`]: crate::Limits::boundary
//! [`Limits::budget`]: crate::Limits::budget
