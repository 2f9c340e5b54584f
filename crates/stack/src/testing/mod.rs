//! A testing kit for authors of layers.
//!
//! To test a layer of your own is one line in your crate's tests, with this crate and its feature
//! `testing` among the `dev-dependencies`:
//!
//! ```
//! # use stack::{Context, Watch};
//! # struct MyLayer;
//! # impl Watch for MyLayer {}
//! stack::testing::check(|_| MyLayer);
//! ```
//!
//! [`check`](check()) plays conversations in which the layer stands at both ends, pushed and popped,
//! its input cut and its ways narrow; and if the layer breaks a [`Rule`] of the contract, it says
//! which, with the shortest conversation that shows it. [`Check`] has what can be set. The
//! [guide](crate#a-layer-of-your-own) shows both.
//!
//! # Simulations
//!
//! Its engine plays whole lives of two connected stacks. A *simulation* draws everything from one
//! number: a *plan*, which both peers follow (layers that
//! come and go, and how many bytes each peer writes between two changes), and a *script* of small
//! steps (an application reads three bytes, a socket takes five, time passes, a way breaks). It
//! plays the script on two [`Stack`](crate::Stack)s, then lets both do what they can, and looks all
//! the while for what must not be:
//!
//! - a byte that comes twice, not at all, or changed;
//! - a byte that crossed other layers than those that stood when it was written: by what the
//!   stacks say ([`Epoch`](crate::Epoch)), and by what a decoder that shares no code with them
//!   sees on the wire ([`Tap`]);
//! - a buffer over its bound, a count that does not add up;
//! - a layer that is called when it must not be, or breaks its own part of the contract;
//! - something that never comes to its end, or an end that is told wrongly.
//!
//! A simulation that fails is made smaller, and prints itself as a list.
//!
//! ```
//! use stack::testing::{Models, Simulation};
//!
//! let simulation = Simulation::new(&Models);
//! for seed in 0..20 {
//!     simulation.run(seed).unwrap();
//! }
//! ```
//!
//! To mix several kinds of layers of your own, or to give them decoders, implement [`Wares`].

mod app;
mod botch;
mod bounds;
mod campaign;
mod case;
mod change;
mod check;
mod drain;
#[cfg(feature = "tokio")]
mod driven;
mod failure;
mod hostile;
mod judge;
mod ledger;
mod models;
mod nature;
mod op;
mod peer;
mod pipe;
mod plan;
mod rng;
mod rule;
mod shrink;
mod side;
mod simulation;
mod steady;
mod step;
mod tap;
mod trials;
mod violation;
mod wares;
mod watched;
mod wiretap;
mod within;
mod world;

pub use campaign::{Campaign, Tally};
pub use check::{Check, Passed, check};
pub use failure::Failure;
pub use models::Models;
pub use rng::Rng;
pub use rule::Rule;
pub use side::Side;
pub use simulation::{Report, Simulation};
pub use tap::{Seen, Tap};
pub use violation::Violation;
pub use wares::{Kind, Order, Wares};

#[cfg(test)]
mod tests;
