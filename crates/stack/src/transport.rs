//! The upper face: what leaving bytes are handed to.

use crate::{Chunk, Context, Error};

/// What leaving bytes are handed to: the upper face of every layer, and below them all the
/// network.
///
/// *flush*, *finish* and the connection's *shutdown* are three things. A flush lets the peer read
/// all that was written so far. A finish ends this layer's outgoing half and leaves the transport
/// open: it is what a pop calls. A shutdown is the stack's: it finishes every layer, from the top
/// down, and then ends the transport's outgoing half.
pub trait Transport {
    /// Bytes to send. They are taken whole: a layer sends them on with [`Context::send`], changed
    /// as it likes, or stages them until a flush.
    ///
    /// A layer that stages says [`Context::hold_back`] when it has enough, so that writing pauses.
    ///
    /// # Errors
    ///
    /// The connection has failed, here; as for [`Protocol::received`](crate::Protocol::received).
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error>;

    /// Everything sent so far must be able to reach the peer's application: what is staged goes
    /// down now. The layers below are flushed by the stack, after this one.
    ///
    /// Called when the application flushes, or is about to wait for input or for room to write, if
    /// something was sent since the last flush; and before a layer below leaves. A layer whose
    /// handshake is under way sends what it staged as soon as it is up.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let _ = cx;
        Ok(())
    }

    /// This layer's outgoing half ends: what is staged goes down, then the end mark, if the
    /// layer's protocol has one. Called at most once, and not before the layer is up: when the
    /// connection is shut down, or a layer with [`Exit::Marked`](crate::Exit::Marked) is popped. One
    /// without an end mark is only flushed before it is popped, unless its peer has ended it.
    ///
    /// Once this has returned, nothing is sent through the layer, and what it still sends is
    /// dropped.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.flush(cx)
    }
}
