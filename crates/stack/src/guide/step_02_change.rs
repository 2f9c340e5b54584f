//! Step 2: change bytes, both ways.
//!
//! From here on one layer grows, `Records`. At first it only changes each byte by a key. That is no
//! cryptography. But a byte that went around the layer can be told from one that went through it,
//! and this is what a test of a layer wants to know.
//!
//! A layer has two faces. To what stands below it, it is a [`Protocol`]: bytes that arrive are
//! handed to [`received`]. To what stands above it, it is a [`Transport`]: bytes that leave are
//! handed to [`send`]. Both hand on what they made by the [`Context`].
//!
//! ```
//! use stack::{Chunk, Context, Error, Layer, Limits, Protocol, Stack, Transport};
//!
//! # // counted from here
//! struct Records {
//!     key: u8,
//! }
//!
//! impl Protocol for Records {
//!     fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
//!         bytes.iter_mut().for_each(|byte| *byte ^= self.key);
//!         cx.deliver(bytes);
//!         Ok(bytes.len())
//!     }
//! }
//!
//! impl Transport for Records {
//!     fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
//!         let mut bytes = chunk.as_slice().to_vec();
//!         bytes.iter_mut().for_each(|byte| *byte ^= self.key);
//!         cx.send(&mut bytes);
//!         Ok(())
//!     }
//! }
//!
//! impl Layer for Records {}
//! # // counted to here
//!
//! /// Flushes one end, and carries what leaves it to the other.
//! fn carry(from: &mut Stack, to: &mut Stack) {
//!     from.flush();
//!     let mut bytes = from.outgoing().to_vec();
//!     from.sent(bytes.len());
//!     to.receive(&mut bytes);
//! }
//!
//! let (mut a, mut b) = (Stack::new(Limits::default()), Stack::new(Limits::default()));
//! a.push(Records { key: 0x55 }).unwrap();
//! let pushed = b.push(Records { key: 0x55 }).unwrap();
//!
//! a.write(b"hello").unwrap();
//! assert_eq!(a.outgoing(), [0x3d, 0x30, 0x39, 0x39, 0x3a]);
//! carry(&mut a, &mut b);
//! assert_eq!(b.readable(), b"hello");
//!
//! // It has no end mark. So where its bytes end can be told only while nothing is under way.
//! assert!(b.start_pop(pushed).is_err());
//! b.consume(5);
//! assert!(b.start_pop(pushed).is_ok());
//! ```
//!
//! # What the contract promises
//!
//! - Rising bytes are *lent*, as `&mut [u8]`: you may change them where they lie, and no copy is
//!   made. They belong to the stack again when `received` returns.
//! - You return how many bytes you took, from the first on. Here that is all.
//! - [`deliver`] and [`Context::send`] take all that they are given. What the layer above does not
//!   take, or the socket, waits in the stack, within its [bounds](crate::Limits).
//! - A sinking [`Chunk`] is always taken whole, so `send` returns no number. Its bytes are either
//!   *lent*, and then only to be read, or *owned*: whoever passes them on needs them no more. Where
//!   [`owned_mut`] gives them, they can be changed in place, and the copy above is spared.
//! - All else has a default: the layer is called after its type, may stand anywhere
//!   ([`Role::Free`]), is up at once, stages nothing, and can be popped in silence
//!   ([`Exit::Silent`]).
//!
//! # The mistake
//!
//! To change bytes and then return less than was changed. What you do not take is offered again,
//! and would be changed twice. Change exactly what you take.
//!
//! To take a layer without an end mark for one that can be popped at any time. The stack cannot
//! know which byte is the first one behind the layer, and refuses the pop rather than guess. [Step
//! 8](super::step_08_end) mends that.
//!
//! # The whole rule
//!
//! [`Protocol::received`], [`Transport::send`], [`Chunk`], [`Exit`].
//!
//! **Next:** [step 3, whole records](super::step_03_records). **Back:** [step 1,
//! watch](super::step_01_watch).
//!
//! [`Protocol`]: crate::Protocol
//! [`Protocol::received`]: crate::Protocol::received
//! [`received`]: crate::Protocol::received
//! [`Transport`]: crate::Transport
//! [`Transport::send`]: crate::Transport::send
//! [`send`]: crate::Transport::send
//! [`Context`]: crate::Context
//! [`Context::send`]: crate::Context::send
//! [`deliver`]: crate::Context::deliver
//! [`Chunk`]: crate::Chunk
//! [`owned_mut`]: crate::Chunk::owned_mut
//! [`Role::Free`]: crate::Role::Free
//! [`Exit`]: crate::Exit
//! [`Exit::Silent`]: crate::Exit::Silent
