//! What deflate, zlib and gzip have in common: the deflate algorithm (RFC 1951), in three wrappings.

use std::sync::Arc;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use stack::Error;

use crate::codec::{Decode, Decoded, Encode, Encoded, Flush, Format, Then};

/// What is around the deflate stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapping {
    #[cfg(feature = "deflate")]
    Raw,
    #[cfg(feature = "zlib")]
    Zlib,
    #[cfg(feature = "gzip")]
    Gzip,
}

/// A format of the deflate family with its settings.
#[derive(Clone, Debug)]
pub(crate) struct Flate {
    wrapping: Wrapping,
    level: u32,
    window_log: u8,
    dictionary: Option<Arc<[u8]>>,
}

impl Flate {
    pub(crate) fn new(wrapping: Wrapping, level: u32) -> Self {
        Self {
            wrapping,
            level: level.min(9),
            window_log: 15,
            dictionary: None,
        }
    }

    pub(crate) fn with_window_log(mut self, window_log: u32) -> Self {
        self.window_log = window_log.clamp(9, 15) as u8;
        self
    }

    #[cfg(any(feature = "deflate", feature = "zlib"))]
    pub(crate) fn with_dictionary(mut self, dictionary: &[u8]) -> Self {
        self.dictionary = Some(dictionary.into());
        self
    }

    /// Whether the dictionary is given to the codec before the first byte; zlib's decoder asks for it.
    fn primes_decoder(&self) -> bool {
        match self.wrapping {
            #[cfg(feature = "deflate")]
            Wrapping::Raw => true,
            #[cfg(feature = "zlib")]
            Wrapping::Zlib => false,
            #[cfg(feature = "gzip")]
            Wrapping::Gzip => false,
        }
    }

    fn has_header(&self) -> bool {
        !self.primes_decoder()
    }
}

impl Format for Flate {
    fn name(&self) -> &'static str {
        match self.wrapping {
            #[cfg(feature = "deflate")]
            Wrapping::Raw => "deflate",
            #[cfg(feature = "zlib")]
            Wrapping::Zlib => "zlib",
            #[cfg(feature = "gzip")]
            Wrapping::Gzip => "gzip",
        }
    }

    fn level(&self) -> i32 {
        self.level as i32
    }

    fn nearest(&self, level: i32) -> i32 {
        level.clamp(0, 9)
    }

    fn encoder(&self, level: i32) -> Result<Box<dyn Encode>, Error> {
        let (level, window) = (Compression::new(level as u32), self.window_log);
        let compress = match self.wrapping {
            #[cfg(feature = "deflate")]
            Wrapping::Raw => Compress::new_with_window_bits(level, false, window),
            #[cfg(feature = "zlib")]
            Wrapping::Zlib => Compress::new_with_window_bits(level, true, window),
            #[cfg(feature = "gzip")]
            Wrapping::Gzip => Compress::new_gzip(level, window),
        };
        let dictionary = self.dictionary.clone();
        let mut encoder = Encoder {
            compress,
            dictionary,
        };
        encoder.prime()?;
        Ok(Box::new(encoder))
    }

    fn decoder(&self) -> Result<Box<dyn Decode>, Error> {
        let mut decoder = Decoder {
            decompress: self.decompress(),
            format: self.clone(),
        };
        decoder.prime()?;
        Ok(Box::new(decoder))
    }

    fn is_flexible(&self) -> bool {
        true
    }
}

impl Flate {
    fn decompress(&self) -> Decompress {
        let window = self.window_log;
        match self.wrapping {
            #[cfg(feature = "deflate")]
            Wrapping::Raw => Decompress::new_with_window_bits(false, window),
            #[cfg(feature = "zlib")]
            Wrapping::Zlib => Decompress::new_with_window_bits(true, window),
            #[cfg(feature = "gzip")]
            Wrapping::Gzip => Decompress::new_gzip(window),
        }
    }
}

struct Encoder {
    compress: Compress,
    dictionary: Option<Arc<[u8]>>,
}

impl Encoder {
    /// Gives a new stream its dictionary.
    fn prime(&mut self) -> Result<(), Error> {
        if let Some(dictionary) = &self.dictionary {
            self.compress.set_dictionary(dictionary).map_err(encoding)?;
        }
        Ok(())
    }

    fn step(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        flush: FlushCompress,
    ) -> Result<(Encoded, Status), Error> {
        let compress = &mut self.compress;
        let (taken, made) = (compress.total_in(), compress.total_out());
        let status = compress.compress(input, output, flush).map_err(encoding)?;
        let taken = (compress.total_in() - taken) as usize;
        let made = (compress.total_out() - made) as usize;
        // With room left over, nothing that the call was to make is left inside.
        let done = taken == input.len() && made < output.len();
        Ok((Encoded { taken, made, done }, status))
    }
}

impl Encode for Encoder {
    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Result<Encoded, Error> {
        Ok(self.step(input, output, FlushCompress::None)?.0)
    }

    fn flush(&mut self, flush: Flush, output: &mut [u8]) -> Result<Encoded, Error> {
        let flush = match flush {
            Flush::Sync => FlushCompress::Sync,
            Flush::Full => FlushCompress::Full,
        };
        Ok(self.step(&[], output, flush)?.0)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<Encoded, Error> {
        let (step, status) = self.step(&[], output, FlushCompress::Finish)?;
        let done = status == Status::StreamEnd;
        Ok(Encoded { done, ..step })
    }

    fn begin_again(&mut self, level: i32) -> Result<(), Error> {
        self.compress.reset();
        self.set_level(level)?;
        self.prime()
    }

    fn set_level(&mut self, level: i32) -> Result<(), Error> {
        let level = Compression::new(level as u32);
        self.compress.set_level(level).map_err(encoding)
    }
}

struct Decoder {
    decompress: Decompress,
    format: Flate,
}

impl Decoder {
    /// Gives a new stream its dictionary, if it does not ask for it itself.
    fn prime(&mut self) -> Result<(), Error> {
        match &self.format.dictionary {
            Some(dictionary) if self.format.primes_decoder() => {
                let primed = self.decompress.set_dictionary(dictionary);
                primed
                    .map(drop)
                    .map_err(|error| Error::local("the dictionary is of no use").with_source(error))
            }
            _ => Ok(()),
        }
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> (usize, usize, Result<Then, Error>) {
        let decompress = &mut self.decompress;
        let (taken, made) = (decompress.total_in(), decompress.total_out());
        let status = decompress.decompress(input, output, FlushDecompress::None);
        let taken = (decompress.total_in() - taken) as usize;
        let made = (decompress.total_out() - made) as usize;
        let then = match status {
            Ok(Status::StreamEnd) => Ok(Then::End),
            Ok(Status::Ok | Status::BufError) => Ok(Then::More),
            Err(error) if error.needs_dictionary().is_some() => {
                let dictionary = self.format.dictionary.as_deref().unwrap_or_default();
                decompress
                    .set_dictionary(dictionary)
                    .map(|_| Then::More)
                    .map_err(|_| Error::remote("compressed with an unknown dictionary"))
            }
            Err(error) => {
                let what = format!("not a {} stream", self.format.name());
                Err(Error::remote(what).with_source(error))
            }
        };
        (taken, made, then)
    }
}

impl Decode for Decoder {
    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Decoded {
        let (taken, made, then) = self.step(input, output);
        Decoded { taken, made, then }
    }

    fn begin_again(&mut self) -> Result<(), Error> {
        self.decompress.reset(self.format.has_header());
        self.prime()
    }
}

fn encoding(error: flate2::CompressError) -> Error {
    Error::local("compressing failed").with_source(error)
}
