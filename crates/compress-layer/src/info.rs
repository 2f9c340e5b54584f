//! What a layer tells of itself.

use crate::codec::Codec;

/// How a [`CompressLayer`](crate::CompressLayer) compresses, and what it has gained since it was
/// pushed: ask [`Stack::info`](stack::Stack::info) for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompressInfo {
    /// The level at which this side compresses; `None` if it does not.
    pub level: Option<i32>,
    /// Outbound: what was written, and what was made of it so far.
    pub sent: Volume,
    /// Inbound: what came, and what was made of it so far.
    pub received: Volume,
}

/// How many bytes went one way, plain and compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Volume {
    /// The format, such as `"deflate"`; `None` where the bytes are left as they are.
    pub codec: Option<&'static str>,
    /// Bytes as the application writes and reads them.
    pub plain: u64,
    /// Bytes as they are on the wire.
    pub compressed: u64,
}

impl Volume {
    pub(crate) fn of(codec: Option<&Codec>) -> Self {
        Self {
            codec: codec.map(|codec| codec.format().name()),
            ..Self::default()
        }
    }

    pub(crate) fn count(&mut self, plain: usize, compressed: usize) {
        self.plain += plain as u64;
        self.compressed += compressed as u64;
    }

    /// What is on the wire for each plain byte; `None` before the first. What an encoder still
    /// keeps until a flush counts as plain only.
    pub fn ratio(&self) -> Option<f64> {
        (self.plain > 0).then(|| self.compressed as f64 / self.plain as f64)
    }
}
