//! Zstandard (RFC 8878): each direction is one frame.

use std::fmt;

use stack::Error;
use zstd_safe::zstd_sys::ZSTD_EndDirective as End;
use zstd_safe::{CCtx, CParameter, DCtx, DParameter, InBuffer, OutBuffer};

use crate::CompressLayer;
use crate::codec::{Codec, Decode, Decoded, Encode, Encoded, Then};

/// The largest window: 8 MiB, as RFC 8878 wants every decoder to support, and no more.
const WINDOW_LOG: u32 = 23;

/// From this level on zstd would take a larger window.
const WIDE_LEVEL: i32 = 20;

/// Where a hint asks for a block, it asks for the next block's header as well.
const BLOCK_HEADER: usize = 3;

/// The least that a frame begins with.
const FRAME_START: usize = 5;

impl CompressLayer {
    /// Zstandard (RFC 8878), one frame for each direction.
    ///
    /// `level` goes from 1 (fast) to 22 (smallest); below 0 it is faster and weaker still, and 0
    /// is zstd's default, 3. Outside of what zstd supports it counts as the nearest level. It
    /// concerns what this side sends only; above 19, the window is kept to the 8 MiB that a peer
    /// must accept.
    ///
    /// The level sets the memory too: an encoder holds 1.3 MiB at level 1, 3.5 MiB at level 3,
    /// 90 MiB at level 19 and 650 MiB at level 22, and makes the peer's decoder hold 1 MiB,
    /// 2.5 MiB and, from level 19 on, 8.5 MiB.
    pub fn zstd(level: i32) -> Self {
        let levels = zstd_safe::min_c_level()..=zstd_safe::max_c_level();
        Self::new(Zstd {
            level: level.clamp(*levels.start(), *levels.end()),
        })
    }
}

struct Zstd {
    level: i32,
}

impl Codec for Zstd {
    fn name(&self) -> &'static str {
        "zstd"
    }

    fn level(&self) -> i32 {
        self.level
    }

    fn encoder(&self) -> Result<Box<dyn Encode>, Error> {
        let mut context = CCtx::try_create().ok_or_else(no_memory)?;
        let wide = self.level >= WIDE_LEVEL;
        let window = wide.then_some(CParameter::WindowLog(WINDOW_LOG));
        let level = CParameter::CompressionLevel(self.level);
        for parameter in [level].into_iter().chain(window) {
            context.set_parameter(parameter).map_err(encoding)?;
        }
        Ok(Box::new(Encoder(context)))
    }

    fn decoder(&self) -> Result<Box<dyn Decode>, Error> {
        let mut context = DCtx::try_create().ok_or_else(no_memory)?;
        context
            .set_parameter(DParameter::WindowLogMax(WINDOW_LOG))
            .map_err(|code| Error::local("zstd's limit of the window").with_source(Code(code)))?;
        Ok(Box::new(Decoder {
            context,
            frame: Frame::default(),
            brimming: false,
        }))
    }
}

struct Encoder(CCtx<'static>);

impl Encoder {
    /// Returns also how much is left inside, as far as `end` asks for it.
    fn step(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        end: End,
    ) -> Result<(Encoded, usize), Error> {
        let room = output.len();
        let mut output = OutBuffer::around(output);
        let mut buffer = InBuffer::around(input);
        let left = self
            .0
            .compress_stream2(&mut output, &mut buffer, end)
            .map_err(encoding)?;
        let (taken, made) = (buffer.pos(), output.pos());
        let done = taken == input.len() && made < room;
        Ok((Encoded { taken, made, done }, left))
    }
}

impl Encode for Encoder {
    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Result<Encoded, Error> {
        Ok(self.step(input, output, End::ZSTD_e_continue)?.0)
    }

    fn flush(&mut self, output: &mut [u8]) -> Result<Encoded, Error> {
        let (step, left) = self.step(&[], output, End::ZSTD_e_flush)?;
        let done = left == 0;
        Ok(Encoded { done, ..step })
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<Encoded, Error> {
        let (step, left) = self.step(&[], output, End::ZSTD_e_end)?;
        let done = left == 0;
        Ok(Encoded { done, ..step })
    }
}

/// A call of zstd that fails does not say what it had written before, so a call gets no more
/// input than one block or one header, and none at all while output of the last block is left
/// inside. Then all that a failing call has made is undecodable.
struct Decoder {
    context: DCtx<'static>,
    frame: Frame,
    /// The last call filled its output.
    brimming: bool,
}

impl Decode for Decoder {
    fn run(&mut self, input: &[u8], output: &mut [u8]) -> Decoded {
        let (mut taken, mut made) = (0, 0);
        let then = loop {
            let room = &mut output[made..];
            let (size, rest) = (room.len(), &input[taken..]);
            let feed = if self.brimming {
                0
            } else {
                self.frame.next_piece().min(rest.len())
            };
            let mut out = OutBuffer::around(room);
            let mut piece = InBuffer::around(&rest[..feed]);
            let hint = match self.context.decompress_stream(&mut out, &mut piece) {
                Ok(hint) => hint,
                Err(code) => {
                    break Err(Error::remote("not a zstd frame").with_source(Code(code)));
                }
            };
            self.frame.took(&rest[..piece.pos()], hint);
            self.brimming = out.pos() == size;
            taken += piece.pos();
            made += out.pos();
            if hint == 0 {
                if !std::mem::take(&mut self.frame).is_skippable() {
                    break Ok(Then::End);
                }
                self.brimming = false;
            }
            if taken == input.len() || made == output.len() {
                break Ok(Then::More);
            }
        };
        Decoded { taken, made, then }
    }
}

/// How far a frame has come.
struct Frame {
    /// How much of the frame zstd would like to have next.
    hint: usize,
    /// The frame's first bytes, which tell what frame it is.
    magic: [u8; 4],
    seen: usize,
}

impl Default for Frame {
    fn default() -> Self {
        Self {
            hint: FRAME_START,
            magic: [0; 4],
            seen: 0,
        }
    }
}

impl Frame {
    /// The size of the next piece: without the next block's header, if that is not all.
    fn next_piece(&self) -> usize {
        match self.hint {
            hint @ ..=BLOCK_HEADER => hint,
            hint => hint - BLOCK_HEADER,
        }
    }

    fn took(&mut self, bytes: &[u8], hint: usize) {
        self.hint = hint;
        let n = bytes.len().min(self.magic.len() - self.seen);
        self.magic[self.seen..][..n].copy_from_slice(&bytes[..n]);
        self.seen += n;
    }

    /// Whether it is a frame that holds nothing for the application, and so no end mark either.
    fn is_skippable(&self) -> bool {
        u32::from_le_bytes(self.magic) & !0xf == zstd_safe::zstd_sys::ZSTD_MAGIC_SKIPPABLE_START
    }
}

fn no_memory() -> Error {
    Error::local("no memory for a zstd context")
}

fn encoding(code: usize) -> Error {
    Error::local("compressing failed").with_source(Code(code))
}

/// What zstd reports.
struct Code(usize);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(zstd_safe::get_error_name(self.0))
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Code").field(&self.to_string()).finish()
    }
}

impl std::error::Error for Code {}
