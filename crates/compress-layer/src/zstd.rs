//! Zstandard (RFC 8878).

use std::fmt;

use stack::{Blame, Error, ErrorKind};
use zstd_safe::zstd_sys::ZSTD_EndDirective as End;
use zstd_safe::zstd_sys::ZSTD_ErrorCode as ErrorCode;
use zstd_safe::{
    CCtx, CDict, CParameter, DCtx, DDict, DParameter, InBuffer, OutBuffer, ResetDirective,
};

use crate::codec::{Decode, Decoded, Encode, Encoded, Format, Then, too_wide};
use crate::dictionary::Dictionary;
use crate::{Codec, CompressLayer};

/// The largest window: 8 MiB, as RFC 8878 wants every decoder to support, and no more.
const WINDOW_LOG: u32 = 23;

/// From this level on zstd would take a larger window.
const WIDE_LEVEL: i32 = 20;

/// Where a hint asks for a block, it asks for the next block's header as well.
const BLOCK_HEADER: usize = 3;

/// The most that a frame's header has.
const FRAME_HEADER: usize = 18;

/// The least that a frame begins with.
const FRAME_START: usize = 5;

impl CompressLayer {
    /// Zstandard (RFC 8878) in both directions: [`Zstd::new`].
    pub fn zstd(level: i32) -> Self {
        Self::new(Zstd::new(level))
    }
}

/// Zstandard (RFC 8878). Each direction is one frame, or a series of them
/// ([`CompressLayer::framed`]). Skippable frames before it are passed over.
#[derive(Clone, Debug)]
pub struct Zstd {
    level: i32,
    window_log: Option<u32>,
    checksum: bool,
    dictionary: Option<Dictionary>,
}

impl Zstd {
    /// `level` goes from 1 (fast) to 22 (smallest); below 0 it is faster and weaker still, and 0
    /// is zstd's default, 3. Outside of what zstd supports it counts as the nearest level. It
    /// concerns what this side sends only.
    ///
    /// The level sets the window too, and so the memory: an encoder holds 1.3 MiB at level 1, 3.5 MiB
    /// at level 3, 90 MiB at level 19 and 650 MiB at level 22, and makes the peer's decoder hold 1 MiB,
    /// 2.5 MiB and, from level 19 on, 8.5 MiB.
    pub fn new(level: i32) -> Self {
        Self {
            level: nearest(level),
            window_log: None,
            checksum: false,
            dictionary: None,
        }
    }

    /// The base-2 logarithm of the window, in bytes: 10 to 23. It is what our encoder uses, and the most
    /// that our decoder takes; for other peers see [`CompressLayer::pair`]. If not set, the encoder's is
    /// its level's, and a peer's may be 8 MiB (23), which RFC 8878 wants every decoder to support;
    /// our encoder, too, keeps to that.
    #[must_use]
    pub fn with_window_log(mut self, window_log: u32) -> Self {
        self.window_log = Some(window_log.clamp(10, WINDOW_LOG));
        self
    }

    /// Ends each frame that this side sends with a checksum of its content (the low 32 bits of XXH64).
    /// A peer's is always checked.
    #[must_use]
    pub fn with_checksum(mut self) -> Self {
        self.checksum = true;
        self
    }

    /// A dictionary that the peer has too: one that was trained (`zstd --train`), or any bytes. A trained
    /// one has an id, and a peer that uses another is refused; of plain bytes nothing in the frame
    /// tells.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`](stack::ErrorKind::Misuse) if it looks like a trained one, and is damaged.
    pub fn with_dictionary(mut self, dictionary: &[u8]) -> Result<Self, Error> {
        let encodes = CDict::try_create(dictionary, self.level).is_some();
        if !encodes || DDict::try_create(dictionary).is_none() {
            return Err(Error::local("the dictionary is damaged"));
        }
        self.dictionary = Some(dictionary.into());
        Ok(self)
    }

    /// The encoder's window, where it is not its level's.
    fn window_at(&self, level: i32) -> Option<u32> {
        self.window_log
            .or((level >= WIDE_LEVEL).then_some(WINDOW_LOG))
    }
}

impl From<Zstd> for Codec {
    fn from(zstd: Zstd) -> Self {
        Self::of(zstd)
    }
}

fn nearest(level: i32) -> i32 {
    level.clamp(zstd_safe::min_c_level(), zstd_safe::max_c_level())
}

impl Format for Zstd {
    fn name(&self) -> &'static str {
        "zstd"
    }

    fn level(&self) -> i32 {
        self.level
    }

    fn nearest(&self, level: i32) -> i32 {
        nearest(level)
    }

    fn encoder(&self, level: i32) -> Result<Box<dyn Encode>, Error> {
        let context = CCtx::try_create().ok_or_else(no_memory)?;
        let mut encoder = Encoder {
            context,
            format: self.clone(),
        };
        encoder.set_up(level)?;
        Ok(Box::new(encoder))
    }

    fn decoder(&self) -> Result<Box<dyn Decode>, Error> {
        let mut context = DCtx::try_create().ok_or_else(no_memory)?;
        let window = DParameter::WindowLogMax(self.window_log.unwrap_or(WINDOW_LOG));
        context.set_parameter(window).map_err(setting_up)?;
        if let Some(dictionary) = &self.dictionary {
            context.load_dictionary(dictionary).map_err(setting_up)?;
        }
        Ok(Box::new(Decoder {
            context,
            frame: Frame::default(),
            brimming: false,
        }))
    }
}

struct Encoder {
    context: CCtx<'static>,
    format: Zstd,
}

impl Encoder {
    /// Sets all that may depend on the level, before a frame.
    fn set_up(&mut self, level: i32) -> Result<(), Error> {
        let format = &self.format;
        // 0 is the level's own.
        let window = CParameter::WindowLog(format.window_at(level).unwrap_or(0));
        let level = CParameter::CompressionLevel(level);
        for parameter in [level, window, CParameter::ChecksumFlag(format.checksum)] {
            self.context.set_parameter(parameter).map_err(setting_up)?;
        }
        if let Some(dictionary) = &format.dictionary {
            self.context
                .load_dictionary(dictionary)
                .map_err(setting_up)?;
        }
        Ok(())
    }

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
            .context
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

    fn begin_again(&mut self, level: i32) -> Result<(), Error> {
        let session = ResetDirective::SessionOnly;
        self.context.reset(session).map_err(setting_up)?;
        self.set_up(level)
    }
}

/// A call of zstd that fails does not say what it had written before, so a call gets no more
/// input than one block or one header, and none at all while output of the last block is left
/// inside. Then all that a failing call has made is undecodable. Stored blocks rise as they come, and
/// may have more or less in them than the frame said; see [`Frame::next_piece`].
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
                Err(code) => break Err(decoding(code)),
            };
            self.frame.took(&rest[..piece.pos()], out.pos(), hint);
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

    fn begin_again(&mut self) -> Result<(), Error> {
        (self.frame, self.brimming) = (Frame::default(), false);
        let session = ResetDirective::SessionOnly;
        self.context.reset(session).map(drop).map_err(setting_up)
    }
}

/// How far a frame has come.
struct Frame {
    /// How much of the frame zstd would like to have next.
    hint: usize,
    /// The frame's first bytes, which tell what frame it is, and how much is in it.
    head: [u8; FRAME_HEADER],
    seen: usize,
    made: u64,
}

impl Default for Frame {
    fn default() -> Self {
        Self {
            hint: FRAME_START,
            head: [0; FRAME_HEADER],
            seen: 0,
            made: 0,
        }
    }
}

impl Frame {
    /// The size of the next piece: not the next block's header as well, and no more of a stored block
    /// than the frame has left. What fails then has made nothing, wherever the input is cut, but for
    /// the last byte of a frame that is too short.
    fn next_piece(&self) -> usize {
        let piece = self.hint.saturating_sub(BLOCK_HEADER).max(1);
        match zstd_safe::get_frame_content_size(&self.head[..self.seen]) {
            Ok(Some(size)) if size > self.made => piece.min((size - self.made) as usize),
            _ => piece,
        }
    }

    fn took(&mut self, bytes: &[u8], made: usize, hint: usize) {
        (self.hint, self.made) = (hint, self.made + made as u64);
        let n = bytes.len().min(self.head.len() - self.seen);
        self.head[self.seen..][..n].copy_from_slice(&bytes[..n]);
        self.seen += n;
    }

    /// Whether it is a frame that holds nothing for the application, and so no end mark either.
    fn is_skippable(&self) -> bool {
        let [a, b, c, d, ..] = self.head;
        u32::from_le_bytes([a, b, c, d]) & !0xf == zstd_safe::zstd_sys::ZSTD_MAGIC_SKIPPABLE_START
    }
}

fn no_memory() -> Error {
    let why = "no memory for a zstd context";
    Error::new(ErrorKind::Limit, Blame::Local, why)
}

fn decoding(code: usize) -> Error {
    // Codes of errors are negative numbers.
    match code.wrapping_neg() == ErrorCode::ZSTD_error_frameParameter_windowTooLarge as usize {
        true => too_wide(),
        false => Error::remote("not a zstd frame").with_source(Code(code)),
    }
}

fn setting_up(code: usize) -> Error {
    Error::local("zstd refuses its settings").with_source(Code(code))
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
