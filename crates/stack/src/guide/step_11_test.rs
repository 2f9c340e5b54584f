//! Step 11: test it.
//!
//! A layer is a function of the calls that it gets. It has no socket and no clock, so a test can
//! play any network and any time. And there are many: each cut of the bytes, each moment of a push
//! and a pop, each place where an end may stand. Nobody writes these by hand. The testing kit plays
//! them, and that is one line.
//!
//! Here is the layer of [step 3](super::step_03_records), once as it is, and once with a mistake: it
//! decodes the body of a record that has not come whole yet, and is offered it again.
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use stack::testing::{Check, Rule, check};
//! # use stack::{Chunk, Context, Error, Layer, Protocol, Transport};
//! #
//! # const HEADER: usize = 2;
//! # const FULL: u16 = 4096;
//!
//! struct Records {
//!     key: u8,
//!     hasty: bool,
//! }
//!
//! impl Protocol for Records {
//!     fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
//!         let mut taken = 0;
//!         while let Some((header, rest)) = bytes[taken..].split_first_chunk_mut() {
//!             let len @ 1..=FULL = u16::from_be_bytes(*header) else {
//!                 return Err(Error::remote("no record is that long"));
//!             };
//!             if self.hasty {
//!                 let come = rest.iter_mut().take(len.into());
//!                 come.for_each(|byte| *byte ^= self.key);
//!             }
//!             let Some(body) = rest.get_mut(..len.into()) else {
//!                 break;
//!             };
//!             if !self.hasty {
//!                 body.iter_mut().for_each(|byte| *byte ^= self.key);
//!             }
//!             cx.deliver(body);
//!             taken += HEADER + body.len();
//!         }
//!         Ok(taken)
//!     }
//! }
//! #
//! # impl Transport for Records {
//! #     fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
//! #         for bytes in chunk.as_slice().chunks(FULL.into()) {
//! #             let mut record = (bytes.len() as u16).to_be_bytes().to_vec();
//! #             record.extend(bytes.iter().map(|byte| byte ^ self.key));
//! #             cx.send(&mut record);
//! #         }
//! #         Ok(())
//! #     }
//! # }
//! #
//! # impl Layer for Records {}
//!
//! let (key, hasty) = (0x55, true);
//! check(|_| Records { key, hasty: false });
//!
//! // `check` would panic with the failure. `Check` gives it back.
//! let failure = Check::new(|_| Records { key, hasty }).run().unwrap_err();
//! assert_eq!(failure.rule(), Rule::Untaken);
//! println!("{failure}");
//! ```
//!
//! What it prints begins so:
//!
//! ```text
//! the rule Untaken is broken: what a layer does not take it leaves as it is
//!
//! trial "input cut at every byte": B: layer Records: it changed bytes that it did not take
//! ```
//!
//! and goes on with the shortest life that shows it: how many bytes each side writes, what is
//! pushed, and at which byte the input is cut.
//!
//! # What is played
//!
//! [`check`] makes your layer twice, one for each end of a connection. What an application writes at
//! the one end, another must read at the other. Where the ends differ, the closure is told which is
//! the client: `check(|order| if order.client { … } else { … })`.
//!
//! First come small lives, each of which shows one rule: both just write and read; one half ends
//! early; the end comes without a flush; the input is cut at each of its bytes; the layer is pushed
//! and popped at each byte, popped and pushed again; the ways are narrow and the readers slow; much
//! is written and nobody flushes, much is there and nobody reads; the input ends at each byte; the
//! peer is silent; time passes; bytes on the wire are changed, or noise; every future of both
//! applications is dropped at every poll. Then come hundreds of random lives, of your layer alone and
//! among others. (Who looks for a script: a *segment* is what both write between two changes of the
//! stack.)
//!
//! Each rule has a name, and [`Rule`] lists them with the place where each is said. A rule of
//! speed is for you to set: how many allocations a chunk may cost ([`Check::allocations`]).
//!
//! # What to test by hand
//!
//! What your layer *means* only you know. Those tests are short, as the ones in this guide are: two
//! [`Stack`]s, and a function that carries. A layer of records, for instance, wants these:
//!
//! - **Each wrong word**: in each state of the life, each word that does not belong there. What was
//!   good before it is read, the error blames the peer, the alert leaves.
//! - **What a hostile peer may send**: much of what costs little, and never a reader at its other
//!   end. Look at [`held`](crate::LayerView::held), not only at the result.
//! - **Bytes that were not made by the layer**, as the `record` function of this guide makes them.
//!
//! # The mistake
//!
//! To test the layer against itself only. Both ends then share a misunderstanding: a kit that plays
//! your layer against your layer is content with any code that undoes itself. That is why the last
//! line above stands there.
//!
//! To test over a socket first. A socket on the same machine hardly ever cuts a record, so that
//! test passes.
//!
//! # The whole rule
//!
//! The module `testing`, with the feature of that name; CONTRIBUTING.md, "Add a layer".
//!
//! **Next:** [step 12, push it live](super::step_12_live). **Back:** [step 10,
//! tell](super::step_10_tell).
//!
//! [`Stack`]: crate::Stack
#![cfg_attr(feature = "testing", doc = "[`check`]: crate::testing::check()")]
#![cfg_attr(
    feature = "testing",
    doc = "[`Check::allocations`]: crate::testing::Check::allocations"
)]
#![cfg_attr(feature = "testing", doc = "[`Rule`]: crate::testing::Rule")]
#![cfg_attr(not(feature = "testing"), doc = "[`check`]: super::step_11_test")]
#![cfg_attr(
    not(feature = "testing"),
    doc = "[`Check::allocations`]: super::step_11_test"
)]
#![cfg_attr(not(feature = "testing"), doc = "[`Rule`]: super::step_11_test")]
