//! The stack, to look at.

use std::any::{Any, TypeId};
use std::fmt;
use std::time::Duration;

use crate::layer::is;
use crate::slot::{Inbound, Life, Slot};
use crate::{Epoch, Flow, Layer, LayerId, LayerKey, Stack, Traffic};

/// A layer as it stands in the stack, to look at.
#[derive(Clone, Copy)]
pub struct LayerView<'a> {
    key: LayerKey,
    slot: &'a Slot,
    traffic: Traffic,
    age: Duration,
    /// Its outbound half has ended.
    finished: bool,
}

impl<'a> LayerView<'a> {
    /// Which layer.
    pub fn key(self) -> LayerKey {
        self.key
    }

    /// Which layer, with its type, if that is `L`: to pop a layer that a
    /// [`Template`](crate::Template) has built, or one whose push was cancelled while it was awaited.
    pub fn id<L: Layer>(self) -> Option<LayerId<L>> {
        is::<L>(&*self.slot.node).then(|| LayerId::new(self.key))
    }

    /// Its name.
    pub fn name(self) -> &'a str {
        self.slot.node.name()
    }

    /// What it took in and handed on, each way.
    pub fn traffic(self) -> Traffic {
        self.traffic
    }

    /// How long ago it was attached, as of the present turn.
    pub fn age(self) -> Duration {
        self.age
    }

    /// Where it is in its life.
    pub fn state(self) -> State {
        match (self.slot.life, self.slot.inbound) {
            (Life::Leaving { late, .. }, _) => State::Leaving { late },
            (Life::Handshaking { early: false, .. }, _) => State::Handshaking,
            (_, Inbound::Parked { .. }) => State::Parked,
            (_, Inbound::Awaiting { .. }) => State::Awaiting,
            (Life::Standing | Life::Handshaking { .. }, _) => State::Standing,
        }
    }

    /// A value of type `T` that this very layer has to tell.
    pub fn info<T: Any>(self) -> Option<&'a T> {
        self.slot.node.info(TypeId::of::<T>())?.downcast_ref()
    }

    /// The bytes inside it, and those that wait below it.
    pub fn held(self) -> usize {
        self.slot.node.held() + self.slot.held.len()
    }
}

impl fmt::Debug for LayerView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerView")
            .field("name", &self.name())
            .field("life", &self.slot.life)
            .field("inbound", &self.slot.inbound)
            .field("finished", &self.finished)
            .field("traffic", &self.traffic)
            .field("held", &self.held())
            .finish()
    }
}

/// Where a layer is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It talks with its peer, and keeps what is written.
    Handshaking,
    /// It is at work.
    Standing,
    /// It is at work outbound; inbound, it waits for a layer below to have left.
    Awaiting,
    /// The peer has ended its inbound half, unasked.
    Parked,
    /// It was asked to leave.
    Leaving {
        /// That has taken longer than [`Limits::pop`](crate::Limits::pop).
        late: bool,
    },
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Handshaking => "handshaking",
            Self::Standing => "standing",
            Self::Awaiting => "awaiting",
            Self::Parked => "parked",
            Self::Leaving { late: false } => "leaving",
            Self::Leaving { late: true } => "late to leave",
        })
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
            traffic: slot.counts.account(
                slot.held.len(),
                self.slots[place + 1].counts.came_up,
                self.came_down_below(place),
            ),
            age: self.core.now.saturating_sub(slot.since),
            finished: self.core.down.has(place),
        })
    }

    /// What the whole stack took in and handed on, each way: inbound, what the network brought and
    /// what the application took; outbound, what the application wrote and what the network took.
    pub fn traffic(&self) -> Traffic {
        let app = &self.slots[self.top()];
        let app = (app.counts).account(app.held.len(), 0, self.came_down_below(self.top()));
        Traffic {
            inbound: Flow {
                taken: self.core.came_in.total(self.slots[0].counts.came_up),
                made: app.inbound.taken,
            },
            outbound: Flow {
                taken: app.outbound.made,
                made: self.core.gone,
            },
        }
    }

    /// A value of type `T` from the topmost layer that has one, or else from the network (see
    /// [`set_network_info`](Self::set_network_info)).
    pub fn info<T: Any>(&self) -> Option<&T> {
        let mut layers = self.layers().rev();
        let told = layers.find_map(LayerView::info);
        told.or_else(|| self.network.iter().find_map(|it| it.downcast_ref()))
    }

    /// What each layer that has such a value tells, lowest first.
    pub(crate) fn told_by_each<T: Any>(&self) -> impl Iterator<Item = (LayerKey, &T)> {
        let layers = self.core.keys.iter().zip(&self.slots[..self.top()]);
        layers.filter_map(|(key, slot)| {
            let told = slot.node.info(TypeId::of::<T>())?;
            Some((*key, told.downcast_ref()?))
        })
    }

    /// Gives the network something to tell, under [`info`](Self::info), instead of what it had of
    /// the same type: the peer's address, for instance. The stack itself knows of no network.
    pub fn set_network_info<T: Any + Send + Sync>(&mut self, info: T) {
        self.network.retain(|it| !it.is::<T>());
        self.network.push(Box::new(info));
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
