//! Step 4: hold back, until a flush.
//!
//! An application writes a line at a time, or a byte. A record for each would be mostly headers. So
//! the layer *stages* what is written, sends full records at once, and the rest when it is told to:
//! at a **flush**.
//!
//! ```
//! # use stack::{Chunk, Context, Error, Layer, Limits, Protocol, Stack, Transport};
//! #
//! # const HEADER: usize = 2;
//! # const FULL: u16 = 4096;
//! #
//! struct Records {
//!     key: u8,
//!     staged: Vec<u8>,
//! }
//!
//! impl Records {
//! #     fn new(key: u8) -> Self {
//! #         let staged = Vec::new();
//! #         Self { key, staged }
//! #     }
//! #
//!     /// Sends the first `n` of the staged bytes, in records.
//!     fn seal(&mut self, cx: &mut Context<'_>, n: usize) {
//!         for bytes in self.staged[..n].chunks(FULL.into()) {
//!             cx.send_with(HEADER + bytes.len(), |room| {
//!                 let (header, body) = room.split_at_mut(HEADER);
//!                 header.copy_from_slice(&(bytes.len() as u16).to_be_bytes());
//!                 body.copy_from_slice(bytes);
//!                 body.iter_mut().for_each(|byte| *byte ^= self.key);
//!                 (room.len(), ())
//!             });
//!         }
//!         self.staged.drain(..n);
//!     }
//! }
//! #
//! # impl Protocol for Records {
//! #     fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
//! #         let mut taken = 0;
//! #         while let Some((header, rest)) = bytes[taken..].split_first_chunk_mut() {
//! #             let len @ 1..=FULL = u16::from_be_bytes(*header) else {
//! #                 return Err(Error::remote("no record is that long"));
//! #             };
//! #             let Some(body) = rest.get_mut(..len.into()) else {
//! #                 break;
//! #             };
//! #             body.iter_mut().for_each(|byte| *byte ^= self.key);
//! #             cx.deliver(body);
//! #             taken += HEADER + body.len();
//! #         }
//! #         Ok(taken)
//! #     }
//! # }
//!
//! impl Transport for Records {
//!     fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
//!         self.staged.extend_from_slice(chunk.as_slice());
//!         let full = self.staged.len() / usize::from(FULL) * usize::from(FULL);
//!         self.seal(cx, full);
//!         Ok(())
//!     }
//!
//!     fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
//!         self.seal(cx, self.staged.len());
//!         Ok(())
//!     }
//! }
//!
//! impl Layer for Records {
//!     fn held(&self) -> usize {
//!         self.staged.len()
//!     }
//! }
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
//!
//! // A hundred writes, one record.
//! for _ in 0..100 {
//!     a.write(b"x").unwrap();
//! }
//! assert!(a.outgoing().is_empty());
//! assert_eq!(a.layers().next().unwrap().held(), 100);
//! a.flush();
//! assert_eq!(a.outgoing(), record(&[b'x'; 100]));
//!
//! // What fills a record does not wait.
//! a.write(&vec![b'y'; 5000]).unwrap();
//! assert_eq!(a.layers().next().unwrap().held(), 904);
//! carry(&mut a, &mut b);
//! assert_eq!(b.readable().len(), 5100);
//! ```
//!
//! [`send_with`] is [`Context::send`] without a buffer of your own: the bytes are made in the place
//! where they wait for the socket, if this layer is the lowest.
//!
//! # What the contract promises
//!
//! - The stack flushes from the top down. When [`flush`] is called, all that the layers above had
//!   staged has come to you already; the layers below are flushed after you. So send what you have,
//!   and call nobody.
//! - It is called when the application flushes, and also when it is about to wait, for input or for
//!   room. So a request that was written and not flushed cannot deadlock. It is called before a
//!   layer below leaves, too; and not if nothing was sent since the last time.
//! - What [`held`] says counts against [`Limits::budget`], and is shown where the stack is drawn.
//! - Where those below want writing to pause, [`writable`] tells you. A layer that makes bytes of
//!   its own, unasked, heeds it. One that hands on what the application writes need not: the
//!   application is paused, too.
//! - The default [`finish`] flushes. So what is staged is not lost when the layer is popped or the
//!   connection shut down.
//!
//! # The mistake
//!
//! To keep back something after `flush`, because the record is not full. Then the peer waits for
//! bytes that you hold, and you for its answer.
//!
//! To stage without a bound. This stage is emptied whenever it holds a record, so it needs no more.
//! One that *cannot* be emptied for a while says [`hold_back`], so that writing pauses: [step
//! 7](super::step_07_greet) is such a case.
//!
//! To forget `held`. Nothing fails at once; only the bound is not kept, and whoever looks for lost
//! bytes looks in vain.
//!
//! # The whole rule
//!
//! [`Transport`], on *flush*, *finish* and *shutdown*; [`Context::hold_back`], [`Layer::held`].
//!
//! **Next:** [step 5, ask for time](super::step_05_time). **Back:** [step 3, whole
//! records](super::step_03_records).
//!
//! [`Transport`]: crate::Transport
//! [`Context::send`]: crate::Context::send
//! [`send_with`]: crate::Context::send_with
//! [`flush`]: crate::Transport::flush
//! [`finish`]: crate::Transport::finish
//! [`writable`]: crate::Protocol::writable
//! [`held`]: crate::Layer::held
//! [`Layer::held`]: crate::Layer::held
//! [`hold_back`]: crate::Context::hold_back
//! [`Context::hold_back`]: crate::Context::hold_back
//! [`Limits::budget`]: crate::Limits::budget
