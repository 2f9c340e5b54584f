//! Several changes take effect as one, or none of them.

use crate::changes::{Addition, Changes, Spot, Step};
use crate::join::NotMade;
use crate::rules::refusal;
use crate::slot::{GivenBack, Life};
use crate::{Error, ErrorKind, Event, Exit, LayerKey, PushError, Residue, Stack};

impl Stack {
    /// Makes several changes as one: all of them, or none.
    ///
    /// # Errors
    ///
    /// The first that a step meets, with the changes given back. A layer that had been attached
    /// before the step failed does not learn of that; attaching it again begins anew.
    pub fn apply(&mut self, changes: Changes) -> Result<(), PushError<Changes>> {
        self.claiming(changes.going(), |stack| {
            let made = stack.make(changes);
            stack.run();
            match (made, stack.failure.clone()) {
                (Ok(()), None) => Ok(()),
                (Ok(()), Some(error)) => Err(PushError::Begun(error)),
                (Err(not_made), _) => Err(not_made.into()),
            }
        })
    }

    /// Makes the changes that a callback asked for. An error is the event that tells why not.
    pub(crate) fn make_and_tell(&mut self, changes: Changes) -> Result<(), Event> {
        let added = changes.added();
        self.make(changes).map_err(|refused| {
            let layers = refused.back.into_layers();
            match (refused.residue, refused.error) {
                (None, error) => Event::PushRefused { layers, error },
                (Some(residue), error) => Event::PushRejected {
                    layers,
                    residue,
                    error,
                },
            }
        })?;
        for key in added {
            self.give_back_to(key, GivenBack::Application);
            let place = self.core.place(key);
            if !place.is_some_and(|place| self.core.handshaking.has(place)) {
                self.events.push_back((0, Event::Up(key)));
            }
        }
        Ok(())
    }

    fn make(&mut self, mut changes: Changes) -> Result<(), NotMade<Changes>> {
        // A single one needs no way back.
        if changes.steps.len() == 1
            && let Some(Step::Add(addition)) = changes.steps.pop_if(|it| matches!(it, Step::Add(_)))
        {
            return self
                .add(&[], addition, &[])
                .map_err(|not_made| not_made.map(Changes::from));
        }
        if let Err(error) = self.check_together(&changes) {
            return Err(NotMade::refused(changes, error));
        }
        let going = changes.going();
        let before = self.before();
        // What has been done, and for a layer that came in, where that was to be.
        let mut done: Vec<(LayerKey, Option<Spot>)> = Vec::new();
        let mut steps = changes.steps.into_iter();
        while let Some(step) = steps.next() {
            let mut addition = match step {
                Step::Add(addition) => addition,
                Step::Remove(key) => {
                    done.push((key, None));
                    continue;
                }
            };
            let (key, spot) = (addition.key, addition.spot);
            if let Spot::InsteadOf(old) = spot {
                addition.spot = Spot::Above(old);
            }
            if let Err(mut not_made) = self.add(&[], addition, &going) {
                not_made.back.spot = spot;
                // What would have to be waited for was asked for before the first step.
                if not_made.error.kind() == ErrorKind::Busy {
                    not_made.error = refusal("a step is in the way of another");
                }
                let mut back = self.undo(done);
                self.restore(before);
                return Err(not_made.map(|addition| {
                    back.push(Step::Add(addition));
                    back.extend(steps);
                    Changes { steps: back }
                }));
            }
            done.push((key, Some(spot)));
        }
        for (key, _) in done {
            self.give_back_to(key, GivenBack::Nobody);
        }
        for key in going {
            if let Some(place) = self.core.place(key) {
                self.depart(place);
            }
        }
        Ok(())
    }

    /// If the layer withdraws, it is theirs again, unless that is nobody already.
    fn give_back_to(&mut self, key: LayerKey, whom: GivenBack) {
        if let Some(place) = self.core.place(key)
            && let Life::Handshaking { back, .. } = &mut self.slots[place].life
            && *back != GivenBack::Nobody
        {
            *back = whom;
        }
    }

    /// Takes out the layers that have come in, the last first, and gives back the steps.
    fn undo(&mut self, done: Vec<(LayerKey, Option<Spot>)>) -> Vec<Step> {
        let steps = done.into_iter().rev().map(|(key, spot)| {
            let Some((spot, place)) = spot.zip(self.core.place(key)) else {
                return Step::Remove(key);
            };
            let layer = self.take_back(place);
            Step::Add(Addition { key, spot, layer })
        });
        let mut steps: Vec<_> = steps.collect();
        steps.reverse();
        steps
    }

    /// What can be said of several changes before one of them is made.
    fn check_together(&mut self, changes: &Changes) -> Result<(), Error> {
        let mut going = changes.going();
        going.sort_unstable();
        if going.windows(2).any(|two| two[0] == two[1]) {
            return Err(refusal("a layer is to go twice"));
        }
        for key in going {
            let place = self.find(key)?;
            self.prepare_to_leave(place)?;
            if self.slots[place].node.exit() == Exit::Marked {
                let why = "a layer with an end mark leaves by a conversation of its own";
                return Err(refusal(why));
            }
        }
        for step in &changes.steps {
            let Step::Add(it) = step else { continue };
            // A layer of an earlier step does not stand yet.
            if let Ok(place) = self.place_of(it.spot) {
                self.check_busy(place, it)?;
            }
        }
        // Rejecting cannot be taken back.
        let rejects = |step: &Step| match step {
            Step::Add(it) => it.layer.residue() == Residue::Reject,
            Step::Remove(_) => false,
        };
        if changes.steps.iter().any(rejects) && !self.core.holding.is_empty() {
            return Err(refusal(
                "bytes are there, and one of the layers rejects them; push that one alone",
            ));
        }
        Ok(())
    }
}
