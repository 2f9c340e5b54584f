//! What a simulation builds its stacks from.

use super::{Side, Tap};
use crate::{Layer, Residue};

/// A set of kinds of layers, from which a simulation draws what its peers push.
///
/// [`Models`](super::Models) are those of the kit. An author of a layer writes a set that makes
/// his, alone or among the models, and each seed mixes them anew.
pub trait Wares: Sync {
    /// The kinds that there are; at least one.
    fn kinds(&self) -> &[Kind];

    /// Makes one end of a layer. The two ends get orders that differ in their [`Order::side`]
    /// and [`Order::client`] only; the layers that they make have the same name, and no two that
    /// differ in [`Order::nth`] should have it.
    fn make(&self, order: &Order) -> Box<dyn Layer>;

    /// Some seeds write so many times as much as others. The models are small; a layer with large
    /// records wants more.
    fn scale(&self) -> usize {
        1
    }

    /// Decodes, without the layer's own code, what a layer made to this order sends. If any
    /// layer of a plan has no such decoder, the wire is not looked at.
    fn tap(&self, order: &Order) -> Option<Box<dyn Tap>> {
        let _ = order;
        None
    }
}

/// A kind of layers, and what a plan must know of it.
#[derive(Clone, Debug)]
pub struct Kind {
    pub(super) name: &'static str,
    pub(super) greets: bool,
    pub(super) chatty: bool,
    pub(super) hasty: bool,
    /// Its residue, whatever it is asked to be.
    pub(super) stubborn: Option<Residue>,
    pub(super) record: usize,
    pub(super) block: Option<usize>,
}

impl Kind {
    /// A kind whose layers work from the moment on when they are pushed, send nothing of their
    /// own but an end mark, and take records of up to 64 KiB whole.
    pub const fn named(name: &'static str) -> Self {
        Self {
            name,
            greets: false,
            chatty: false,
            hasty: false,
            stubborn: None,
            record: 64 * 1024,
            block: None,
        }
    }

    /// The layers begin with a handshake, in which the client speaks first. Such a layer may be
    /// pushed behind an answer, and then its [`Layer::residue`] must be [`Order::residue`].
    #[must_use]
    pub const fn greets(mut self) -> Self {
        self.greets = true;
        self
    }

    /// The layers send what no application wrote, at moments of their own. They are never taken
    /// out in silence, for nobody knows when that is.
    #[must_use]
    pub const fn chatty(mut self) -> Self {
        self.chatty = true;
        self
    }

    /// The server's end speaks as soon as it is pushed, too, and so perhaps before its peer is there.
    /// Such a layer never comes in below another, nor where nothing may wait.
    #[must_use]
    pub const fn hasty(mut self) -> Self {
        self.hasty = true;
        self
    }

    /// The most bytes of a record that the layers want whole, header included: the bound of a
    /// boundary is never drawn below it.
    #[must_use]
    pub const fn record(mut self, most: usize) -> Self {
        self.record = most;
        self
    }

    /// The layers ask [`Context::wanted`](crate::Context::wanted) before each block that they
    /// hand on, of so many bytes at the most: no more than that is ever over the inbox.
    #[must_use]
    pub const fn block(mut self, most: usize) -> Self {
        self.block = Some(most);
        self
    }
}

/// Which layer is to be made.
#[derive(Clone, Debug)]
pub struct Order {
    /// The place of its kind in [`Wares::kinds`].
    pub kind: usize,
    /// Which layer of the plan it is, counted from 0.
    pub nth: usize,
    /// The chance that belongs to this layer: the same for both its ends.
    pub seed: u64,
    /// Whose end it is.
    pub side: Side,
    /// Whether this end is the client, which speaks first.
    pub client: bool,
    /// What is to become of the bytes that wait when it is pushed.
    pub residue: Residue,
}

impl Order {
    /// For a layer that stands alone; the client is at A.
    pub(super) fn alone(side: Side) -> Self {
        Self {
            kind: 0,
            nth: 0,
            seed: 0,
            side,
            client: side == Side::A,
            residue: Residue::Feed,
        }
    }
}
