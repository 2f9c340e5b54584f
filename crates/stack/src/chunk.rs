//! Bytes on their way down.

/// Bytes on their way to the network: lent by the caller, or already owned by a layer above.
///
/// A layer that changes bytes without changing their number does so in place when
/// [`owned_mut`](Self::owned_mut) allows it, and copies otherwise. A chunk is always taken whole.
#[derive(Debug)]
pub struct Chunk<'a>(Bytes<'a>);

#[derive(Debug)]
enum Bytes<'a> {
    Lent(&'a [u8]),
    Owned(&'a mut [u8]),
}

impl<'a> Chunk<'a> {
    /// Bytes that belong to the caller and may only be read.
    #[inline]
    pub fn lent(bytes: &'a [u8]) -> Self {
        Self(Bytes::Lent(bytes))
    }

    /// Bytes that whoever passes them on needs no more: they may be changed in place.
    #[inline]
    pub fn owned(bytes: &'a mut [u8]) -> Self {
        Self(Bytes::Owned(bytes))
    }

    /// The bytes, to read.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Bytes::Lent(bytes) => bytes,
            Bytes::Owned(bytes) => bytes,
        }
    }

    /// The bytes, to change in place, unless they are only lent.
    #[inline]
    pub fn owned_mut(&mut self) -> Option<&mut [u8]> {
        match &mut self.0 {
            Bytes::Lent(_) => None,
            Bytes::Owned(bytes) => Some(bytes),
        }
    }

    /// How many bytes there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> From<&'a [u8]> for Chunk<'a> {
    #[inline]
    fn from(bytes: &'a [u8]) -> Self {
        Self::lent(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Chunk<'a> {
    #[inline]
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::lent(bytes)
    }
}

impl<'a> From<&'a mut [u8]> for Chunk<'a> {
    #[inline]
    fn from(bytes: &'a mut [u8]) -> Self {
        Self::owned(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Chunk<'a> {
    #[inline]
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::lent(bytes)
    }
}

impl<'a, const N: usize> From<&'a mut [u8; N]> for Chunk<'a> {
    #[inline]
    fn from(bytes: &'a mut [u8; N]) -> Self {
        Self::owned(bytes)
    }
}

impl<'a> From<&'a mut Vec<u8>> for Chunk<'a> {
    #[inline]
    fn from(bytes: &'a mut Vec<u8>) -> Self {
        Self::owned(bytes)
    }
}

/// A chunk that somebody else will hand to the network from where it lies, if it crosses all layers
/// as it is: only watched, never copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lent {
    #[default]
    None,
    /// It is on its way down.
    Sinking { at: usize, len: usize },
    /// It has come down as it was, and nothing was in the outbox before it.
    Arrived,
}

impl Lent {
    pub(crate) fn sinking(bytes: &[u8]) -> Self {
        Self::Sinking {
            at: bytes.as_ptr() as usize,
            len: bytes.len(),
        }
    }
}
