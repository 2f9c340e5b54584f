//! The spans between two changes of the stack.

use crate::bits::Places;
use crate::held::Stamps;
use crate::{LayerKey, Stack};

/// A span between two changes of the stack, in one direction, and the layers that stood in it.
///
/// Bytes are stamped with their epoch when they are decoded (inbound) or written (outbound), so a
/// byte that was protected when it came stays known as such however late it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    number: u64,
    layers: Vec<String>,
}

impl Epoch {
    pub(crate) fn new(number: u64, layers: Vec<String>) -> Self {
        Self { number, layers }
    }

    /// Counts the changes in this direction since the connection began.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The names of the layers that the bytes of this epoch crossed, lowest first.
    pub fn layers(&self) -> impl ExactSizeIterator<Item = &str> {
        self.layers.iter().map(String::as_str)
    }
}

/// A layer that bytes of an epoch cross, or have crossed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Crossed {
    pub(crate) key: LayerKey,
    pub(crate) name: String,
}

/// Inbound epochs: the present one, which the stack itself shows, and those before it of which
/// bytes still wait.
#[derive(Clone, Debug, Default)]
pub(crate) struct Epochs {
    pub(crate) present: u64,
    /// Oldest first, each with its layers, lowest first.
    past: Vec<(u64, Vec<Crossed>)>,
}

impl Epochs {
    /// Who is crossed by bytes of an epoch before the present one.
    pub(crate) fn past(&self, number: u64) -> Option<&[Crossed]> {
        let mut past = self.past.iter();
        let (_, layers) = past.find(|(of, _)| *of == number)?;
        Some(layers)
    }

    /// The present epoch is over, and bytes of it still wait.
    pub(crate) fn keep_present(&mut self, layers: Vec<Crossed>) {
        self.past.push((self.present, layers));
    }

    /// Begins a new epoch; no byte of any before it waits.
    pub(crate) fn begin_in_silence(&mut self) {
        self.present += 1;
        self.past.clear();
    }

    /// Begins a new epoch, and before it one for each of the epochs `old`, oldest first, whose bytes
    /// are yet to meet the change, and cross what `edit` makes of the layers that they crossed.
    pub(crate) fn begin(&mut self, old: &[u64], edit: impl Fn(&mut Vec<Crossed>)) -> Renumbered {
        let from = self.present;
        for number in old {
            let mut layers = self.past(*number).map(<[_]>::to_vec).unwrap_or_default();
            edit(&mut layers);
            self.present += 1;
            self.past.push((self.present, layers));
        }
        self.present += 1;
        Renumbered {
            old: old.to_vec(),
            from,
        }
    }

    /// In these epochs, which are over, from the `first` on, the layer was called `name`.
    pub(crate) fn rename(&mut self, first: u64, key: LayerKey, name: &str) {
        let ended = self.past.iter_mut().filter(|(number, _)| *number >= first);
        for layer in ended.flat_map(|(_, layers)| layers) {
            if layer.key == key {
                name.clone_into(&mut layer.name);
            }
        }
    }

    /// Bytes wait of these epochs only.
    pub(crate) fn retain(&mut self, waits: impl Fn(u64) -> bool) {
        self.past.retain(|(number, _)| waits(*number));
    }
}

/// What becomes of the epochs of bytes that are yet to meet a change.
pub(crate) struct Renumbered {
    /// Those before the one that was the present, oldest first.
    old: Vec<u64>,
    from: u64,
}

impl Renumbered {
    pub(crate) fn of(&self, number: u64) -> u64 {
        let at = self.old.iter().position(|old| *old == number);
        self.from + 1 + at.unwrap_or(self.old.len()) as u64
    }
}

/// What of a stack is not as before when the layers that came in are taken out again.
pub(crate) struct Before {
    anchored: Places,
    epochs: Epochs,
    written: u64,
    inside: Vec<(LayerKey, u64)>,
    held: Vec<Stamps>,
}

/// The epochs of what waits in a stack.
impl Stack {
    /// A change takes place below the node above `place`. Inbound bytes that have not risen past it
    /// are of new epochs: `edit` says which layers they cross now, given those of before.
    pub(crate) fn begin_read_epoch(&mut self, place: usize, edit: impl Fn(&mut Vec<Crossed>)) {
        if self.nothing_waits() {
            return self.epochs.begin_in_silence();
        }
        let present = self.epochs.present;
        if self.waits_above(place, present) {
            self.epochs.keep_present(self.crossed_now());
        }
        let renumbered = self.epochs.begin(&self.older_epochs(place), edit);
        for slot in &mut self.slots[..=place] {
            slot.held.renumber(&renumbered);
        }
        for (key, epoch) in &mut self.core.inside {
            if self.core.keys[..=place].contains(key) {
                *epoch = renumbered.of(*epoch);
            }
        }
        let (slots, inside) = (&self.slots, &self.core.inside);
        self.epochs.retain(|number| {
            slots
                .iter()
                .any(|slot| slot.held.epochs().any(|e| e == number))
                || inside.iter().any(|(_, epoch)| *epoch == number)
        });
    }

    /// The layer at `place` has ended an epoch, in which it was called `name`: `first`, or one of those
    /// that others have ended since.
    pub(crate) fn end_read_epoch(&mut self, place: usize, first: u64, name: &str) {
        self.begin_read_epoch(place, |_| {});
        self.epochs.rename(first, self.core.keys[place], name);
    }

    /// Inbound bytes that have not risen past `place` cross one more layer, the one that stands
    /// there now.
    #[inline]
    pub(crate) fn begin_read_epoch_of(&mut self, place: usize) {
        if self.nothing_waits() {
            return self.epochs.begin_in_silence();
        }
        let newcomer = Crossed {
            key: self.core.keys[place],
            name: self.slots[place].node.name().to_owned(),
        };
        let above = self.core.keys[place + 1..].to_vec();
        self.begin_read_epoch(place, |crossed| {
            let at = crossed.iter().position(|it| above.contains(&it.key));
            crossed.insert(at.unwrap_or(crossed.len()), newcomer.clone());
        });
    }

    /// The epochs and anchors as they stand, to go back to if a change fails.
    pub(crate) fn before(&self) -> Before {
        Before {
            anchored: self.core.anchored,
            epochs: self.epochs.clone(),
            written: self.written,
            inside: self.core.inside.clone(),
            held: self.slots.iter().map(|it| it.held.stamps()).collect(),
        }
    }

    /// The nodes stand as they did when `before` was taken, and so do the bytes that wait.
    pub(crate) fn restore(&mut self, before: Before) {
        self.core.anchored = before.anchored;
        self.epochs = before.epochs;
        self.written = before.written;
        self.core.inside = before.inside;
        for (slot, stamps) in self.slots.iter_mut().zip(before.held) {
            slot.held.restamp(stamps);
        }
    }

    /// The layers that bytes of the present epoch cross, lowest first.
    pub(crate) fn crossed_now(&self) -> Vec<Crossed> {
        let layers = self.slots[..self.top()].iter().zip(&self.core.keys);
        let crossed = layers.filter(|(slot, _)| !slot.passed_by());
        let crossed = crossed.map(|(slot, key)| Crossed {
            key: *key,
            name: slot.node.name().to_owned(),
        });
        crossed.collect()
    }

    /// The epochs before the present one of bytes that have not risen past `place`, oldest first.
    pub(crate) fn older_epochs(&self, place: usize) -> Vec<u64> {
        if self.nothing_waits() {
            return Vec::new();
        }
        let held = self.slots[..=place]
            .iter()
            .flat_map(|slot| slot.held.epochs());
        let inside = self.core.inside.iter();
        let inside = inside.filter(|(key, _)| self.core.keys[..=place].contains(key));
        let all = held.chain(inside.map(|(_, epoch)| *epoch));
        let mut older: Vec<u64> = all.filter(|epoch| *epoch != self.epochs.present).collect();
        older.sort_unstable();
        older.dedup();
        older
    }

    /// Whether no inbound byte waits anywhere, so that nobody has to be told apart.
    fn nothing_waits(&self) -> bool {
        self.core.held == 0 && self.core.inside.is_empty()
    }

    /// Whether bytes of this epoch wait above `place`.
    fn waits_above(&self, place: usize, epoch: u64) -> bool {
        let above = &self.core.keys[place + 1..];
        let inside = self.core.inside.iter();
        self.slots[place + 1..]
            .iter()
            .any(|slot| slot.held.epochs().any(|e| e == epoch))
            || inside
                .filter(|(_, e)| *e == epoch)
                .any(|(key, _)| above.contains(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(names: &str) -> Vec<Crossed> {
        let name = |(n, name): (usize, &str)| Crossed {
            key: LayerKey(n as u64),
            name: name.to_owned(),
        };
        names.split_whitespace().enumerate().map(name).collect()
    }

    #[test]
    fn bytes_that_meet_a_change_keep_what_tells_them_apart() {
        let mut epochs = Epochs::default();
        // Bytes of before the first change wait, and of before the second; then comes a third.
        epochs.keep_present(layers(""));
        epochs.begin(&[], |_| {});
        epochs.keep_present(layers("tls"));
        epochs.begin(&[], |_| {});
        let renumbered = epochs.begin(&[0, 1], |crossed| crossed.extend(layers("new")));
        assert_eq!([0, 1, 2].map(|old| renumbered.of(old)), [3, 4, 5]);
        assert_eq!(epochs.present, 5);
        let names = |number| {
            let crossed = epochs.past(number).unwrap().iter();
            crossed.map(|layer| layer.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!((names(3), names(4)), (vec!["new"], vec!["tls", "new"]));
        assert_eq!((names(0), names(1)), (vec![], vec!["tls"]));
        epochs.retain(|number| number > 1);
        assert!(epochs.past(1).is_none() && epochs.past(4).is_some());
    }
}
