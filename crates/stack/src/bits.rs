//! A set of nodes, a bit for each place in the stack.

/// A set of places in the stack; place 0 is the lowest layer.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Places(pub(crate) u64);

impl Places {
    pub(crate) const ALL: Self = Self(!0);

    #[inline]
    pub(crate) fn has(self, place: usize) -> bool {
        self.0 >> place & 1 != 0
    }

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[inline]
    pub(crate) fn set(&mut self, place: usize, on: bool) {
        if on {
            self.0 |= 1 << place;
        } else {
            self.0 &= !(1 << place);
        }
    }

    /// Whether any place above `place` is in the set.
    #[inline]
    pub(crate) fn any_above(self, place: usize) -> bool {
        self.0 >> (place + 1) != 0
    }

    /// Whether `place`, or any above it, is in the set.
    #[inline]
    pub(crate) fn any_from(self, place: usize) -> bool {
        self.0 >> place != 0
    }

    /// Whether any place below `place` is in the set.
    pub(crate) fn any_below(self, place: usize) -> bool {
        self.0 & ((1 << place) - 1) != 0
    }

    /// The highest place in the set.
    pub(crate) fn highest(self) -> Option<usize> {
        self.0.checked_ilog2().map(|place| place as usize)
    }

    /// All places above the lowest in the set; none, if it is empty.
    pub(crate) fn above_lowest(self) -> Self {
        Self(!(self.0 ^ self.0.wrapping_sub(1)))
    }

    /// All places up to and with `place`.
    pub(crate) fn up_to(place: usize) -> Self {
        Self((2 << place) - 1)
    }

    /// A node comes in at `place`: those from there on move up by one.
    pub(crate) fn open(&mut self, place: usize) {
        let low = (1 << place) - 1;
        self.0 = self.0 & low | (self.0 & !low) << 1;
    }

    /// The node at `place` goes: those above move down by one.
    pub(crate) fn close(&mut self, place: usize) {
        let low = (1 << place) - 1;
        self.0 = self.0 & low | self.0 >> 1 & !low;
    }
}

impl std::ops::BitOr for Places {
    type Output = Self;
    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl std::fmt::Debug for Places {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set()
            .entries((0..64).filter(|&place| self.has(place)))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_keep_their_bits_when_others_come_and_go() {
        let mut places = Places(0b1011);
        places.open(1);
        assert_eq!(places.0, 0b10101);
        places.close(1);
        assert_eq!(places.0, 0b1011);
        places.close(1);
        assert_eq!(places.0, 0b101);
        assert!(places.any_above(0) && !places.any_above(2));
        assert_eq!(Places::up_to(2).0, 0b111);
        assert_eq!(Places(0b110).above_lowest().0, !0b11);
        assert_eq!(Places(0).above_lowest().0, 0);
    }
}
