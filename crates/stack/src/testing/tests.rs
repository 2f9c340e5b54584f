//! The simulator, on its own layers.

use super::{Check, Models, Order, Simulation, Wares};

#[test]
fn lives_of_the_models_keep_all_that_a_stack_promises() {
    let simulation = Simulation::new(&Models);
    for seed in 0..400 {
        if let Err(failure) = simulation.run(seed) {
            panic!("{failure}");
        }
    }
}

#[test]
fn the_same_seed_is_the_same_life() {
    let simulation = Simulation::new(&Models);
    let traces = |_| (0..50).map(|seed| simulation.run(seed).map(|report| report.trace).ok());
    let [once, again] = [(); 2].map(|()| traces(()).collect::<Vec<_>>());
    assert_eq!(once, again);
}

#[test]
fn the_models_pass_the_check() {
    for (kind, of) in Models.kinds().iter().enumerate() {
        let make = |order: &Order| {
            let order = order.clone();
            Models.make(&Order { kind, ..order })
        };
        let checked = Check::new(make).record(of.record).seeds(100).run();
        if let Err(failure) = checked {
            panic!("{}: {failure}", of.name);
        }
    }
}
