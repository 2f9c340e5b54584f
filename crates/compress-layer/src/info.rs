//! What a layer tells of itself.

/// How a [`CompressLayer`](crate::CompressLayer) compresses, and what it has gained since it was
/// pushed: ask [`Stack::info`](stack::Stack::info) for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompressInfo {
    /// The format, which is also the layer's name: `"deflate"`, `"zstd"`.
    pub codec: &'static str,
    /// The level at which this side compresses.
    pub level: i32,
    /// Outbound: what was written, and what was made of it so far.
    pub sent: Volume,
    /// Inbound: what came, and what was made of it so far.
    pub received: Volume,
}

/// An amount of bytes, plain and compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Volume {
    /// As the application writes and reads them.
    pub plain: u64,
    /// As they are on the wire.
    pub compressed: u64,
}
