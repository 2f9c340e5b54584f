//! Step 3: take whole records.
//!
//! Most protocols come in records, and the network knows nothing of them. The usual buffer that
//! puts the pieces together, a *reassembly buffer*, is where many bugs have been. Here it does not
//! exist: **return less than you were offered.** What you leave waits below you, in the stack, and
//! is offered again with more behind it.
//!
//! A record is a header of two bytes, which says how many bytes follow, and those bytes.
//!
//! ```
//! use stack::{Blame, Chunk, Context, Error, ErrorKind, Layer, Limits, Protocol, Stack, Transport};
//!
//! const HEADER: usize = 2;
//! const FULL: u16 = 4096;
//!
//! struct Records {
//!     key: u8,
//! }
//!
//! impl Protocol for Records {
//!     fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
//!         let mut taken = 0;
//!         while let Some((header, rest)) = bytes[taken..].split_first_chunk_mut() {
//!             let len @ 1..=FULL = u16::from_be_bytes(*header) else {
//!                 return Err(Error::remote("no record is that long"));
//!             };
//!             let Some(body) = rest.get_mut(..len.into()) else {
//!                 break;
//!             };
//!             body.iter_mut().for_each(|byte| *byte ^= self.key);
//!             cx.deliver(body);
//!             taken += HEADER + body.len();
//!         }
//!         Ok(taken)
//!     }
//! }
//!
//! impl Transport for Records {
//!     fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
//!         for bytes in chunk.as_slice().chunks(FULL.into()) {
//!             let mut record = (bytes.len() as u16).to_be_bytes().to_vec();
//!             record.extend(bytes.iter().map(|byte| byte ^ self.key));
//!             cx.send(&mut record);
//!         }
//!         Ok(())
//!     }
//! }
//!
//! impl Layer for Records {}
//!
//! /// What the input ended with.
//! fn error(stack: &Stack) -> (ErrorKind, Blame) {
//!     let end = stack.input_end().unwrap();
//!     let error = end.error().unwrap();
//!     (error.kind(), error.blame())
//! }
//!
//! /// These bytes as a record, as it looks on the wire.
//! fn record(bytes: &[u8]) -> Vec<u8> {
//!     let mut record = (bytes.len() as u16).to_be_bytes().to_vec();
//!     record.extend(bytes.iter().map(|byte| byte ^ 0x55));
//!     record
//! }
//!
//! let mut stack = Stack::new(Limits::default());
//! stack.push(Records { key: 0x55 }).unwrap();
//!
//! // Byte by byte: nothing rises before the record is whole.
//! let wire = record(b"hello");
//! for byte in &wire[..6] {
//!     stack.receive(&mut [*byte]);
//!     assert!(stack.readable().is_empty());
//! }
//! // The last byte, a whole record, and a part of a third, all at once.
//! let mut rest = [&wire[6..], &record(b" world"), &wire[..3]].concat();
//! stack.receive(&mut rest);
//! assert_eq!(stack.readable(), b"hello world");
//!
//! // The part stays below. If the input ends there, it was cut off.
//! stack.consume(11);
//! stack.receive_end();
//! assert_eq!(error(&stack), (ErrorKind::Truncated, Blame::Remote));
//!
//! // A length that no record has.
//! let mut stack = Stack::new(Limits::default());
//! stack.push(Records { key: 0x55 }).unwrap();
//! stack.receive(&mut [0xff, 0xff]);
//! assert_eq!(error(&stack), (ErrorKind::Protocol, Blame::Remote));
//!
//! // A record that is larger than what may wait below a layer.
//! let mut limits = Limits::default();
//! limits.boundary = 100;
//! let mut stack = Stack::new(limits);
//! stack.push(Records { key: 0x55 }).unwrap();
//! stack.receive(&mut record(&[b'x'; 300])[..200]);
//! assert_eq!(error(&stack), (ErrorKind::Limit, Blame::Remote));
//! ```
//!
//! # What the contract promises
//!
//! - Bytes that you have not taken are offered again, from the first of them on, when more have
//!   come or when there is room above again.
//! - A record that you want whole may have at most [`Limits::boundary`] bytes, its header included
//!   (64 KiB if nobody says otherwise). A larger one ends the connection, with an error that says
//!   so; it does not hang. If your protocol's records are larger, take them piece by piece, and
//!   keep count.
//! - If the input ends while you have left bytes, though you could have taken them, the end is a
//!   truncated one. You need not look for that.
//! - Exactly the bytes that you took are yours. So a record of another layer may stand right behind
//!   yours, in the same read.
//!
//! This layer delivers fewer bytes than it takes. One that makes *more*, as a codec does, asks
//! [`Context::wanted`] before each block, and stops when that says no. The stack calls it again
//! when there is room. And one that must get nothing more for a while, for a reason of its own,
//! says [`Context::pause`].
//!
//! # The mistake
//!
//! To keep the pieces in a `Vec` of your own, and to return `bytes.len()`. It works, until the
//! layer is popped: bytes that belong to whoever comes next are inside you, and lost.
//!
//! To believe the length. Look at it *before* you wait for that many bytes, as the first `else`
//! does. Else a peer makes you wait for what never comes.
//!
//! To take nothing of a whole record, without having asked `wanted`. The stack must think that you
//! need more, and offers it again only when more has come. To take one record a call, though others
//! are there, is only slow: where something was taken, the rest is offered again at once.
//!
//! # The whole rule
//!
//! [`Protocol::received`], [`Limits::boundary`], [`Context::wanted`].
//!
//! **Next:** [step 4, hold back](super::step_04_stage). **Back:** [step 2, change
//! bytes](super::step_02_change).
//!
//! [`Protocol::received`]: crate::Protocol::received
//! [`Limits::boundary`]: crate::Limits::boundary
//! [`Context::wanted`]: crate::Context::wanted
//! [`Context::pause`]: crate::Context::pause
