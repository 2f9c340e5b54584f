//! The layer, whatever the format.

use std::any::{Any, TypeId};
use std::fmt;

use stack::{
    Blame, Chunk, Context, Error, ErrorKind, Exit, Layer, Protocol, Readiness, Role, Standing,
    Transport,
};

use crate::codec::{Codec, Decode, Encode, Encoded, Then};
use crate::half::Half;
use crate::info::{CompressInfo, Volume};

/// What is decoded at once.
const BLOCK: usize = 16 * 1024;

/// The room that an encoder is given. A sync flush of deflate must fit whole, else the call for
/// the rest writes a second empty block: that is at most a full block of 16,383 symbols of at most
/// 31 bits, and what little was not yet in it.
pub(crate) const ROOM: usize = 72 * 1024;

/// The most input that is decoded for one block, so that input which yields nothing is work too.
const STRIDE: usize = 64 * 1024;

/// A layer that compresses what sinks and decompresses what rises. Both ends of a connection push
/// the same one; the levels may differ.
///
/// Pushed again after a pop, it begins anew.
pub struct CompressLayer {
    codec: Box<dyn Codec>,
    encoder: Half<Box<dyn Encode>>,
    decoder: Half<Box<dyn Decode>>,
    /// What the encoder took since it last gave anything: about as much is inside it. Not 0 before a
    /// flush has brought out the rest.
    staged: usize,
    /// The decoder may have more output inside.
    brimming: bool,
    /// The input since the last byte of output.
    fruitless: usize,
    fruitless_limit: usize,
    role: Role,
    info: CompressInfo,
}

impl CompressLayer {
    pub(crate) fn new(codec: impl Codec + 'static) -> Self {
        let info = CompressInfo {
            codec: codec.name(),
            level: codec.level(),
            sent: Volume::default(),
            received: Volume::default(),
        };
        Self {
            codec: Box::new(codec),
            encoder: Half::Fresh,
            decoder: Half::Fresh,
            staged: 0,
            brimming: false,
            fruitless: 0,
            fruitless_limit: 1024 * 1024,
            role: Role::Compression,
            info,
        }
    }

    /// Sets how much input the peer may send without one byte coming of it (empty blocks,
    /// skippable frames); more is an error of kind [`ErrorKind::Limit`]. 1 MiB if not set.
    #[must_use]
    pub fn with_fruitless_limit(mut self, bytes: usize) -> Self {
        self.fruitless_limit = bytes;
        self
    }

    /// Says that the place is meant: above or below another compressor. Otherwise a push there is
    /// refused (see [`Role::Compression`]).
    #[must_use]
    pub fn anywhere(mut self) -> Self {
        self.role = Role::Free;
        self
    }

    /// Calls the encoder until it is done, and sends what it makes.
    fn encode(
        &mut self,
        cx: &mut Context<'_>,
        mut step: impl FnMut(&mut dyn Encode, &mut [u8]) -> Result<Encoded, Error>,
    ) -> Result<(), Error> {
        let Some(encoder) = self.encoder.codec(|| self.codec.encoder())? else {
            return Err(Error::local("a write behind the end mark"));
        };
        loop {
            let step = cx.send_with(ROOM, |room| match step(&mut **encoder, room) {
                Ok(step) => (step.made, Ok(step)),
                Err(error) => (0, Err(error)),
            });
            let Encoded { taken, made, done } = step?;
            self.info.sent.plain += taken as u64;
            self.info.sent.compressed += made as u64;
            self.staged = match made {
                0 => self.staged + taken,
                _ => taken.max(1),
            };
            if done {
                return Ok(());
            }
        }
    }
}

impl Transport for CompressLayer {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        let mut input = chunk.as_slice();
        if input.is_empty() {
            return Ok(());
        }
        self.encode(cx, |encoder, output| {
            let step = encoder.run(input, output)?;
            input = &input[step.taken..];
            Ok(step)
        })
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.staged > 0 {
            self.encode(cx, |encoder, output| encoder.flush(output))?;
            self.staged = 0;
        }
        Ok(())
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.encode(cx, |encoder, output| encoder.finish(output))?;
        self.staged = 0;
        self.encoder = Half::Ended;
        Ok(())
    }
}

impl Protocol for CompressLayer {
    fn attached(&mut self, _: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        // It may have stood in a stack before.
        self.encoder = Half::Fresh;
        self.decoder = Half::Fresh;
        (self.staged, self.brimming, self.fruitless) = (0, false, 0);
        self.info.sent = Volume::default();
        self.info.received = Volume::default();
        Ok(Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        let Some(decoder) = self.decoder.codec(|| self.codec.decoder())? else {
            return Ok(0);
        };
        let mut taken = 0;
        while (taken < bytes.len() || self.brimming) && cx.wanted() {
            let end = bytes.len().min(taken + STRIDE);
            let step = cx.deliver_with(BLOCK, |room| {
                let step = decoder.run(&bytes[taken..end], room);
                (step.made, step)
            });
            taken += step.taken;
            self.info.received.compressed += step.taken as u64;
            self.info.received.plain += step.made as u64;
            self.brimming = step.made == BLOCK;
            if step.made > 0 {
                self.fruitless = 0;
            } else {
                self.fruitless += step.taken;
            }
            match step.then? {
                Then::End => {
                    self.decoder = Half::Ended;
                    self.brimming = false;
                    cx.end_mark();
                    break;
                }
                Then::More if self.fruitless > self.fruitless_limit => {
                    return Err(Error::new(
                        ErrorKind::Limit,
                        Blame::Remote,
                        "too much compressed input that yields nothing",
                    ));
                }
                Then::More => {}
            }
        }
        Ok(taken)
    }

    fn end_received(&mut self, _: &mut Context<'_>) -> Result<(), Error> {
        if self.decoder.has_ended() {
            return Ok(());
        }
        Err(Error::truncated(
            "the compressed stream ends before its end mark",
        ))
    }
}

impl Layer for CompressLayer {
    fn name(&self) -> &str {
        self.codec.name()
    }

    fn exit(&self) -> Exit {
        Exit::Marked
    }

    fn role(&self) -> Role {
        self.role
    }

    /// A codec cannot be asked what is inside it. So this is what went in since something last came
    /// out, and of what it may still have to give on the way up, one byte.
    fn held(&self) -> usize {
        self.staged + usize::from(self.brimming)
    }

    fn info(&self, wanted: TypeId) -> Option<&dyn Any> {
        (wanted == TypeId::of::<CompressInfo>()).then_some(&self.info as &dyn Any)
    }
}

impl fmt::Debug for CompressLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompressLayer")
            .field("info", &self.info)
            .field("staged", &self.staged)
            .field("fruitless", &self.fruitless)
            .finish_non_exhaustive()
    }
}
