//! Brotli (RFC 7932).

use ::brotli::enc::StandardAlloc;
use ::brotli::enc::encode::{BrotliEncoderOperation as Operation, BrotliEncoderStateStruct};
use ::brotli::{BrotliDecompressStream, BrotliResult, BrotliState};
use stack::Error;

use crate::codec::{Decode, Decoded, Encode, Encoded, Format, Then, too_wide};
use crate::{Codec, CompressLayer};

/// The largest window of RFC 7932: 16 MiB.
const WINDOW_LOG: u32 = 24;

impl CompressLayer {
    /// Brotli (RFC 7932) in both directions: [`Brotli::new`].
    pub fn brotli(quality: u32) -> Self {
        Self::new(Brotli::new(quality))
    }
}

/// The window that the qualities 0 and 1 cannot do without.
const FAST_WINDOW_LOG: u32 = 18;

/// Brotli (RFC 7932). What the decoder has made in the same call in which it meets something damaged is
/// lost with it.
#[derive(Clone, Debug)]
pub struct Brotli {
    quality: u32,
    window_log: Option<u32>,
}

impl Brotli {
    /// `quality`, which is the level, goes from 0 (fastest) to 11 (smallest, and very slow); above 11 it
    /// counts as 11, and 4 or 5 suit a connection. It concerns what this side sends only.
    ///
    /// The encoder holds 9 MiB at quality 4, and 41 MiB at 9; with a window of 256 KiB
    /// ([`with_window_log`](Self::with_window_log) of 18) 1.3 MiB at quality 4.
    pub fn new(quality: u32) -> Self {
        Self {
            quality: quality.min(11),
            window_log: None,
        }
    }

    /// The base-2 logarithm of the window, in bytes: 10 to 24. It is what our encoder uses, and the most
    /// that our decoder takes. If not set, our encoder's is 22 (4 MiB), and a peer's may be 24 (16 MiB).
    /// The qualities 0 and 1 need 18; with less they count as 2.
    #[must_use]
    pub fn with_window_log(mut self, window_log: u32) -> Self {
        self.window_log = Some(window_log.clamp(10, WINDOW_LOG));
        self
    }
}

impl From<Brotli> for Codec {
    fn from(brotli: Brotli) -> Self {
        Self::of(brotli)
    }
}

impl Format for Brotli {
    fn name(&self) -> &'static str {
        "brotli"
    }

    fn level(&self) -> i32 {
        self.nearest(self.quality as i32)
    }

    fn nearest(&self, level: i32) -> i32 {
        let narrow = self.window_log.is_some_and(|log| log < FAST_WINDOW_LOG);
        level.clamp(if narrow { 2 } else { 0 }, 11)
    }

    fn encoder(&self, level: i32) -> Result<Box<dyn Encode>, Error> {
        let window_log = self.window_log.unwrap_or(22);
        Ok(Box::new(Encoder {
            state: encoding(level, window_log),
            window_log,
        }))
    }

    fn decoder(&self) -> Result<Box<dyn Decode>, Error> {
        Ok(Box::new(Decoder {
            state: decoding(),
            begun: false,
            window_log: self.window_log.unwrap_or(WINDOW_LOG),
        }))
    }
}

struct Encoder {
    state: Box<BrotliEncoderStateStruct<StandardAlloc>>,
    window_log: u32,
}

fn encoding(quality: i32, window_log: u32) -> Box<BrotliEncoderStateStruct<StandardAlloc>> {
    let mut state = BrotliEncoderStateStruct::new(StandardAlloc::default());
    state.params.quality = quality;
    state.params.lgwin = window_log as i32;
    Box::new(state)
}

impl Encoder {
    fn step(
        &mut self,
        operation: Operation,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(usize, usize), Error> {
        let (mut taken, mut made) = (0, 0);
        let done = self.state.compress_stream(
            operation,
            &mut input.len(),
            input,
            &mut taken,
            &mut output.len(),
            output,
            &mut made,
            &mut None,
            &mut |_, _, _, _| (),
        );
        match done {
            true => Ok((taken, made)),
            false => Err(Error::local("compressing failed")),
        }
    }
}

impl Encode for Encoder {
    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Result<Encoded, Error> {
        let (taken, made) = self.step(Operation::BROTLI_OPERATION_PROCESS, input, output)?;
        let done = taken == input.len() && !self.state.has_more_output();
        Ok(Encoded { taken, made, done })
    }

    fn flush(&mut self, output: &mut [u8]) -> Result<Encoded, Error> {
        let (taken, made) = self.step(Operation::BROTLI_OPERATION_FLUSH, &[], output)?;
        let done = !self.state.has_more_output();
        Ok(Encoded { taken, made, done })
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<Encoded, Error> {
        let (taken, made) = self.step(Operation::BROTLI_OPERATION_FINISH, &[], output)?;
        let done = self.state.is_finished();
        Ok(Encoded { taken, made, done })
    }

    fn begin_again(&mut self, level: i32) -> Result<(), Error> {
        self.state = encoding(level, self.window_log);
        Ok(())
    }
}

type Decoding = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

struct Decoder {
    state: Box<Decoding>,
    /// The first byte, which tells the window, has come.
    begun: bool,
    window_log: u32,
}

/// Without the large windows (up to 1 GiB) that are no part of RFC 7932.
fn decoding() -> Box<Decoding> {
    let alloc = StandardAlloc::default;
    Box::new(BrotliState::new_strict(alloc(), alloc(), alloc()))
}

/// The window that a stream's first byte tells (RFC 7932, section 9.1), as a logarithm; `None` if there
/// is none such.
fn window_log(first: u8) -> Option<u32> {
    let (low, high) = (u32::from(first >> 1 & 7), u32::from(first >> 4 & 7));
    match (first & 1, low, high) {
        (0, ..) => Some(16),
        (_, 1.., _) => Some(17 + low),
        (_, 0, 0) => Some(17),
        (_, 0, 1) => None,
        (_, 0, _) => Some(8 + high),
    }
}

impl Decode for Decoder {
    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Decoded {
        let (mut taken, mut made) = (0, 0);
        if let Some(first) = input.first()
            && !std::mem::replace(&mut self.begun, true)
            && window_log(*first).is_some_and(|log| log > self.window_log)
        {
            let then = Err(too_wide());
            return Decoded { taken, made, then };
        }
        let result = BrotliDecompressStream(
            &mut input.len(),
            &mut taken,
            input,
            &mut output.len(),
            &mut made,
            output,
            &mut 0,
            &mut self.state,
        );
        let then = match result {
            BrotliResult::ResultSuccess => Ok(Then::End),
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => Ok(Then::More),
            BrotliResult::ResultFailure => Err(Error::remote("not a brotli stream")),
        };
        Decoded { taken, made, then }
    }

    fn begin_again(&mut self) -> Result<(), Error> {
        (self.state, self.begun) = (decoding(), false);
        Ok(())
    }
}
