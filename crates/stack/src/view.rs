//! The stack, to look at.

use std::any::Any;
use std::fmt;

use crate::layer::is;
use crate::slot::{Life, Slot};
use crate::{Epoch, Layer, LayerId, LayerKey, Stack, Traffic};

/// A layer as it stands in the stack, to look at.
#[derive(Clone, Copy)]
pub struct LayerView<'a> {
    key: LayerKey,
    slot: &'a Slot,
    /// Its outbound half has ended.
    finished: bool,
}

impl<'a> LayerView<'a> {
    /// Which layer.
    pub fn key(self) -> LayerKey {
        self.key
    }

    /// Which layer, with its type, if that is `L`: to pop a layer whose push was cancelled while
    /// it was awaited.
    pub fn id<L: Layer>(self) -> Option<LayerId<L>> {
        is::<L>(&*self.slot.node).then(|| LayerId::new(self.key))
    }

    /// Its name.
    pub fn name(self) -> &'a str {
        self.slot.node.name()
    }

    /// What it took at its two faces.
    pub fn traffic(self) -> Traffic {
        self.slot.traffic
    }

    /// The bytes inside it, and those that wait below it.
    pub fn held(self) -> usize {
        self.slot.node.held() + self.slot.held.len()
    }

    /// Whether it is up, and not on its way out.
    pub fn is_standing(self) -> bool {
        self.slot.life == Life::Standing
    }
}

impl fmt::Debug for LayerView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerView")
            .field("name", &self.name())
            .field("life", &self.slot.life)
            .field("inbound", &self.slot.inbound)
            .field("finished", &self.finished)
            .field("traffic", &self.slot.traffic)
            .field("held", &self.held())
            .finish()
    }
}

/// Looking.
impl Stack {
    /// The epoch of the next readable byte. If none is, it is the present one; what comes next may
    /// still be of one before, on its way through the layers.
    pub fn epoch(&self) -> Epoch {
        let held = &self.slots[self.top()].held;
        let number = held.oldest().unwrap_or(self.epochs.present);
        let layers = match self.epochs.past(number) {
            Some(past) => past.to_vec(),
            None => self.crossed_now(),
        };
        Epoch::new(number, layers.into_iter().map(|layer| layer.name).collect())
    }

    /// The epoch of the next byte to be written.
    pub fn write_epoch(&self) -> Epoch {
        let open = self.layers().filter(|layer| !layer.finished);
        Epoch::new(
            self.written,
            open.map(|layer| layer.name().to_owned()).collect(),
        )
    }

    /// The layers, lowest first.
    pub fn layers(&self) -> impl DoubleEndedIterator<Item = LayerView<'_>> {
        let layers = self.slots[..self.top()].iter().enumerate();
        layers.map(|(place, slot)| LayerView {
            key: self.core.keys[place],
            slot,
            finished: self.core.down.has(place),
        })
    }

    /// A value of type `T` from the topmost layer that has one.
    pub fn info<T: Any>(&self) -> Option<&T> {
        let wanted = std::any::TypeId::of::<T>();
        let mut layers = self.slots[..self.top()].iter().rev();
        layers.find_map(|slot| slot.node.info(wanted)?.downcast_ref())
    }
}

/// The stack in a line: `app <=> zstd <=> tls <=> network`.
impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for slot in self.slots.iter().rev() {
            write!(f, "{} <=> ", slot.node.name())?;
        }
        f.write_str("network")
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack")
            .field("layers", &self.layers().collect::<Vec<_>>())
            .field("end", &self.end)
            .field("failure", &self.failure)
            .field("outgoing", &self.outgoing)
            .field("readable", &self.readable().len())
            .field("outbox", &self.core.outbox.len())
            .finish_non_exhaustive()
    }
}
