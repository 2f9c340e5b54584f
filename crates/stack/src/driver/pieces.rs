//! Small writes, gathered on their way to the layers.

use tokio::io::{AsyncRead, AsyncWrite};

use super::drive::Driver;
use super::wakers::Side;
use crate::buffer::{Buffer, SMALL};

/// The largest write that is gathered. A larger one is worth its way through the layers by itself.
const PIECE: usize = 512;

/// What was written in small pieces and no layer has seen yet: they go through the layers as one
/// chunk, since the way there costs more than to copy them. The first write behind a flush goes by
/// itself, for it may be the only one.
///
/// Only [`Driver::gather`] leaves something here. Whatever else is done with the stack, or looks at
/// it to decide, comes after a [`Driver::settle`]: so to the layers, and to whoever changes them,
/// these bytes were written when they were written. That is why nothing is gathered where a layer
/// has asked for the time.
#[derive(Default)]
pub(super) struct Pieces(Buffer);

impl<Io: AsyncRead + AsyncWrite + Unpin> Driver<Io> {
    /// Takes a small write, if nothing has to be done for it now.
    #[inline]
    pub(super) fn gather(&mut self, bytes: &[u8]) -> bool {
        let Pieces(pieces) = &mut self.pieces;
        let gathered = pieces.len() + bytes.len();
        if bytes.len() > PIECE
            || gathered > SMALL.min(self.stack.core.limits.outbox_high)
            || !self.stack.unflushed()
            || self.write_through
            || self.mailbox.has_handle()
            || self.stack.is_timed()
            || !self.stack.writable()
            || self.stack.write_error().is_err()
        {
            return false;
        }
        if pieces.is_empty() {
            // A read that waits for the answer to this must flush it before it waits on.
            self.wakers.wake_side(Side::Read);
        }
        pieces.append(bytes);
        true
    }

    /// What was gathered goes through the layers.
    #[inline]
    pub(super) fn settle(&mut self) {
        if !self.pieces.0.is_empty() {
            self.write_pieces();
        }
    }

    fn write_pieces(&mut self) {
        let Pieces(mut pieces) = std::mem::take(&mut self.pieces);
        // If this fails, so has the connection, and whoever goes on with it is told.
        let _ = self.stack.write(pieces.bytes_mut());
        self.write_out_blocks();
    }
}
