//! Runs seeds.

use std::fmt;

use super::case::Case;
use super::failure::Origin;
use super::shrink::shrink;
use super::{Failure, Wares};

/// Simulations with one set of wares, each from a seed.
#[derive(Clone, Copy)]
pub struct Simulation<'a> {
    wares: &'a dyn Wares,
}

/// What a simulation came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The steps of its script.
    pub steps: u64,
    /// The changes of a stack that were made.
    pub changes: u64,
    /// The bytes that the applications read.
    pub bytes: u64,
    /// All that happened, in a number: the same seed gives the same.
    pub trace: u64,
    /// The bytes that came to B over its way.
    pub(super) fed: u64,
}

impl<'a> Simulation<'a> {
    /// Simulations whose layers are these.
    pub fn new(wares: &'a dyn Wares) -> Self {
        Self { wares }
    }

    /// The plan and the script of this seed, to be read.
    pub fn script(&self, seed: u64) -> impl fmt::Display + use<> {
        Case::draw(self.wares, seed)
    }

    /// Runs the simulation of this seed.
    ///
    /// # Errors
    ///
    /// What was seen that must not be. A failing simulation is made smaller first, for which it
    /// is run some thousand times.
    pub fn run(&self, seed: u64) -> Result<Report, Failure> {
        let case = Case::draw(self.wares, seed);
        case.play(self.wares).map_err(|violation| Failure {
            origin: Origin::Seed(seed),
            rule: violation.rule,
            violation: violation.clone(),
            shrunk: Some(Box::new(shrink(self.wares, case, violation))),
        })
    }
}

impl fmt::Debug for Simulation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation").finish_non_exhaustive()
    }
}
