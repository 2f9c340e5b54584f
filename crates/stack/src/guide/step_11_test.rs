//! Step 11: test it.
//!
//! A layer is a function of the calls that it gets. It has no socket and no clock, so a test can
//! play any network and any time. And there are many: each cut of the bytes, each moment of a push
//! and a pop, each place where an end may stand. Nobody writes these by hand. The testing kit plays
//! them.
//!
//! **TODO(testing kit): here stands the one call that does it.**
//!
//! It comes with the feature `testing`. From a seed it draws two stacks with your layer in both,
//! pushed, popped, inserted and replaced while both ends write and the network cuts, stalls and
//! breaks; and it looks at every byte. A life that fails is made smaller, and printed as a list
//! that you can read.
//!
//! # What to test by hand
//!
//! What your layer *means* only you know. Those tests are short, as the ones in this guide are: two
//! [`Stack`]s, and a function that carries. A layer of records, for instance, wants these:
//!
//! - **A byte at a time.** And cut at each place of a short dialogue, in two.
//! - **The end in every place**: within a header, within a record, between two, behind the mark.
//! - **Each wrong word**: in each state of the life, each word that does not belong there. What was
//!   good before it is read, the error blames the peer, the alert leaves.
//! - **Pushed and popped amid traffic.** Look at *which layers a byte crossed* ([`Stack::epoch`]),
//!   not only that it arrived: a plain byte that went around the layer still arrives.
//! - **What a hostile peer may send**: much of what costs little, and never a reader at its other
//!   end. Look at [`held`](crate::LayerView::held), not only at the result.
//! - **Pushed again** after a pop.
//!
//! # The mistake
//!
//! To test the layer against itself only. Both ends then share a misunderstanding. At least once,
//! compare with bytes that were not made by the layer, as the `record` function of this guide does
//! in small.
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
//! [`Stack::epoch`]: crate::Stack::epoch
