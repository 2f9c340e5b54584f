//! The layer, whatever the format.

use std::any::{Any, TypeId};
use std::fmt;

use stack::{Chunk, Context, Error, Exit, Layer, Protocol, Readiness, Role, Standing, Transport};

use crate::codec::Codec;
use crate::info::CompressInfo;
use crate::receiving::Receiving;
use crate::sending::Sending;

/// The most bytes that a layer says that it holds.
const HELD: usize = 64 * 1024;

/// A layer that compresses what sinks and decompresses what rises. Both ends of a connection push
/// the same one (a [`pair`](Self::pair) the other way round); the levels may differ.
///
/// Pushed again after a pop, it begins anew.
pub struct CompressLayer {
    name: String,
    sending: Sending,
    receiving: Receiving,
    role: Role,
    info: CompressInfo,
}

impl CompressLayer {
    /// The same format in both directions.
    pub fn new(codec: impl Into<Codec>) -> Self {
        let codec = codec.into();
        Self::of(Some(codec.clone()), Some(codec))
    }

    /// One format for what this side sends, another for what it receives.
    pub fn pair(send: impl Into<Codec>, receive: impl Into<Codec>) -> Self {
        Self::of(Some(send.into()), Some(receive.into()))
    }

    /// Compresses what this side sends. What it receives is left as it is, so when this layer is
    /// popped its inbound half waits for nothing. The peer's is a [`receiving`](Self::receiving) one.
    pub fn sending(codec: impl Into<Codec>) -> Self {
        Self::of(Some(codec.into()), None)
    }

    /// Decompresses what this side receives. What it sends is left as it is.
    pub fn receiving(codec: impl Into<Codec>) -> Self {
        Self::of(None, Some(codec.into()))
    }

    fn of(send: Option<Codec>, receive: Option<Codec>) -> Self {
        let name = |codec: &Option<Codec>| codec.as_ref().map(|codec| codec.format().name());
        let name = match (name(&send), name(&receive)) {
            (Some(send), Some(receive)) if send != receive => format!("{send}/{receive}"),
            (send, receive) => send.or(receive).unwrap_or_default().to_owned(),
        };
        let (sending, receiving) = (Sending::new(send), Receiving::new(receive));
        let info = CompressInfo {
            level: sending.level(),
            sent: sending.volume,
            received: receiving.volume,
        };
        Self {
            name,
            sending,
            receiving,
            role: Role::Compression,
            info,
        }
    }

    /// Makes each direction a series of streams (zstd and lz4 call them frames, gzip members), of which
    /// an empty one is the last. Then the level can be changed, and the history
    /// [`reset`](Self::reset), with formats that can do it only between two streams: all but deflate,
    /// zlib and gzip. The peer has to do the same, or what we send ends, for it, with the first
    /// stream. The programs `zstd`, `lz4` and `gzip` decode such a series as they do any.
    #[must_use]
    pub fn framed(mut self) -> Self {
        self.sending.set_framed();
        self.receiving.set_framed();
        self
    }

    /// Sets how much input the peer may send without one byte coming of it (empty blocks,
    /// skippable frames, a header's file name); more is an error of kind
    /// [`ErrorKind::Limit`](stack::ErrorKind::Limit). 1 MiB if not set; lz4, which decodes a block only
    /// when it is whole, may have the 4 MiB of one besides.
    #[must_use]
    pub fn with_fruitless_limit(mut self, bytes: usize) -> Self {
        self.receiving.set_fruitless_limit(bytes);
        self
    }

    /// Says that the place is meant: above or below another compressor. Otherwise a push there is
    /// refused (see [`Role::Compression`]).
    #[must_use]
    pub fn anywhere(mut self) -> Self {
        self.role = Role::Free;
        self
    }

    /// Sets the level for what is written from now on, and for the next push; outside of what the format
    /// has, the nearest. A level other than before costs a [`reset`](Self::reset), too. On a layer that
    /// stands in a stack, by [`Stack::with_layer`](stack::Stack::with_layer) or `Connection::with_layer`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`](stack::ErrorKind::Misuse) if nothing is compressed in this direction, or
    /// if the format can do it only between two streams and this layer is not
    /// [`framed`](Self::framed), and something was written. Nothing has changed then.
    pub fn set_level(&mut self, level: i32) -> Result<(), Error> {
        self.sending.set_level(level)?;
        self.info.level = self.sending.level();
        Ok(())
    }

    /// Makes what is written from now on refer to nothing that was written before, so that it is as
    /// long as if it stood alone.
    ///
    /// Needed where a secret and what an attacker can choose go through one layer, and he sees how
    /// long the ciphertext is (CRIME, CVE-2012-4929): if his guess equals a part of the secret, it
    /// compresses better. Called between the secret and the rest, each way, there is nothing to compare
    /// with. It does not help where both are in one message (BREACH, CVE-2013-3587): such
    /// messages are not to be compressed. A dictionary is no secret: each new stream has it again, but a
    /// deflate stream, which goes on, has lost it.
    ///
    /// Costs the better compression that history gives; with the deflate family that is all, except for
    /// a flush where something is inside, with the others a stream's end and beginning. Takes effect with
    /// the next flush, or with the next byte that is written.
    ///
    /// With the deflate family the encoder itself goes, and another comes with the next byte: a connection
    /// that is reset when it has become quiet takes no more than its decoder meanwhile.
    ///
    /// # Errors
    ///
    /// As for [`set_level`](Self::set_level).
    pub fn reset(&mut self) -> Result<(), Error> {
        self.sending.reset()
    }

    fn tell(&mut self) {
        self.info.sent = self.sending.volume;
        self.info.received = self.receiving.volume;
    }
}

impl Transport for CompressLayer {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        let sent = self.sending.send(cx, chunk);
        self.tell();
        sent
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let flushed = self.sending.flush(cx);
        self.tell();
        flushed
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let finished = self.sending.finish(cx);
        self.tell();
        finished
    }
}

impl Protocol for CompressLayer {
    fn attached(&mut self, _: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        // It may have stood in a stack before.
        self.sending.begin_anew();
        self.receiving.begin_anew();
        self.tell();
        Ok(Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        let taken = self.receiving.received(cx, bytes);
        self.tell();
        taken
    }

    fn end_received(&mut self, _: &mut Context<'_>) -> Result<(), Error> {
        self.receiving.end_received()
    }
}

impl Layer for CompressLayer {
    fn name(&self) -> &str {
        &self.name
    }

    /// Where only what this side sends is compressed, nothing is to be waited for once that has ended.
    fn exit(&self) -> Exit {
        match self.receiving.codec() {
            None if self.sending.has_ended() => Exit::Anytime,
            _ => Exit::Marked,
        }
    }

    fn role(&self) -> Role {
        self.role
    }

    /// A codec cannot be asked what is inside it. So this is what went in since something last came
    /// out, and of what it may still have to give on the way up, one byte. What compresses well may go
    /// in by the megabyte before anything comes out; it does not take as much memory, and so is not to
    /// count as much.
    fn held(&self) -> usize {
        self.sending.staged().min(HELD) + usize::from(self.receiving.is_brimming())
    }

    fn info(&self, wanted: TypeId) -> Option<&dyn Any> {
        (wanted == TypeId::of::<CompressInfo>()).then_some(&self.info as &dyn Any)
    }
}

impl fmt::Debug for CompressLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompressLayer")
            .field("send", &self.sending.codec())
            .field("receive", &self.receiving.codec())
            .field("info", &self.info)
            .field("held", &self.held())
            .finish_non_exhaustive()
    }
}
