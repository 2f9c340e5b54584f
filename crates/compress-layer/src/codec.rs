//! What the layer asks of a format. A new format is one file that implements this, and a line in
//! `lib.rs`.

use std::fmt;
use std::sync::Arc;

use stack::{Blame, Error, ErrorKind};

/// A format with its settings: one of [`Deflate`](crate::Deflate), [`Zstd`](crate::Zstd), …, by
/// `into`.
#[derive(Clone)]
pub struct Codec(Arc<dyn Format>);

impl Codec {
    pub(crate) fn of(format: impl Format + 'static) -> Self {
        Self(Arc::new(format))
    }

    pub(crate) fn format(&self) -> &dyn Format {
        &*self.0
    }
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Codec").field(&self.0.name()).finish()
    }
}

/// A format, and how it is set up: it makes both halves.
pub(crate) trait Format: Send + Sync {
    /// The name, which is the layer's too.
    fn name(&self) -> &'static str;

    /// The level at which the layer begins to compress.
    fn level(&self) -> i32;

    /// The level of this format that comes nearest to this one.
    fn nearest(&self, level: i32) -> i32;

    fn encoder(&self, level: i32) -> Result<Box<dyn Encode>, Error>;

    fn decoder(&self) -> Result<Box<dyn Decode>, Error>;

    /// The most input that an honest peer may send before one byte comes of it: a block that is decoded
    /// whole.
    fn largest_block(&self) -> usize {
        0
    }

    /// Whether a running encoder can take another level, and forget what it has seen, in the midst of
    /// its stream ([`Encode::forget`]). Else that needs a new stream.
    fn is_flexible(&self) -> bool {
        false
    }
}

/// The outbound half. A method that makes output is called until it says that it is done, with an
/// output that was emptied in between.
pub(crate) trait Encode: Send + Sync {
    /// Takes input, and may make output of it. Done when all is taken, and the output had room.
    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Result<Encoded, Error>;

    /// Makes all output that lets the peer decode what was taken, with an output of
    /// [`ROOM`](crate::sending::ROOM). Called only if something was taken since the last one.
    fn flush(&mut self, output: &mut [u8]) -> Result<Encoded, Error>;

    /// Makes the rest and the end mark.
    fn finish(&mut self, output: &mut [u8]) -> Result<Encoded, Error>;

    /// Begins a new stream, behind one that was finished.
    fn begin_again(&mut self, level: i32) -> Result<(), Error>;

    /// Goes on at this level, right behind a flush, and refers to nothing that was taken before.
    fn forget(&mut self, level: i32) -> Result<(), Error> {
        unreachable!("level {level} needs a new stream")
    }
}

/// What a call of an encoder did.
pub(crate) struct Encoded {
    /// Bytes of input.
    pub(crate) taken: usize,
    /// Bytes of output.
    pub(crate) made: usize,
    pub(crate) done: bool,
}

/// The inbound half.
pub(crate) trait Decode: Send + Sync {
    /// Takes input and makes output, until one of them is used up or the end mark has come.
    ///
    /// With an output that is then full there may be more inside, to be made without input.
    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Decoded;

    /// Begins a new stream, behind an end mark.
    fn begin_again(&mut self) -> Result<(), Error>;
}

/// What a call of a decoder did. Also with an error, the bytes made are good.
pub(crate) struct Decoded {
    /// Bytes of input; with the end mark, those up to it.
    pub(crate) taken: usize,
    /// Bytes of output.
    pub(crate) made: usize,
    pub(crate) then: Result<Then, Error>,
}

/// What follows behind the bytes that a decoder took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    More,
    /// Nothing: the end mark was the last thing taken.
    End,
}

/// The peer says that it needs a window larger than this side's settings allow.
#[cfg_attr(
    not(any(
        feature = "deflate",
        feature = "zlib",
        feature = "gzip",
        feature = "zstd",
        feature = "brotli"
    )),
    expect(dead_code, reason = "lz4 has no window to choose")
)]
pub(crate) fn too_wide() -> Error {
    let why = "a window larger than is allowed";
    Error::new(ErrorKind::Limit, Blame::Remote, why)
}
