//! General layers that hold up what passes, in the simulator's lives, among its model layers.

use std::time::Duration;

use general_layers::{Counters, Faults, RateLimit};
use stack::Layer;
use stack::testing::{Kind, Models, Order, Seen, Simulation, Tap, Wares};

use crate::rng::{Rng, number};

/// The models, and ours behind them.
struct Mixed(Vec<Kind>);

const OURS: [&str; 3] = ["counters", "rate-limit", "faults"];

impl Mixed {
    fn new() -> Self {
        let ours = OURS.map(|name| Kind::named(name).record(1));
        Self([Models.kinds(), &ours].concat())
    }

    /// Which of ours is meant, if one is.
    fn ours(order: &Order) -> Option<&'static str> {
        let nth = order.kind.checked_sub(Models.kinds().len())?;
        Some(OURS[nth])
    }
}

impl Wares for Mixed {
    fn kinds(&self) -> &[Kind] {
        &self.0
    }

    fn make(&self, order: &Order) -> Box<dyn Layer> {
        let mut rng = Rng(order.seed);
        // Nobody there waits longer than 20 ms, where an application of callbacks is.
        let mut rate = || (500_000 + rng.next() % 1_000_000, 1 + rng.next() % 100);
        let (inbound, outbound) = (rate(), rate());
        match Self::ours(order) {
            None => Models.make(order),
            Some("counters") => Box::new(Counters::new()),
            Some("rate-limit") => Box::new(
                RateLimit::new()
                    .inbound(inbound.0, inbound.1)
                    .outbound(outbound.0, outbound.1),
            ),
            Some(_) => {
                let faults = Faults::seeded(order.seed).pieces(1 + rng.below(5));
                Box::new(match rng.once_in(2) {
                    true => faults.delay(Duration::from_millis(1 + rng.next() % 10)),
                    false => faults,
                })
            }
        }
    }

    fn tap(&self, order: &Order) -> Option<Box<dyn Tap>> {
        match Self::ours(order) {
            None => Models.tap(order),
            Some(_) => Some(Box::new(Unchanged)),
        }
    }
}

/// What the wire shows of a layer that changes nothing.
struct Unchanged;

impl Tap for Unchanged {
    fn byte(&mut self, byte: u8, given: &mut Vec<u8>) -> Result<Seen, String> {
        given.push(byte);
        Ok(Seen::Part)
    }
}

#[test]
fn nothing_is_lost_or_late_in_random_lives() {
    let wares = Mixed::new();
    let simulation = Simulation::new(&wares);
    for seed in 0..number("SEEDS").unwrap_or(200) {
        if let Err(failure) = simulation.run(seed) {
            panic!("{failure}");
        }
    }
}
