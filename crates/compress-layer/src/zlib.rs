//! The zlib format (RFC 1950).

use crate::flate::Flate;
use crate::wrapping::Wrapping;
use crate::{Codec, CompressLayer};

impl CompressLayer {
    /// zlib (RFC 1950) in both directions: [`Zlib::new`].
    pub fn zlib(level: u32) -> Self {
        Self::new(Zlib::new(level))
    }
}

/// zlib (RFC 1950): deflate with a header of two bytes, and a checksum (Adler-32) at the end. HTTP calls
/// it `deflate`.
#[derive(Clone, Debug)]
pub struct Zlib(Flate);

impl Zlib {
    /// `level` goes from 0 (stored) and 1 (fastest) to 9 (smallest), 6 being usual; above 9 it
    /// counts as 9. It concerns what this side sends only.
    pub fn new(level: u32) -> Self {
        Self(Flate::new(Wrapping::Zlib, level))
    }

    /// The base-2 logarithm of the window, in bytes: 9 to 15, 15 if not set. A smaller one takes less
    /// memory for what is sent, and compresses less. It is what our encoder uses and the most that our
    /// decoder takes: a peer that says in its header that its window is larger is refused.
    #[must_use]
    pub fn with_window_log(self, window_log: u32) -> Self {
        Self(self.0.with_window_log(window_log))
    }

    /// Bytes that both sides know beforehand, the likeliest last, of which the last 32 KiB count. The
    /// header names them (by their Adler-32); a peer that uses others is refused, and one that uses
    /// none is not.
    #[must_use]
    pub fn with_dictionary(self, dictionary: &[u8]) -> Self {
        Self(self.0.with_dictionary(dictionary))
    }
}

impl From<Zlib> for Codec {
    fn from(zlib: Zlib) -> Self {
        Self::of(zlib.0)
    }
}
