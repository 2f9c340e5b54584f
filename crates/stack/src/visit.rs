//! A layer that stands in the stack is called by who knows it.

use std::any::Any;

use crate::queue::Visit;
use crate::rules::no_such_layer;
use crate::slot::Inbound;
use crate::{Context, Error, Layer, LayerId, LayerKey, Stack};

impl Stack {
    /// Calls `with` with a layer that stands in this stack, to set something of it, or to have it say
    /// something. What was written before has reached the layer by then, for those above it are
    /// flushed; what is written from then on meets what the layer has become. Behind an end mark, its
    /// own or its peer's, a layer has nothing more to say in that direction, and is not heard.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) if there is no such layer; why it has
    /// [withdrawn](Context::withdraw); or why the connection has failed, also by that flush. `with` was
    /// not called then.
    pub fn with_layer<L: Layer, R>(
        &mut self,
        id: LayerId<L>,
        with: impl FnOnce(&mut L, &mut Context<'_>) -> R,
    ) -> Result<R, Error> {
        let place = self.reach(id.key());
        let result = place.map(|place| self.call(place, |layer, cx| with(of_type(layer), cx)));
        self.run();
        result
    }

    /// Visits the layer, unless it has left.
    pub(crate) fn visit(&mut self, key: LayerKey, visit: Visit) {
        if let Ok(place) = self.reach(key) {
            self.call(place, visit);
        }
    }

    /// Where the layer stands, to which now all has come that was written before; if it can be called.
    fn reach(&mut self, key: LayerKey) -> Result<usize, Error> {
        self.failure()?;
        if let Some((_, why)) = self.refused.iter().find(|(of, _)| *of == key) {
            return Err(why.clone());
        }
        let place = self.find(key)?;
        if self.has_left(place) {
            return Err(no_such_layer());
        }
        self.flush_down_to(place + 1);
        self.note_failure();
        self.failure()?;
        Ok(place)
    }

    /// Calls the node at `place`, of which nothing else asked for a word now.
    pub(crate) fn call<R>(
        &mut self,
        place: usize,
        with: impl FnOnce(&mut dyn Layer, &mut Context<'_>) -> R,
    ) -> R {
        let result = self.call_still(place, with);
        if self.input_is_over(place) {
            self.core.queue.forget_deliveries(self.core.keys[place]);
        }
        // They come before the end mark that the layer may have told of behind them.
        while self.core.failed.is_none() && self.core.queue.has_delivery() {
            self.run_queued();
        }
        // It may have staged what it was to say.
        self.core.unflushed = true;
        result
    }

    /// Whether nothing may come up from the layer any more.
    fn input_is_over(&self, place: usize) -> bool {
        let slot = &self.slots[place];
        let passed = self.end.as_ref().is_some_and(|end| end.place > place);
        passed || slot.keeps_what_follows() || slot.inbound == Inbound::Ended
    }
}

impl Context<'_> {
    /// Calls `with` with a layer of this stack, behind what this node has asked for, and sent, before:
    /// see [`Stack::with_layer`]. If the layer has left by then, or the connection has failed, `with` is
    /// not called; nor if a change that this node asked for before is refused.
    pub fn with_layer<L: Layer>(
        &mut self,
        id: LayerId<L>,
        with: impl FnOnce(&mut L, &mut Context<'_>) + Send + Sync + 'static,
    ) {
        let visit = move |layer: &mut dyn Layer, cx: &mut Context<'_>| with(of_type(layer), cx);
        self.visit(id.key(), Box::new(visit));
    }
}

/// The layer that an id names.
fn of_type<L: Layer>(layer: &mut dyn Layer) -> &mut L {
    let layer: &mut dyn Any = layer;
    let Some(layer) = layer.downcast_mut() else {
        unreachable!("the id names its type")
    };
    layer
}
