//! What the layer asks of a format. A new format is one file that implements this, with a
//! constructor of [`CompressLayer`](crate::CompressLayer) in it.

use stack::Error;

/// A format, and how it is set up: it makes both halves, anew for each push.
pub(crate) trait Codec: Send + Sync {
    /// The layer's name.
    fn name(&self) -> &'static str;
    fn level(&self) -> i32;
    fn encoder(&self) -> Result<Box<dyn Encode>, Error>;
    fn decoder(&self) -> Result<Box<dyn Decode>, Error>;
}

/// The outbound half. Each method is called until it says that it is done, with an output that
/// was emptied in between.
pub(crate) trait Encode: Send + Sync {
    /// Takes input, and may make output of it. Done when all is taken, and the output had room.
    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Result<Encoded, Error>;

    /// Makes all output that lets the peer decode what was taken. Called only if something was
    /// taken since the last flush, with an output of [`ROOM`](crate::layer::ROOM).
    fn flush(&mut self, output: &mut [u8]) -> Result<Encoded, Error>;

    /// Makes the rest and the end mark.
    fn finish(&mut self, output: &mut [u8]) -> Result<Encoded, Error>;
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
