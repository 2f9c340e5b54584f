//! How a layer leaves whose handshake is not to be.

use crate::news::Turn;
use crate::queue::Op;
use crate::slot::{GivenBack, Inbound, Life};
use crate::{Error, Event, Layer, LayerId, LayerKey, Outcome, Stack};

impl Stack {
    /// A layer that has [withdrawn](crate::Context::withdraw) from its handshake, and why. From now on
    /// the connection is as it was before the layer was pushed, and what has come meanwhile can be
    /// read.
    ///
    /// An application of callbacks that has pushed it is given it by [`Event::PushRefused`].
    pub fn take_refused<L: Layer>(&mut self, id: LayerId<L>) -> Option<(L, Error)> {
        let (layer, error) = self.take_refused_key(id.key())?;
        let layer = crate::layer::downcast(layer).ok()?;
        Some((layer, error))
    }

    /// [`take_refused`](Self::take_refused), for a layer whose type is not known.
    pub(crate) fn take_refused_key(&mut self, key: LayerKey) -> Option<(Box<dyn Layer>, Error)> {
        self.failure().ok()?;
        let at = self.refused.iter().position(|(of, _)| *of == key)?;
        let (_, error) = self.refused.remove(at);
        let layer = self.let_go(self.core.place(key)?);
        self.run();
        Some((layer, error))
    }

    /// A layer wants to withdraw from its handshake: it is put aside for whoever is given it back, or
    /// the connection has failed.
    pub(crate) fn note_withdrawn(&mut self, key: LayerKey, error: Error) {
        let Some(place) = self.core.place(key) else {
            return;
        };
        let error = error.in_layer(self.slots[place].node.name());
        match self.given_back(place) {
            GivenBack::Nobody => self.core.fail(place, error),
            GivenBack::Asker => self.refused.push((key, error)),
            GivenBack::Application => {
                let layers = vec![(key, self.let_go(place))];
                let refused = Event::PushRefused { layers, error };
                self.events.push_back((0, refused));
            }
        }
    }

    /// To whom the layer at `place` can be given back, as if it had never been here.
    fn given_back(&self, place: usize) -> GivenBack {
        let Life::Handshaking { back, .. } = self.slots[place].life else {
            return GivenBack::Nobody;
        };
        let (top, key) = (self.top(), self.core.keys[place]);
        let untouched = self.layers().nth(place).is_some_and(|layer| {
            let traffic = layer.traffic();
            // What was written was meant to go through it, and must never go out without.
            let written = traffic.outbound.taken + traffic.outbound.made;
            traffic.inbound.taken == 0 && written == 0
        });
        let asked = self.core.queue.has_any_of(&[key, self.core.keys[top]]);
        let begins = self.slots[place].inbound == Inbound::Decoding;
        let anchored = self.core.anchored.any_from(place);
        match place + 1 == top && untouched && !asked && begins && !anchored {
            true => back,
            false => GivenBack::Nobody,
        }
    }

    /// Takes out a layer that has withdrawn.
    fn let_go(&mut self, place: usize) -> Box<dyn Layer> {
        self.written += 1;
        self.tell(place, Turn::Left(Outcome::Clean));
        self.end_inbound(place);
        let layer = self.remove(place);
        let top = self.core.keys[self.top()];
        // They waited for its handshake.
        for key in std::mem::take(&mut self.core.to_pop) {
            self.core.queue.push(top, Op::Pop(key));
        }
        layer
    }
}
