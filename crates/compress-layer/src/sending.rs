//! The direction that compresses.

use stack::{Chunk, Context, Error};

use crate::codec::{Codec, Encode, Encoded};
use crate::info::Volume;
use crate::life::Life;

/// The room that an encoder is given. A sync flush of deflate must fit whole, else the call for
/// the rest writes a second empty block: that is at most a full block of 16,383 symbols of at most
/// 31 bits, and what little was not yet in it.
pub(crate) const ROOM: usize = 72 * 1024;

/// What this side sends, and how.
pub(crate) struct Sending {
    /// None where the bytes go out as they are.
    codec: Option<Codec>,
    life: Life<dyn Encode>,
    /// A stream follows another, until an empty one.
    framed: bool,
    /// What is written from now on is compressed at this level. A running encoder takes it with the
    /// next flush, or else before the next byte.
    level: i32,
    /// That of the encoder.
    running_level: i32,
    /// The encoder is to forget what it has seen: at the same moment.
    reset: bool,
    /// What the encoder took since it last gave anything: about as much is inside it. Not 0 before a
    /// flush has brought out the rest.
    staged: usize,
    pub(crate) volume: Volume,
}

impl Sending {
    pub(crate) fn new(codec: Option<Codec>) -> Self {
        let level = codec.as_ref().map_or(0, |codec| codec.format().level());
        let volume = Volume::of(codec.as_ref());
        Self {
            codec,
            life: Life::Fresh,
            framed: false,
            level,
            running_level: level,
            reset: false,
            staged: 0,
            volume,
        }
    }

    pub(crate) fn set_framed(&mut self) {
        self.framed = true;
    }

    /// As it was before the first byte.
    pub(crate) fn begin_anew(&mut self) {
        self.life = Life::Fresh;
        self.reset = false;
        self.staged = 0;
        self.volume = Volume::of(self.codec.as_ref());
    }

    pub(crate) fn codec(&self) -> Option<&Codec> {
        self.codec.as_ref()
    }

    /// The level, if something is compressed.
    pub(crate) fn level(&self) -> Option<i32> {
        self.codec.as_ref().map(|_| self.level)
    }

    pub(crate) fn staged(&self) -> usize {
        self.staged
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.life.has_ended()
    }

    // ---- what may be asked for ----

    pub(crate) fn set_level(&mut self, level: i32) -> Result<(), Error> {
        self.level = self.adjustable()?.format().nearest(level);
        Ok(())
    }

    pub(crate) fn reset(&mut self) -> Result<(), Error> {
        let flexible = self.adjustable()?.format().is_flexible();
        if flexible && self.staged == 0 {
            // At once, so that a connection that goes on waiting does so without what is forgotten.
            return self.forget();
        }
        self.reset = matches!(self.life, Life::Running(_));
        Ok(())
    }

    /// The codec, if what its encoder does can be changed now.
    fn adjustable(&self) -> Result<&Codec, Error> {
        let codec = self.codec.as_ref();
        let codec = codec.ok_or_else(|| Error::local("nothing is compressed in this direction"))?;
        if self.framed || codec.format().is_flexible() || !matches!(self.life, Life::Running(_)) {
            return Ok(codec);
        }
        let why = format!(
            "{} can do that only between two streams: see CompressLayer::framed",
            codec.format().name()
        );
        Err(Error::local(why))
    }

    // ---- what the layer's upper face is asked for ----

    pub(crate) fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        if self.codec.is_none() {
            self.volume.count(chunk.len(), chunk.len());
            cx.send(chunk);
            return Ok(());
        }
        let mut input = chunk.as_slice();
        if input.is_empty() {
            return Ok(());
        }
        if self.is_renewal_due() {
            self.renew(cx)?;
        }
        self.begin()?;
        self.drive(cx, |encoder, output| {
            let step = encoder.run(input, output)?;
            input = &input[step.taken..];
            Ok(step)
        })
    }

    pub(crate) fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.staged == 0 {
            return Ok(());
        }
        if self.is_renewal_due() {
            return self.renew(cx);
        }
        self.flush_encoder(cx)
    }

    pub(crate) fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.codec.is_some() {
            // In a series, the stream that ends it is the one without content.
            if self.framed && matches!(self.life, Life::Running(_)) {
                self.end_stream(cx)?;
            }
            self.begin()?;
            self.end_stream(cx)?;
        }
        self.life = Life::Ended;
        Ok(())
    }

    // ---- the encoder ----

    /// Sees to it that there is an encoder, within a stream.
    fn begin(&mut self) -> Result<(), Error> {
        let (Some(codec), level) = (&self.codec, self.level) else {
            return Ok(());
        };
        if !matches!(self.life, Life::Running(_)) {
            self.running_level = level;
        }
        let make = || codec.format().encoder(level);
        self.life.begin(make, |encoder| encoder.begin_again(level))
    }

    fn is_renewal_due(&self) -> bool {
        let due = self.reset || self.level != self.running_level;
        due && matches!(self.life, Life::Running(_))
    }

    /// Goes on at the new level, and without history; what was taken before goes out with that.
    fn renew(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let codec = self.codec.as_ref();
        if !codec.is_some_and(|codec| codec.format().is_flexible()) {
            return self.end_stream(cx);
        }
        if self.staged > 0 {
            self.flush_encoder(cx)?;
        }
        self.forget()
    }

    fn forget(&mut self) -> Result<(), Error> {
        (self.running_level, self.reset) = (self.level, false);
        match &mut self.life {
            Life::Running(encoder) => encoder.forget(self.level),
            _ => Ok(()),
        }
    }

    fn flush_encoder(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.drive(cx, |encoder, output| encoder.flush(output))?;
        self.staged = 0;
        Ok(())
    }

    fn end_stream(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.drive(cx, |encoder, output| encoder.finish(output))?;
        self.life.pause();
        (self.staged, self.reset) = (0, false);
        Ok(())
    }

    /// Calls the encoder until it is done, and sends what it makes.
    fn drive(
        &mut self,
        cx: &mut Context<'_>,
        mut step: impl FnMut(&mut dyn Encode, &mut [u8]) -> Result<Encoded, Error>,
    ) -> Result<(), Error> {
        let Life::Running(encoder) = &mut self.life else {
            return Err(Error::local("a write behind the end mark"));
        };
        loop {
            let step = cx.send_with(ROOM, |room| match step(&mut **encoder, room) {
                Ok(step) => (step.made, Ok(step)),
                Err(error) => (0, Err(error)),
            });
            let Encoded { taken, made, done } = step?;
            self.volume.count(taken, made);
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
