//! Several changes of a stack as one.

use std::fmt;

use crate::layer::is;
use crate::{Layer, LayerId, LayerKey};

/// Changes of a stack that take effect as one, or not at all: no byte crosses one of them and not
/// the others.
///
/// The layers that come in are attached in the order of the steps; those that go, go behind them.
/// A layer that has come in by an earlier step can be named by the id that it was given there.
///
/// ```
/// # use stack::{Chunk, Context, Error, Exit, Layer, Limits, Protocol, Stack, Transport};
/// # struct Trace;
/// # impl Protocol for Trace {
/// #     fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
/// #         cx.deliver(bytes);
/// #         Ok(bytes.len())
/// #     }
/// # }
/// # impl Transport for Trace {
/// #     fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
/// #         cx.send(chunk);
/// #         Ok(())
/// #     }
/// # }
/// # impl Layer for Trace {
/// #     fn exit(&self) -> Exit { Exit::Anytime }
/// # }
/// use stack::Changes;
///
/// let mut stack = Stack::new(Limits::default());
/// let old = stack.push(Trace).unwrap();
/// let mut changes = Changes::new();
/// let new = changes.push(Trace);
/// changes.insert_below(new, Trace);
/// changes.remove(old);
/// stack.apply(changes).unwrap();
/// assert_eq!(stack.layers().count(), 2);
/// ```
#[derive(Default)]
#[must_use = "nothing changes before they are applied"]
pub struct Changes {
    pub(crate) steps: Vec<Step>,
}

/// One of the changes.
pub(crate) enum Step {
    Add(Addition),
    Remove(LayerKey),
}

/// A layer that is to come in.
pub(crate) struct Addition {
    pub(crate) key: LayerKey,
    pub(crate) spot: Spot,
    pub(crate) layer: Box<dyn Layer>,
}

/// Where a layer is to come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spot {
    /// Just below the application.
    Top,
    Above(LayerKey),
    Below(LayerKey),
    /// Just above this layer, which leaves.
    InsteadOf(LayerKey),
}

impl Changes {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Pushes a layer at the top; see [`Stack::push`](crate::Stack::push).
    pub fn push<L: Layer>(&mut self, layer: L) -> LayerId<L> {
        self.add(Spot::Top, layer)
    }

    /// Inserts a layer just above another; see
    /// [`Stack::insert_above`](crate::Stack::insert_above).
    pub fn insert_above<L: Layer>(&mut self, of: impl Into<LayerKey>, layer: L) -> LayerId<L> {
        self.add(Spot::Above(of.into()), layer)
    }

    /// Inserts a layer just below another; see
    /// [`Stack::insert_below`](crate::Stack::insert_below).
    pub fn insert_below<L: Layer>(&mut self, of: impl Into<LayerKey>, layer: L) -> LayerId<L> {
        self.add(Spot::Below(of.into()), layer)
    }

    /// Puts a layer in the place of another, which leaves; see
    /// [`Stack::replace`](crate::Stack::replace). A layer with an end mark is replaced alone: that
    /// is a conversation with the peer, and cannot be taken back if another step fails.
    pub fn replace<L: Layer>(&mut self, old: impl Into<LayerKey>, layer: L) -> LayerId<L> {
        self.add(Spot::InsteadOf(old.into()), layer)
    }

    /// Takes a layer out, if it can leave at once: for one without an end mark (see
    /// [`Exit`](crate::Exit)).
    pub fn remove(&mut self, key: impl Into<LayerKey>) {
        self.steps.push(Step::Remove(key.into()));
    }

    /// The layer of this type that is to come in, the last if there are several: to name one that
    /// a [`Template`](crate::Template) has built.
    pub fn id<L: Layer>(&self) -> Option<LayerId<L>> {
        self.steps.iter().rev().find_map(|step| match step {
            Step::Add(it) => is::<L>(&*it.layer).then(|| LayerId::new(it.key)),
            Step::Remove(_) => None,
        })
    }

    /// The one step by which a layer came in at the top that has withdrawn from its handshake.
    #[cfg(feature = "tokio")]
    pub(crate) fn of_withdrawn(key: LayerKey, layer: Box<dyn Layer>) -> Self {
        let spot = Spot::Top;
        Self::from(Addition { key, spot, layer })
    }

    /// Which layers are to come in.
    pub(crate) fn added(&self) -> Vec<LayerKey> {
        let added = self.steps.iter().filter_map(|step| match step {
            Step::Add(addition) => Some(addition.key),
            Step::Remove(_) => None,
        });
        added.collect()
    }

    /// Which layers are to go.
    pub(crate) fn going(&self) -> Vec<LayerKey> {
        let going = self.steps.iter().filter_map(|step| match step {
            Step::Remove(key) => Some(*key),
            Step::Add(addition) => match addition.spot {
                Spot::InsteadOf(old) => Some(old),
                _ => None,
            },
        });
        going.collect()
    }

    /// The layers that were to come in, in the order of the steps.
    pub fn into_layers(self) -> Vec<(LayerKey, Box<dyn Layer>)> {
        let layers = self.steps.into_iter().filter_map(|step| match step {
            Step::Add(addition) => Some((addition.key, addition.layer)),
            Step::Remove(_) => None,
        });
        layers.collect()
    }

    fn add<L: Layer>(&mut self, spot: Spot, layer: L) -> LayerId<L> {
        LayerId::new(self.add_boxed(spot, Box::new(layer)))
    }

    pub(crate) fn add_boxed(&mut self, spot: Spot, layer: Box<dyn Layer>) -> LayerKey {
        let addition = Addition::of(spot, layer);
        let key = addition.key;
        self.steps.push(Step::Add(addition));
        key
    }
}

impl Addition {
    pub(crate) fn new<L: Layer>(spot: Spot, layer: L) -> Self {
        Self::of(spot, Box::new(layer))
    }

    fn of(spot: Spot, layer: Box<dyn Layer>) -> Self {
        Self {
            key: LayerKey::fresh(),
            spot,
            layer,
        }
    }
}

impl From<Addition> for Changes {
    fn from(addition: Addition) -> Self {
        Self {
            steps: vec![Step::Add(addition)],
        }
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        for step in &self.steps {
            match step {
                Step::Add(it) => list.entry(&(it.key, it.layer.name(), it.spot)),
                Step::Remove(key) => list.entry(&("remove", key)),
            };
        }
        list.finish()
    }
}
