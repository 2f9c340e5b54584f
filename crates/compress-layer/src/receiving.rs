//! The direction that decompresses.

use stack::{Blame, Context, Error, ErrorKind};

use crate::codec::{Codec, Decode, Then};
use crate::info::Volume;
use crate::life::Life;

/// What is decoded at once.
const BLOCK: usize = 16 * 1024;

/// The most input that is decoded for one block, so that input which yields nothing is work too.
const STRIDE: usize = 16 * 1024;

/// What the peer sends, and how.
pub(crate) struct Receiving {
    /// None where the bytes come as they are.
    codec: Option<Codec>,
    life: Life<dyn Decode>,
    /// A stream follows another, until an empty one.
    framed: bool,
    /// The present stream is not empty.
    fruitful: bool,
    /// The decoder may have more output inside.
    brimming: bool,
    /// The input since the last byte of output.
    fruitless: usize,
    fruitless_limit: usize,
    pub(crate) volume: Volume,
}

impl Receiving {
    pub(crate) fn new(codec: Option<Codec>) -> Self {
        let volume = Volume::of(codec.as_ref());
        Self {
            codec,
            life: Life::Fresh,
            framed: false,
            fruitful: false,
            brimming: false,
            fruitless: 0,
            fruitless_limit: 1024 * 1024,
            volume,
        }
    }

    pub(crate) fn set_framed(&mut self) {
        self.framed = true;
    }

    pub(crate) fn set_fruitless_limit(&mut self, bytes: usize) {
        self.fruitless_limit = bytes;
    }

    /// As it was before the first byte.
    pub(crate) fn begin_anew(&mut self) {
        self.life = Life::Fresh;
        (self.fruitful, self.brimming, self.fruitless) = (false, false, 0);
        self.volume = Volume::of(self.codec.as_ref());
    }

    pub(crate) fn codec(&self) -> Option<&Codec> {
        self.codec.as_ref()
    }

    pub(crate) fn is_brimming(&self) -> bool {
        self.brimming
    }

    pub(crate) fn received(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &mut [u8],
    ) -> Result<usize, Error> {
        if self.codec.is_none() {
            self.volume.count(bytes.len(), bytes.len());
            cx.deliver(bytes);
            return Ok(bytes.len());
        }
        let mut taken = 0;
        while (taken < bytes.len() || self.brimming) && cx.wanted() {
            self.begin()?;
            let Life::Running(decoder) = &mut self.life else {
                break;
            };
            let end = bytes.len().min(taken + STRIDE);
            let step = cx.deliver_with(BLOCK, |room| {
                let step = decoder.run(&bytes[taken..end], room);
                (step.made, step)
            });
            taken += step.taken;
            self.volume.count(step.made, step.taken);
            self.brimming = step.made == BLOCK;
            self.fruitful |= step.made > 0;
            self.fruitless = match step.made {
                0 => self.fruitless + step.taken,
                _ => 0,
            };
            if step.then? == Then::End {
                self.brimming = false;
                if !self.end_stream() {
                    cx.end_mark();
                    break;
                }
            } else if self.is_wasteful() {
                return Err(Error::new(
                    ErrorKind::Limit,
                    Blame::Remote,
                    "too much compressed input that yields nothing",
                ));
            }
        }
        Ok(taken)
    }

    pub(crate) fn end_received(&self) -> Result<(), Error> {
        if self.codec.is_none() || self.life.has_ended() {
            return Ok(());
        }
        Err(Error::truncated(
            "the compressed stream ends before its end mark",
        ))
    }

    /// Sees to it that there is a decoder, within a stream, unless the last one has ended.
    fn begin(&mut self) -> Result<(), Error> {
        let Some(codec) = &self.codec else {
            return Ok(());
        };
        let make = || codec.format().decoder();
        self.life.begin(make, |decoder| decoder.begin_again())
    }

    /// Whether too much came of which nothing was made.
    fn is_wasteful(&self) -> bool {
        let codec = self.codec.as_ref();
        let block = codec.map_or(0, |codec| codec.format().largest_block());
        self.fruitless > self.fruitless_limit.saturating_add(block)
    }

    /// The present stream has ended. Whether another follows.
    fn end_stream(&mut self) -> bool {
        let more = self.framed && std::mem::take(&mut self.fruitful);
        match more {
            true => self.life.pause(),
            false => self.life = Life::Ended,
        }
        more
    }
}
