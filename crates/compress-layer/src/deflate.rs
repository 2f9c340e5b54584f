//! Raw deflate (RFC 1951), as in IMAP's and NNTP's COMPRESS.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use stack::Error;

use crate::CompressLayer;
use crate::codec::{Codec, Decode, Decoded, Encode, Encoded, Then};

impl CompressLayer {
    /// Raw deflate (RFC 1951), without the frame of zlib or gzip.
    ///
    /// `level` goes from 0 (stored) and 1 (fastest) to 9 (smallest), 6 being usual; above 9 it
    /// counts as 9. It concerns what this side sends only. The window is 32 KiB at all levels.
    pub fn deflate(level: u32) -> Self {
        Self::new(Deflate {
            level: level.min(9),
        })
    }
}

struct Deflate {
    level: u32,
}

impl Codec for Deflate {
    fn name(&self) -> &'static str {
        "deflate"
    }

    fn level(&self) -> i32 {
        self.level as i32
    }

    fn encoder(&self) -> Result<Box<dyn Encode>, Error> {
        let level = Compression::new(self.level);
        Ok(Box::new(Encoder(Compress::new(level, false))))
    }

    fn decoder(&self) -> Result<Box<dyn Decode>, Error> {
        Ok(Box::new(Decoder(Decompress::new(false))))
    }
}

struct Encoder(Compress);

impl Encoder {
    fn step(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        flush: FlushCompress,
    ) -> Result<(Encoded, Status), Error> {
        let (taken, made) = (self.0.total_in(), self.0.total_out());
        let status = self
            .0
            .compress(input, output, flush)
            .map_err(|error| Error::local("compressing failed").with_source(error))?;
        let taken = (self.0.total_in() - taken) as usize;
        let made = (self.0.total_out() - made) as usize;
        // With room left over, nothing that the call was to make is left inside.
        let done = taken == input.len() && made < output.len();
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
        let done = status == Status::StreamEnd;
        Ok(Encoded { done, ..step })
    }
}

struct Decoder(Decompress);

impl Decode for Decoder {
    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Decoded {
        let (taken, made) = (self.0.total_in(), self.0.total_out());
        let status = self.0.decompress(input, output, FlushDecompress::None);
        Decoded {
            taken: (self.0.total_in() - taken) as usize,
            made: (self.0.total_out() - made) as usize,
            then: match status {
                Ok(Status::StreamEnd) => Ok(Then::End),
                Ok(Status::Ok | Status::BufError) => Ok(Then::More),
                Err(error) => Err(Error::remote("not a deflate stream").with_source(error)),
            },
        }
    }
}
