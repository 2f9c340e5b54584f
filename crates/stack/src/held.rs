//! What waits at a boundary.

use std::collections::VecDeque;

use crate::buffer::Buffer;
use crate::epoch::Renumbered;

/// The inbound bytes that wait at the boundary below a node, each stamped with its epoch.
#[derive(Debug, Default)]
pub(crate) struct Held {
    buffer: Buffer,
    /// The epoch of the first byte.
    epoch: u64,
    /// Where later epochs begin, counted from the connection's beginning like `gone`.
    later: VecDeque<(u64, u64)>,
    gone: u64,
}

/// The epochs of what waits at a boundary.
pub(crate) struct Stamps {
    epoch: u64,
    later: Vec<u64>,
}

impl Held {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.buffer.len()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// The epoch of the first byte.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether bytes of another epoch wait behind the first ones.
    pub(crate) fn straddles(&self) -> bool {
        !self.later.is_empty()
    }

    /// How many bytes, from the first on, share its epoch.
    #[inline]
    pub(crate) fn front_len(&self) -> usize {
        self.later
            .front()
            .map_or(self.buffer.len(), |(at, _)| (at - self.gone) as usize)
    }

    /// The first bytes, of one epoch.
    #[inline]
    pub(crate) fn front(&self) -> &[u8] {
        &self.buffer.bytes()[..self.front_len()]
    }

    #[inline]
    pub(crate) fn front_mut(&mut self) -> &mut [u8] {
        let n = self.front_len();
        &mut self.buffer.bytes_mut()[..n]
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.bytes()
    }

    #[inline]
    pub(crate) fn consume(&mut self, n: usize) {
        self.buffer.consume(n);
        self.gone += n as u64;
        while let Some(&(at, epoch)) = self.later.front()
            && at <= self.gone
        {
            self.epoch = epoch;
            self.later.pop_front();
        }
    }

    pub(crate) fn append(&mut self, bytes: &[u8], epoch: u64) {
        self.mark(epoch);
        self.buffer.append(bytes);
    }

    /// Puts `bytes` before those that are there; they take the epoch of the first byte, or
    /// `epoch` if there is none.
    pub(crate) fn prepend(&mut self, bytes: &[u8], epoch: u64) {
        if self.buffer.is_empty() {
            self.mark(epoch);
        }
        self.buffer.prepend(bytes);
        for (at, _) in &mut self.later {
            *at += bytes.len() as u64;
        }
    }

    /// Appends all that `other` holds, epochs kept.
    pub(crate) fn append_held(&mut self, mut other: Self) {
        if other.is_empty() {
            return;
        }
        if self.is_empty() {
            *self = other;
            return;
        }
        while !other.is_empty() {
            let n = other.front_len();
            self.append(other.front(), other.epoch());
            other.consume(n);
        }
    }

    /// Renumbers the epochs of the bytes that wait here, since a change above them took place before
    /// they rose.
    pub(crate) fn renumber(&mut self, renumbered: &Renumbered) {
        self.epoch = renumbered.of(self.epoch);
        for (_, epoch) in &mut self.later {
            *epoch = renumbered.of(*epoch);
        }
    }

    /// The stamps of the bytes that wait here, which may be put back as long as those do not change.
    pub(crate) fn stamps(&self) -> Stamps {
        Stamps {
            epoch: self.epoch,
            later: self.later.iter().map(|(_, epoch)| *epoch).collect(),
        }
    }

    pub(crate) fn restamp(&mut self, stamps: Stamps) {
        self.epoch = stamps.epoch;
        for ((_, epoch), stamp) in self.later.iter_mut().zip(stamps.later) {
            *epoch = stamp;
        }
    }

    /// The epochs of the bytes that wait here, oldest first.
    pub(crate) fn epochs(&self) -> impl Iterator<Item = u64> {
        let first = self.oldest().into_iter();
        first.chain(self.later.iter().map(|(_, epoch)| *epoch))
    }

    /// The bytes of the first epoch count as the next one's from now on.
    pub(crate) fn join_front(&mut self) {
        if let Some((_, epoch)) = self.later.pop_front() {
            self.epoch = epoch;
        }
    }

    /// The oldest epoch of any byte.
    pub(crate) fn oldest(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.epoch)
    }

    /// Room to read into, for the boundary above the network; then [`fill`](Self::fill).
    pub(crate) fn spare(&mut self, least: usize) -> &mut [u8] {
        self.buffer.spare(least)
    }

    pub(crate) fn fill(&mut self, n: usize, epoch: u64) {
        if n > 0 {
            self.mark(epoch);
        }
        self.buffer.fill(n);
    }

    /// Appends what `make` makes, and says how many bytes that is; see [`Buffer::make`].
    pub(crate) fn make<R>(
        &mut self,
        most: usize,
        epoch: u64,
        make: impl FnOnce(&mut [u8]) -> (usize, R),
    ) -> (usize, R) {
        let (n, result) = self.buffer.make(most, make);
        self.fill(n, epoch);
        (n, result)
    }

    /// The next byte to be appended is of `epoch`.
    fn mark(&mut self, epoch: u64) {
        if self.buffer.is_empty() {
            self.later.clear();
            self.epoch = epoch;
        } else if self.later.back().map_or(self.epoch, |&(_, last)| last) != epoch {
            self.later
                .push_back((self.gone + self.buffer.len() as u64, epoch));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_never_straddles_an_epoch() {
        let mut held = Held::default();
        held.append(b"old", 1);
        held.append(b"er", 1);
        held.append(b"new", 2);
        assert_eq!((held.front(), held.epoch()), (&b"older"[..], 1));
        held.consume(2);
        assert_eq!((held.front(), held.epoch()), (&b"der"[..], 1));
        held.prepend(b"un", 1);
        assert_eq!((held.front(), held.epoch()), (&b"under"[..], 1));
        held.consume(5);
        assert_eq!((held.front(), held.epoch()), (&b"new"[..], 2));
        held.append(b"est", 2);
        assert_eq!(held.front(), b"newest");
        assert!(!held.straddles());
    }

    #[test]
    fn appending_held_bytes_keeps_their_epochs() {
        let mut low = Held::default();
        low.append(b"b", 2);
        low.append(b"c", 3);
        let mut high = Held::default();
        high.append(b"a", 1);
        high.append_held(low);
        let mut seen = Vec::new();
        while !high.is_empty() {
            seen.push((high.front().to_vec(), high.epoch()));
            high.consume(high.front_len());
        }
        assert_eq!(
            seen,
            [(b"a".to_vec(), 1), (b"b".to_vec(), 2), (b"c".to_vec(), 3)]
        );
    }
}
