//! The kit in one line.

use std::any::type_name;
use std::fmt;

use super::failure::Origin;
use super::hostile::survive;
use super::models::{GlassTap, Models};
use super::nature::{Make, Nature, Pair};
use super::shrink::shrink;
use super::steady::{Measure, allocations};
use super::trials::Trials;
use super::{Failure, Kind, Order, Rule, Simulation, Tap, Wares};
use crate::{Exit, Layer, Residue};

/// Checks that a pair of layers keeps the contract: [`Check`] with its defaults.
///
/// `make` makes one end of the pair; where the two ends differ, [`Order::client`] tells which.
///
/// ```
/// # use stack::{Chunk, Context, Error, Layer, Protocol, Transport};
/// # struct Xor(u8);
/// # impl Protocol for Xor {
/// #     fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
/// #         bytes.iter_mut().for_each(|byte| *byte ^= self.0);
/// #         cx.deliver(bytes);
/// #         Ok(bytes.len())
/// #     }
/// # }
/// # impl Transport for Xor {
/// #     fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
/// #         let mut bytes = chunk.as_slice().to_vec();
/// #         bytes.iter_mut().for_each(|byte| *byte ^= self.0);
/// #         cx.send(&mut bytes);
/// #         Ok(())
/// #     }
/// # }
/// # impl Layer for Xor {}
/// stack::testing::check(|_| Xor(0x20));
/// ```
///
/// # Panics
///
/// If a rule is broken: with its name, what was seen, and the shortest script that shows it.
#[track_caller]
pub fn check<L: Layer>(make: impl Fn(&Order) -> L + Sync) -> Passed {
    match Check::new(make).run() {
        Ok(passed) => passed,
        Err(failure) => panic!("{failure}"),
    }
}

/// A check of a pair of layers: whatever an application at the one end writes, one at the other end
/// must read, however the bytes are cut, wherever the layers are pushed and popped, and with
/// whatever other layers they stand together.
///
/// It goes from the simple to the intricate: small conversations made by hand, each of which shows
/// one rule; then random ones of the pair alone, and among the [models](super::Models). The first
/// that fails ends it.
pub struct Check<'a> {
    make: Box<Make<'a>>,
    of: &'static str,
    record: usize,
    seeds: u64,
    allocations: Option<(u64, Box<Measure<'a>>)>,
}

/// What a check that passed has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// The conversations made by hand.
    pub cases: u64,
    /// The random ones.
    pub seeds: u64,
    /// The changes of a stack that were made in them.
    pub changes: u64,
    /// The bytes that were read.
    pub bytes: u64,
}

impl<'a> Check<'a> {
    /// A check of the pair that `make` makes.
    pub fn new<L: Layer>(make: impl Fn(&Order) -> L + Sync + 'a) -> Self {
        Self {
            make: Box::new(move |order| Box::new(make(order))),
            of: type_name::<L>(),
            record: super::trials::record(),
            seeds: 300,
            allocations: None,
        }
    }

    /// The most bytes of a record that the layers want whole, its header included: then boundaries
    /// as small as that are tried. 64 KiB if not set.
    #[must_use]
    pub fn record(mut self, most: usize) -> Self {
        self.record = most;
        self
    }

    /// How many random conversations there are, of the pair alone, and as many among other layers.
    /// 300 if not set.
    #[must_use]
    pub fn seeds(mut self, seeds: u64) -> Self {
        self.seeds = seeds;
        self
    }

    /// How many allocations a chunk of 1 KiB may cost, once all has settled, from the one application
    /// through both stacks to the other. `measure` runs what it is given, and returns how many were
    /// made meanwhile: the kit brings no allocator that counts. Not looked at if not set.
    #[must_use]
    pub fn allocations(
        mut self,
        most: u64,
        measure: impl Fn(&mut dyn FnMut()) -> u64 + Sync + 'a,
    ) -> Self {
        self.allocations = Some((most, Box::new(measure)));
        self
    }

    /// Runs it.
    ///
    /// # Errors
    ///
    /// The first rule that was seen broken.
    pub fn run(&self) -> Result<Passed, Box<Failure>> {
        let nature = Nature::of(&*self.make)
            .map_err(|words| Failure::bare("looked at by itself", Rule::Panic, words))?;
        let alone = Subject::new(self, nature);
        let mut passed = Passed::default();
        self.run_trials(&alone, nature, &mut passed)?;
        survive(&*self.make)
            .map_err(|words| Failure::bare("a hostile peer", Rule::Panic, words))?;
        self.count_allocations()?;
        self.cut_short(nature)?;
        self.run_seeds(&alone, &mut passed)?;
        self.run_seeds(&alone.among_models(), &mut passed)?;
        Ok(passed)
    }

    fn run_trials(
        &self,
        wares: &dyn Wares,
        nature: Nature,
        passed: &mut Passed,
    ) -> Result<(), Box<Failure>> {
        let trials = Trials { wares, nature };
        for trial in trials.each() {
            for case in &trial.cases {
                match case.play(wares) {
                    Ok(report) => {
                        passed.cases += 1;
                        passed.changes += report.changes;
                        passed.bytes += report.bytes;
                    }
                    Err(violation) => {
                        return Err(Box::new(Failure {
                            origin: Origin::Trial(trial.title),
                            rule: trial.names(violation.rule()),
                            violation: violation.clone(),
                            shrunk: Some(Box::new(shrink(wares, case.clone(), violation))),
                        }));
                    }
                }
            }
        }
        Ok(())
    }

    fn count_allocations(&self) -> Result<(), Box<Failure>> {
        let Some((most, measure)) = &self.allocations else {
            return Ok(());
        };
        let (made, chunks) = allocations(Pair::new(&*self.make), measure);
        if made <= most * chunks {
            return Ok(());
        }
        let words = format!("{chunks} chunks cost {made} allocations, and {most} each may be");
        Err(Failure::bare("chunks in a row", Rule::Allocations, words))
    }

    /// Without the driver there are no futures.
    #[cfg(not(feature = "tokio"))]
    fn cut_short(&self, _: Nature) -> Result<(), Box<Failure>> {
        Ok(())
    }

    #[cfg(feature = "tokio")]
    fn cut_short(&self, nature: Nature) -> Result<(), Box<Failure>> {
        let cut = super::driven::cut_short(&*self.make, nature);
        cut.map_err(|words| Failure::bare("futures dropped at every poll", Rule::Cancel, words))
    }

    fn run_seeds(&self, wares: &dyn Wares, passed: &mut Passed) -> Result<(), Box<Failure>> {
        let simulation = Simulation::new(wares);
        for seed in 0..self.seeds {
            match simulation.run(seed) {
                Ok(report) => {
                    passed.seeds += 1;
                    passed.changes += report.changes;
                    passed.bytes += report.bytes;
                }
                Err(mut failure) => {
                    // By itself, in all that the trials show, it has passed.
                    if failure.rule.is_general() {
                        failure.rule = Rule::Company;
                    }
                    return Err(Box::new(failure));
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Check<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("of", &self.of)
            .field("record", &self.record)
            .field("seeds", &self.seeds)
            .finish_non_exhaustive()
    }
}

/// The pair as wares; the models may stand beside it.
struct Subject<'a> {
    check: &'a Check<'a>,
    nature: Nature,
    kinds: Vec<Kind>,
}

impl<'a> Subject<'a> {
    fn new(check: &'a Check<'a>, nature: Nature) -> Self {
        let mut kind = Kind::named("subject").record(check.record);
        kind.greets = nature.greets;
        kind.chatty = nature.chatty;
        kind.hasty = nature.hasty;
        kind.stubborn = (nature.residue != Residue::Feed).then_some(nature.residue);
        Self {
            check,
            nature,
            kinds: vec![kind],
        }
    }

    fn among_models(&self) -> Self {
        let models = Models.kinds();
        Self {
            kinds: [&self.kinds, models].concat(),
            ..*self
        }
    }

    /// The order as the models know it, if it is for one of them.
    fn of_models(order: &Order) -> Option<Order> {
        let kind = order.kind.checked_sub(1)?;
        let order = order.clone();
        Some(Order { kind, ..order })
    }
}

impl Wares for Subject<'_> {
    fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    fn make(&self, order: &Order) -> Box<dyn Layer> {
        match Self::of_models(order) {
            Some(order) => Models.make(&order),
            None => (self.check.make)(order),
        }
    }

    fn tap(&self, order: &Order) -> Option<Box<dyn Tap>> {
        match Self::of_models(order) {
            Some(order) => Models.tap(&order),
            // Whatever may leave at any time leaves the bytes as they are: that can be seen.
            None if self.nature.exit == Exit::Anytime => Some(Box::new(GlassTap)),
            None => None,
        }
    }
}
