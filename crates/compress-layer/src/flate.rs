//! What deflate, zlib and gzip have in common: the deflate algorithm (RFC 1951), in three wrappings.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use stack::Error;

use crate::codec::{Decode, Decoded, Encode, Encoded, Format, Then, too_wide};
use crate::dictionary::Dictionary;
use crate::wrapping::{Check, Wrapping};

/// A format of the deflate family with its settings.
#[derive(Clone, Debug)]
pub(crate) struct Flate {
    wrapping: Wrapping,
    level: u32,
    window_log: u8,
    dictionary: Option<Dictionary>,
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
}

impl Format for Flate {
    fn name(&self) -> &'static str {
        self.wrapping.name()
    }

    fn level(&self) -> i32 {
        self.level as i32
    }

    fn nearest(&self, level: i32) -> i32 {
        level.clamp(0, 9)
    }

    fn encoder(&self, level: i32) -> Result<Box<dyn Encode>, Error> {
        let mut encoder = Encoder {
            compress: None,
            level,
            format: self.clone(),
            header: Vec::new(),
            check: self.wrapping.check(),
        };
        encoder.begin_again(level)?;
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
    /// Only zlib's header tells of a window that could be refused. Any other is taken, for a narrow one
    /// would save nothing: zlib-rs keeps 32 KiB in any case.
    fn decompress(&self) -> Decompress {
        match self.wrapping {
            #[cfg(feature = "deflate")]
            Wrapping::Raw => Decompress::new(false),
            #[cfg(feature = "zlib")]
            Wrapping::Zlib => Decompress::new_with_window_bits(true, self.window_log),
            #[cfg(feature = "gzip")]
            Wrapping::Gzip => Decompress::new_gzip(15),
        }
    }
}

struct Encoder {
    /// Makes the raw stream; the wrapping is ours. None as long as there is nothing to remember, for it
    /// takes much memory.
    compress: Option<Compress>,
    level: i32,
    format: Flate,
    /// Until it is written.
    header: Vec<u8>,
    check: Check,
}

impl Encoder {
    fn compress(&mut self) -> &mut Compress {
        let (level, window_log) = (Compression::new(self.level as u32), self.format.window_log);
        let make = || Compress::new_with_window_bits(level, false, window_log);
        self.compress.get_or_insert_with(make)
    }

    fn step(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        flush: FlushCompress,
    ) -> Result<(Encoded, Status), Error> {
        let head = self.header.len();
        output[..head].copy_from_slice(&self.header);
        self.header.clear();
        let output = &mut output[head..];

        let compress = self.compress();
        let (taken, made) = (compress.total_in(), compress.total_out());
        let status = compress.compress(input, output, flush).map_err(encoding)?;
        let taken = (compress.total_in() - taken) as usize;
        let made = (compress.total_out() - made) as usize;
        self.check.update(&input[..taken]);
        // With room left over, nothing that the call was to make is left inside.
        let done = taken == input.len() && made < output.len();
        let made = head + made;
        Ok((Encoded { taken, made, done }, status))
    }
}

impl Encode for Encoder {
    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Result<Encoded, Error> {
        Ok(self.step(input, output, FlushCompress::None)?.0)
    }

    fn flush(&mut self, output: &mut [u8]) -> Result<Encoded, Error> {
        Ok(self.step(&[], output, FlushCompress::Sync)?.0)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<Encoded, Error> {
        let (step, status) = self.step(&[], output, FlushCompress::Finish)?;
        let trailer = self.check.trailer();
        // Else it is called again, and only the trailer is left to write.
        let done = status == Status::StreamEnd && output.len() - step.made >= trailer.len();
        let mut made = step.made;
        if done {
            output[made..][..trailer.len()].copy_from_slice(&trailer);
            made += trailer.len();
        }
        Ok(Encoded { made, done, ..step })
    }

    fn begin_again(&mut self, level: i32) -> Result<(), Error> {
        self.forget(level)?;
        let Flate {
            wrapping,
            window_log,
            dictionary,
            ..
        } = self.format.clone();
        let dictionary = dictionary.as_deref();
        self.header = wrapping.header(level as u32, window_log, dictionary);
        self.check = wrapping.check();
        if let Some(dictionary) = dictionary {
            let compress = self.compress();
            compress.set_dictionary(dictionary).map_err(encoding)?;
        }
        Ok(())
    }

    /// A flush has ended at a whole byte, so the blocks of an encoder that begins anew may follow.
    fn forget(&mut self, level: i32) -> Result<(), Error> {
        (self.compress, self.level) = (None, level);
        Ok(())
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
            Some(dictionary) if self.format.wrapping.primes_decoder() => {
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
            // Said of zlib's header alone.
            Err(error) if error.message() == Some("invalid window size") => Err(too_wide()),
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
        self.decompress.reset(self.format.wrapping.has_header());
        self.prime()
    }
}

fn encoding(error: flate2::CompressError) -> Error {
    Error::local("compressing failed").with_source(error)
}
