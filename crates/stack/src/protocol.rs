//! The lower face: what arriving bytes are handed to.

use std::any::Any;

use crate::{Context, End, Error, Event};

/// What arriving bytes are handed to: the application, and the lower face of every layer.
///
/// # The order of a life
///
/// [`attached`](Self::attached), then [`received`](Self::received) any number of times, then
/// [`end_received`](Self::end_received) at most once, then [`lost`](Self::lost) exactly once,
/// unless a layer is popped before. Nothing is received before `attached` has returned. All that
/// was decoded before an offending record, or before the end, is received first.
///
/// # Cuts
///
/// Bytes come as the network, or the layer below, happens to cut them: one by one, or many
/// records at once. They belong to the stack; a node says how many it took, and is offered the
/// rest again, with more behind it.
///
/// # Nothing is re-entered
///
/// No method of a node runs while another method of it runs. What a node asks for in the other
/// direction is queued (see [`Context`]).
pub trait Protocol: Any + Send + Sync {
    /// The node stands in the stack now. `standing` says where; bytes come from now on.
    ///
    /// A layer that must first talk with its peer returns [`Readiness::Handshaking`] and later
    /// calls [`Context::up`]. What it sends from here goes out behind everything that was written
    /// before the push.
    ///
    /// A layer that was popped may be pushed again: it begins anew here, or refuses.
    ///
    /// # Errors
    ///
    /// The push is refused: what was sent from here is forgotten, the layer is given back, and
    /// the stack stands as before.
    fn attached(&mut self, cx: &mut Context<'_>, standing: &Standing) -> Result<Readiness, Error> {
        let _ = (cx, standing);
        Ok(Readiness::Up)
    }

    /// Bytes arrived. Returns how many of them, from the first on, this node took.
    ///
    /// Taken bytes are this node's: to change in place and hand on with [`Context::deliver`], to
    /// keep, or to drop. Bytes not taken must be left as they are; they wait at the boundary
    /// below and are offered again when more have come or when there is room above again.
    /// Returning less than there was is how a node says all of: *I need more for a whole record*,
    /// *there is no room above*, *what follows is not mine* (with [`Context::end_mark`], or after
    /// asking for a push). A record that is to be taken whole may have at most
    /// [`Limits::boundary`](crate::Limits::boundary) bytes, its header included; larger ones are
    /// taken piece by piece.
    ///
    /// `bytes` is empty only after [`Context::wanted`] said no: there is room now.
    ///
    /// # Errors
    ///
    /// The connection has failed, here: what was delivered before still rises, nothing else does;
    /// what was sent (an alert) is still handed to the transport. The stack writes this layer's
    /// name on the error.
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error>;

    /// No more bytes will come from below. What a layer still holds it delivers here; the end
    /// itself rises without its help. If there is no room for all of it ([`Context::wanted`] says
    /// no), the end waits, and [`received`](Self::received) is called, with no bytes, when there is.
    ///
    /// Bytes that this node has not taken, though there was room above, make the end a truncated
    /// one; then this is not called.
    ///
    /// # Errors
    ///
    /// [`Error::truncated`] if the protocol asks for an end mark that has not come.
    fn end_received(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let _ = cx;
        Ok(())
    }

    /// Writing is to pause (`false`) or may go on (`true`): the level of the outbox passed its
    /// high mark, or came down to its low mark, or a layer below said so. Called only when that
    /// changes; [`Standing`] and [`Context::writable`] tell how it stands.
    ///
    /// What is sent nevertheless is taken, as far as the budget goes.
    fn writable(&mut self, cx: &mut Context<'_>, writable: bool) {
        let _ = (cx, writable);
    }

    /// Something about the stack that the application may want to know. Layers are not told.
    fn event(&mut self, cx: &mut Context<'_>, event: Event) {
        let _ = (cx, event);
    }

    /// The connection is over; nothing follows. Called from the bottom to the top.
    fn lost(&mut self, end: &End) {
        let _ = end;
    }

    /// The time has come for which the node asked with [`Context::wake_at`].
    ///
    /// # Errors
    ///
    /// As for [`received`](Self::received).
    fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let _ = cx;
        Ok(())
    }
}

/// Whether a layer can be used at once, or must talk with its peer before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// The layer works from here on.
    Up,
    /// The layer calls [`Context::up`] when it works. Until then it keeps what is written, and
    /// its own need to read is not held up by a paused application.
    Handshaking,
}

/// Where a node stands at the moment when it is attached.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Standing {
    /// Whether every layer below is up.
    pub up: bool,
    /// Whether those below want writing to pause now.
    pub write_paused: bool,
    /// Whether nobody above wants bytes now.
    pub read_paused: bool,
    /// Whether the network has already said that no more bytes will come.
    pub end_seen: bool,
    /// The number of the inbound epoch that begins with this layer; above a layer that is still
    /// leaving, of the one before it.
    pub epoch: u64,
}
