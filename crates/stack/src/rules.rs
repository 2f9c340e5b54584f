//! What forbids a change.

use crate::bits::Places;
use crate::core::Core;
use crate::slot::Life;
use crate::{Blame, Error, ErrorKind, Exit, Layer, LayerKey, Role, Stack};

impl Stack {
    /// Forbids for good that the layer, or any below it, leaves: the connection never speaks a
    /// language of before. If the peer ends one of them unasked, what it sends behind its end mark
    /// is an error.
    ///
    /// # Errors
    ///
    /// If there is no such layer, or if one of them has ended a half already.
    pub fn anchor(&mut self, key: impl Into<LayerKey>) -> Result<(), Error> {
        self.check_alive()?;
        self.core.anchor(key.into())
    }

    /// Whether inbound bytes wait below the boundary at `place`, or inside a layer there.
    pub(crate) fn waits_below(&self, place: usize) -> bool {
        (self.core.holding | self.core.starved).any_below(place)
    }

    /// Whether the layer at `place` may leave now, for all that does not depend on how it leaves.
    pub(crate) fn check_leaving(&self, place: usize) -> Result<(), Error> {
        self.failure()?;
        self.check_anchor(place)?;
        if self.core.handshaking.any_above(place) {
            // It keeps bytes that were written while this layer stood.
            return Err(busy("a layer above is in its handshake"));
        }
        let slot = &self.slots[place];
        match slot.life {
            Life::Handshaking { .. } => Err(busy("the layer is in its handshake")),
            Life::Leaving { .. } => Err(refusal("the layer is leaving already")),
            Life::Standing if slot.node.exit() != Exit::Silent || self.is_silent(place) => Ok(()),
            Life::Standing if self.core.awaiting.has(place) => {
                Err(busy("the layer awaits the end mark of one below"))
            }
            Life::Standing => Err(refusal(
                "the layer has no end mark, and bytes are under way",
            )),
        }
    }

    pub(crate) fn check_anchor(&self, place: usize) -> Result<(), Error> {
        if !self.core.anchored.any_from(place) {
            return Ok(());
        }
        Err(refusal("the layer is anchored, or stands below an anchor"))
    }

    /// Whether the layer's [`Role`] allows the place. Layers that are leaving do not count, nor those
    /// that are `going` with the same change.
    pub(crate) fn check_order(
        &self,
        place: usize,
        layer: &dyn Layer,
        going: &[LayerKey],
    ) -> Result<(), Error> {
        let role = layer.role();
        if role == Role::Free {
            return Ok(());
        }
        for (at, slot) in self.slots[..self.top()].iter().enumerate() {
            let other = match slot.life {
                Life::Leaving { .. } => continue,
                _ if going.contains(&self.core.keys[at]) => continue,
                _ => slot.node.role(),
            };
            let allowed = match at < place {
                true => check_pair(other, role),
                false => check_pair(role, other),
            };
            allowed.map_err(|error| error.in_layer(layer.name()))?;
        }
        Ok(())
    }

    /// Whether no inbound byte is inside the layer at `place`, below it or above it: also a part of
    /// a record far below holds bytes that are still to cross it.
    pub(crate) fn is_silent(&self, place: usize) -> bool {
        self.core.holding.is_empty()
            && self.slots[place].node.held() == 0
            && !self.core.awaiting.has(place)
    }

    /// Whether no inbound byte waits at the boundary below `place` or above that.
    pub(crate) fn is_silent_from(&self, place: usize) -> bool {
        let waits = (self.core.holding | self.core.starved).any_from(place);
        let above = &self.slots[place..];
        !waits && above.iter().all(|slot| slot.node.held() == 0)
    }
}

impl Core {
    pub(crate) fn anchor(&mut self, key: LayerKey) -> Result<(), Error> {
        let place = self.place(key).filter(|place| place + 1 < self.depth);
        let place = place.ok_or_else(no_such_layer)?;
        let ended = self.shut.0 & !self.awaiting.0 | self.down.0;
        let asked = |key: &LayerKey| self.place(*key).is_some_and(|asked| asked <= place);
        if ended & Places::up_to(place).0 != 0 || self.to_pop.iter().any(asked) {
            return Err(refusal("a layer at or below the anchor is leaving"));
        }
        self.anchored.set(place, true);
        Ok(())
    }
}

/// Whether a layer of one role may stand above one of another.
pub(crate) fn check_pair(lower: Role, upper: Role) -> Result<(), Error> {
    let why = match (lower, upper) {
        (Role::Compression, Role::Compression) => "compression over compression",
        (Role::Compression, Role::Encryption) => "encryption above a compressor",
        (Role::Encryption, Role::Encryption) => "encryption within encryption",
        _ => return Ok(()),
    };
    let text = format!("{why} has to be asked for explicitly");
    Err(Error::new(ErrorKind::Order, Blame::Local, text))
}

pub(crate) fn no_such_layer() -> Error {
    refusal("no such layer stands in the stack")
}

/// Not possible, and waiting does not help.
pub(crate) fn refusal(why: &str) -> Error {
    Error::new(ErrorKind::Refused, Blame::Local, why)
}

/// Not possible before another change has come to its end.
pub(crate) fn busy(why: &str) -> Error {
    Error::new(ErrorKind::Busy, Blame::Local, why)
}

pub(crate) fn residue_error() -> Error {
    Error::new(
        ErrorKind::Residue,
        Blame::Remote,
        "the peer sent bytes before it could know of the new layer",
    )
}
