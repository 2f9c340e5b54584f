//! Raw deflate (RFC 1951), as in IMAP's and NNTP's COMPRESS.

use crate::flate::Flate;
use crate::wrapping::Wrapping;
use crate::{Codec, CompressLayer};

impl CompressLayer {
    /// Raw deflate (RFC 1951) in both directions: [`Deflate::new`].
    pub fn deflate(level: u32) -> Self {
        Self::new(Deflate::new(level))
    }
}

/// Raw deflate (RFC 1951), without the header and the checksum of zlib or gzip: COMPRESS of IMAP (RFC
/// 4978) and of NNTP (RFC 8054).
#[derive(Clone, Debug)]
pub struct Deflate(Flate);

impl Deflate {
    /// `level` goes from 0 (stored) and 1 (fastest) to 9 (smallest), 6 being usual; above 9 it
    /// counts as 9. It concerns what this side sends only.
    pub fn new(level: u32) -> Self {
        Self(Flate::new(Wrapping::Raw, level))
    }

    /// The base-2 logarithm of our encoder's window, in bytes: 9 to 15, 15 if not set. A smaller one takes
    /// less memory, and compresses less. A peer's may be of any size.
    #[must_use]
    pub fn with_window_log(self, window_log: u32) -> Self {
        Self(self.0.with_window_log(window_log))
    }

    /// Bytes that both sides know beforehand, the likeliest last, of which the last 32 KiB count. The
    /// peer must have the same: nothing in the stream tells of it.
    #[must_use]
    pub fn with_dictionary(self, dictionary: &[u8]) -> Self {
        Self(self.0.with_dictionary(dictionary))
    }
}

impl From<Deflate> for Codec {
    fn from(deflate: Deflate) -> Self {
        Self::of(deflate.0)
    }
}
