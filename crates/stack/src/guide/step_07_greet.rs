//! Step 7: shake hands first.
//!
//! A layer that must agree on something (keys, a version) is of no use before it has. Ours sends a
//! `HELLO` when it is attached, and works when the `WELCOME` has come. Until then nothing of the
//! application's may leave: the peer's layer may not stand yet.
//!
//! What a peer may say next is one `enum`, and each record is looked at together with it. So every
//! word at the wrong time is an error, and the second `HELLO` with it.
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
//! # const HELLO: u16 = 0xfffc;
//! # const WELCOME: u16 = 0xfffd;
//! # const ALIVE: u16 = 0xfffe;
//! # const IDLE: Duration = Duration::from_secs(30);
//! #
//! struct Records {
//!     key: u8,
//!     life: Life,
//!     staged: Vec<u8>,
//! }
//!
//! #[derive(Clone, Copy, Debug, PartialEq)]
//! enum Life {
//!     /// The peer's hello has not come.
//!     New,
//!     /// It has come, and was answered.
//!     Greeted,
//!     /// Ours was answered, too.
//!     Up,
//! }
//!
//! impl Records {
//! #     fn new(key: u8) -> Self {
//! #         let (life, staged) = (Life::New, Vec::new());
//! #         Self { key, life, staged }
//! #     }
//! #
//!     /// Sends the first `n` of the staged bytes, once the layer is up.
//!     fn seal(&mut self, cx: &mut Context<'_>, n: usize) {
//!         let n = if self.life == Life::Up { n } else { 0 };
//!         // … the records, and then:
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
//!         self.staged.drain(..n);
//!         cx.hold_back(self.staged.len() > FULL.into());
//!     }
//! }
//!
//! impl Protocol for Records {
//!     fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
//!         cx.send(&HELLO.to_be_bytes());
//!         cx.wake_at(Some(cx.now() + IDLE));
//!         Ok(Readiness::Handshaking)
//!     }
//!
//!     fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
//!         let mut taken = 0;
//!         while let Some((header, rest)) = bytes[taken..].split_first_chunk_mut() {
//!             match (u16::from_be_bytes(*header), self.life) {
//!                 (len @ 1..=FULL, Life::Up) => {
//!                     let Some(body) = rest.get_mut(..len.into()) else {
//!                         break;
//!                     };
//!                     body.iter_mut().for_each(|byte| *byte ^= self.key);
//!                     cx.deliver(body);
//!                     taken += body.len();
//!                 }
//!                 (HELLO, Life::New) => {
//!                     cx.send(&WELCOME.to_be_bytes());
//!                     self.life = Life::Greeted;
//!                 }
//!                 (WELCOME, Life::Greeted) => {
//!                     self.life = Life::Up;
//!                     cx.up();
//!                     self.seal(cx, self.staged.len());
//!                 }
//!                 (ALIVE, _) => {}
//!                 _ => return Err(Error::remote("no such record")),
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
//! # fn carry(from: &mut Stack, to: &mut Stack) {
//! #     from.flush();
//! #     let mut bytes = from.outgoing().to_vec();
//! #     from.sent(bytes.len());
//! #     to.receive(&mut bytes);
//! # }
//!
//! let (mut a, mut b) = (Stack::new(Limits::default()), Stack::new(Limits::default()));
//! a.push(Records::new(0x55)).unwrap();
//! a.write(&[b'x'; 5000]).unwrap();
//! a.flush();
//! assert_eq!(a.outgoing(), HELLO.to_be_bytes());
//! // It keeps what is written, and has enough of it.
//! assert!(!a.is_up() && !a.writable());
//!
//! // The peer pushes its layer a little later: the hello waits for it.
//! carry(&mut a, &mut b);
//! b.push(Records::new(0x55)).unwrap();
//! carry(&mut b, &mut a);
//! assert!(a.is_up() && a.writable());
//! carry(&mut a, &mut b);
//! assert!(b.is_up());
//! assert_eq!(b.readable().len(), 5000);
//! ```
//!
//! # What the contract promises
//!
//! - [`attached`] is called once, before any byte. What is sent there goes out behind all that was
//!   written before the push, and before all that is written after it.
//! - After [`Readiness::Handshaking`] the stack waits for [`up`]. An awaited push returns only
//!   then; a pop waits for it as well; [`finish`] is not called before it. If it takes longer than
//!   [`Limits::handshake`], the connection fails.
//! - A handshake is offered bytes even while the application has paused, or does not read.
//! - What you deliver behind `up` reaches an application of callbacks after it was told
//!   [`Event::Up`](crate::Event::Up), so that it can speak first.
//! - [`hold_back`]`(true)` makes writing pause; `false` lets it go on. A writer that is paused
//!   waits, and drives the handshake meanwhile.
//! - Bytes that came before the push are *residue*. They are fed to the layer here, which is the
//!   default, and right where the peer may push first. A layer whose peer may **not** speak before
//!   it has our answer, as with STARTTLS, says [`Residue::Reject`]. One whose peer speaks its
//!   language only when asked may leave them to the application: [`Residue::HandBack`].
//!
//! # Where the ends differ
//!
//! Most handshakes have a client, that asks, and a server. The client is up when the answer has come,
//! the server as soon as it has sent it. Two constructors, `client` and `server`, say which end a
//! layer is.
//!
//! A server that refuses sends why, and returns an error; the client, which learns it, returns one
//! too. Both connections are over. The client's `push` fails with
//! [`PushError::Begun`](crate::PushError::Begun), whose error is the layer's own: its source, if it
//! was made with [`with_source`](crate::Error::with_source), can be asked for by type.
//!
//! If the connection is to live on without the layer, both ends say `cx.up()` and then
//! `cx.end_mark()` ([step 8](super::step_08_end)), and both applications pop it. Who has neither taken
//! nor sent a byte may leave by [`Context::withdraw`]: then the push was refused, and what has come is
//! read as it is. TLS does so where its user has no certificate for whom the client asks for.
//!
//! A handshake that waits for more than bytes (a look-up, another task) tells a
//! [`Signal`](crate::Signal) by `info`, and raises it when it can go on.
//!
//! # The mistake
//!
//! To forget the promise of `flush` when the handshake ends. A flush that came during the handshake
//! could do nothing, and does not come again. So what is staged leaves with `up`: the `seal` behind
//! `cx.up()`.
//!
//! To refuse in [`attached`] what you cannot know there. An error from `attached` gives the layer
//! back, and the stack stands as before; an error after it ends the connection. Check your own
//! configuration there.
//!
//! # The whole rule
//!
//! [`Protocol::attached`], [`Readiness`], [`Context::up`], [`Context::hold_back`], [`Residue`].
//!
//! **Next:** [step 8, an end mark](super::step_08_end). **Back:** [step 6, answer the
//! peer](super::step_06_answer).
//!
//! [`attached`]: crate::Protocol::attached
//! [`Protocol::attached`]: crate::Protocol::attached
//! [`Readiness`]: crate::Readiness
//! [`Readiness::Handshaking`]: crate::Readiness::Handshaking
//! [`up`]: crate::Context::up
//! [`Context::up`]: crate::Context::up
//! [`Context::withdraw`]: crate::Context::withdraw
//! [`finish`]: crate::Transport::finish
//! [`Limits::handshake`]: crate::Limits::handshake
//! [`hold_back`]: crate::Context::hold_back
//! [`Context::hold_back`]: crate::Context::hold_back
//! [`Residue`]: crate::Residue
//! [`Residue::Reject`]: crate::Residue::Reject
//! [`Residue::HandBack`]: crate::Residue::HandBack
