//! The gzip format (RFC 1952).

use crate::flate::Flate;
use crate::wrapping::Wrapping;
use crate::{Codec, CompressLayer};

impl CompressLayer {
    /// gzip (RFC 1952) in both directions: [`Gzip::new`].
    pub fn gzip(level: u32) -> Self {
        Self::new(Gzip::new(level))
    }
}

/// gzip (RFC 1952): deflate with a header, and a checksum (CRC-32) and the length at the end. The header
/// may hold a file name, a comment and more, which are passed over, as far as
/// [`CompressLayer::with_fruitless_limit`] goes.
#[derive(Clone, Debug)]
pub struct Gzip(Flate);

impl Gzip {
    /// `level` goes from 0 (stored) and 1 (fastest) to 9 (smallest), 6 being usual; above 9 it
    /// counts as 9. It concerns what this side sends only.
    pub fn new(level: u32) -> Self {
        Self(Flate::new(Wrapping::Gzip, level))
    }

    /// The base-2 logarithm of our encoder's window, in bytes: 9 to 15, 15 if not set. A smaller one takes
    /// less memory, and compresses less. A peer's may be of any size.
    #[must_use]
    pub fn with_window_log(self, window_log: u32) -> Self {
        Self(self.0.with_window_log(window_log))
    }
}

impl From<Gzip> for Codec {
    fn from(gzip: Gzip) -> Self {
        Self::of(gzip.0)
    }
}
