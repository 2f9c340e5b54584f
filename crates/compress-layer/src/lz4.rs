//! LZ4 frames.

use std::io;

use compression_codecs::core::Level;
use compression_codecs::core::util::{PartialBuffer, WriteBuffer};
use compression_codecs::lz4::params::EncoderParams;
use compression_codecs::lz4::{Lz4Decoder, Lz4Encoder};
use compression_codecs::{DecodeV2, EncodeV2};
use stack::Error;

use crate::codec::{Decode, Decoded, Encode, Encoded, Format, Then};
use crate::{Codec, CompressLayer};

/// What a block takes at the most, which nothing is made of before it is whole.
const LARGEST_BLOCK: usize = 4 * 1024 * 1024;

impl CompressLayer {
    /// LZ4 frames in both directions: [`Lz4::new`].
    pub fn lz4(level: u32) -> Self {
        Self::new(Lz4::new(level))
    }
}

/// LZ4 frames (the LZ4 frame format, version 1.6.1). Each direction is one frame, or a series of them
/// ([`CompressLayer::framed`]). Skippable frames before it are passed over.
///
/// Our blocks are of 64 KiB at most; a peer's may be of 4 MiB, and make the decoder take twice that.
#[derive(Clone, Debug)]
pub struct Lz4 {
    level: u32,
    checksum: bool,
}

impl Lz4 {
    /// `level` goes from 0 (fastest) to 12 (smallest); below 3 all are the same, and above 12 it
    /// counts as 12. It concerns what this side sends only.
    pub fn new(level: u32) -> Self {
        Self {
            level: level.min(12),
            checksum: false,
        }
    }

    /// Ends each frame that this side sends with a checksum of its content (XXH32). A peer's is always
    /// checked.
    #[must_use]
    pub fn with_checksum(mut self) -> Self {
        self.checksum = true;
        self
    }

    fn encoder(&self, level: i32) -> Lz4Encoder {
        let params = EncoderParams::default().level(Level::Precise(level));
        Lz4Encoder::new(params.content_checksum(self.checksum))
    }
}

impl From<Lz4> for Codec {
    fn from(lz4: Lz4) -> Self {
        Self::of(lz4)
    }
}

impl Format for Lz4 {
    fn name(&self) -> &'static str {
        "lz4"
    }

    fn level(&self) -> i32 {
        self.level as i32
    }

    fn nearest(&self, level: i32) -> i32 {
        level.clamp(0, 12)
    }

    fn largest_block(&self) -> usize {
        LARGEST_BLOCK
    }

    fn encoder(&self, level: i32) -> Result<Box<dyn Encode>, Error> {
        Ok(Box::new(Encoder {
            lz4: self.encoder(level),
            format: self.clone(),
        }))
    }

    fn decoder(&self) -> Result<Box<dyn Decode>, Error> {
        Ok(Box::new(Decoder {
            lz4: Lz4Decoder::new(),
            frame: Frame::default(),
            brimming: false,
        }))
    }
}

struct Encoder {
    lz4: Lz4Encoder,
    format: Lz4,
}

impl Encode for Encoder {
    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Result<Encoded, Error> {
        let mut input = PartialBuffer::new(input);
        let mut output = WriteBuffer::new_initialized(output);
        self.lz4.encode(&mut input, &mut output).map_err(encoding)?;
        let done = input.unwritten().is_empty() && !output.has_no_spare_space();
        let (taken, made) = (input.written_len(), output.written_len());
        Ok(Encoded { taken, made, done })
    }

    fn flush(&mut self, output: &mut [u8]) -> Result<Encoded, Error> {
        let mut output = WriteBuffer::new_initialized(output);
        let done = self.lz4.flush(&mut output).map_err(encoding)?;
        let (taken, made) = (0, output.written_len());
        Ok(Encoded { taken, made, done })
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<Encoded, Error> {
        let mut output = WriteBuffer::new_initialized(output);
        let done = self.lz4.finish(&mut output).map_err(encoding)?;
        let (taken, made) = (0, output.written_len());
        Ok(Encoded { taken, made, done })
    }

    fn begin_again(&mut self, level: i32) -> Result<(), Error> {
        self.lz4 = self.format.encoder(level);
        Ok(())
    }
}

/// A call of lz4 that fails does not say what it had written before, so a call gets no more than one
/// part of a frame, and none at all while output of the last one is left inside. Then all that a
/// failing call has made is undecodable.
struct Decoder {
    lz4: Lz4Decoder,
    frame: Frame,
    /// The last call filled its output.
    brimming: bool,
}

impl Decode for Decoder {
    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Decoded {
        let (mut taken, mut made) = (0, 0);
        let then = loop {
            let feed = match self.brimming {
                true => 0,
                false => self.frame.left.min(input.len() - taken),
            };
            let mut piece = PartialBuffer::new(&input[taken..taken + feed]);
            let mut room = WriteBuffer::new_initialized(&mut output[made..]);
            let ended = match self.lz4.decode(&mut piece, &mut room) {
                Ok(ended) => ended,
                Err(error) => break Err(Error::remote("not an lz4 frame").with_source(error)),
            };
            if piece.written_len() + room.written_len() == 0 && !self.brimming && !ended {
                break Err(Error::remote(
                    "an lz4 frame that does not end where it should",
                ));
            }
            self.brimming = room.has_no_spare_space();
            made += room.written_len();
            taken += piece.written_len();
            self.frame.took(piece.written());
            if ended {
                self.brimming = false;
                if !std::mem::take(&mut self.frame).is_skippable() {
                    break Ok(Then::End);
                }
            }
            if taken == input.len() || made == output.len() {
                break Ok(Then::More);
            }
        };
        Decoded { taken, made, then }
    }

    fn begin_again(&mut self) -> Result<(), Error> {
        (self.frame, self.brimming) = (Frame::default(), false);
        self.lz4
            .reinit()
            .map_err(|error| Error::local("the decoder does not begin again").with_source(error))
    }
}

/// How far a frame has come.
struct Frame {
    part: Part,
    /// How many bytes of the part are still to come.
    left: usize,
    /// The last bytes that came, at most as many as the part has: what it tells, once it is over.
    tail: [u8; 4],
    /// What the frame's descriptor says of checksums and fields.
    flags: u8,
}

/// A part of a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Magic,
    /// Flags, and the size of a block at the most.
    Descriptor,
    /// What the flags say that there is, and a checksum.
    Fields,
    BlockSize,
    Block,
    BlockChecksum,
    /// The last part: there is a checksum of the content, or nothing.
    Checksum,
    SkippedSize,
    /// The last part of a skippable frame.
    Skipped,
}

impl Default for Frame {
    fn default() -> Self {
        Self {
            part: Part::Magic,
            left: 4,
            tail: [0; 4],
            flags: 0,
        }
    }
}

impl Frame {
    fn took(&mut self, bytes: &[u8]) {
        for byte in &bytes[bytes.len().saturating_sub(4)..] {
            self.tail.rotate_left(1);
            self.tail[3] = *byte;
        }
        self.left -= bytes.len();
        // A block may be empty, and still have its checksum.
        while self.left == 0 && !bytes.is_empty() && !self.is_over() {
            self.next();
        }
    }

    /// The part is over.
    fn next(&mut self) {
        let has = |flag: u8| self.flags & flag != 0;
        let number = u32::from_le_bytes(self.tail);
        (self.part, self.left) = match self.part {
            Part::Magic if number & !0xf == 0x184d_2a50 => (Part::SkippedSize, 4),
            Part::Magic => (Part::Descriptor, 2),
            Part::Descriptor => {
                self.flags = self.tail[2];
                let has = |flag: u8| usize::from(self.flags & flag != 0);
                // The content's size, and the dictionary's id.
                (Part::Fields, 8 * has(0x08) + 4 * has(0x01) + 1)
            }
            Part::BlockSize if number == 0 && has(0x04) => (Part::Checksum, 4),
            Part::BlockSize if number == 0 => (Part::Checksum, 0),
            // The highest bit: it is stored as it is.
            Part::BlockSize => (Part::Block, (number & !(1 << 31)) as usize),
            Part::Block if has(0x10) => (Part::BlockChecksum, 4),
            Part::Fields | Part::Block | Part::BlockChecksum => (Part::BlockSize, 4),
            Part::SkippedSize => (Part::Skipped, number as usize),
            Part::Checksum | Part::Skipped => (self.part, 0),
        };
    }

    /// Whether no part follows.
    fn is_over(&self) -> bool {
        matches!(self.part, Part::Checksum | Part::Skipped)
    }

    /// Whether it is a frame that holds nothing for the application, and so no end mark either.
    fn is_skippable(&self) -> bool {
        matches!(self.part, Part::SkippedSize | Part::Skipped)
    }
}

fn encoding(error: io::Error) -> Error {
    Error::local("compressing failed").with_source(error)
}
