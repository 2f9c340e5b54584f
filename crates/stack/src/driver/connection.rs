//! A stack over a socket, as a stream.

use std::any::Any;
use std::fmt;
use std::future::poll_fn;

use tokio::io::{AsyncRead, AsyncWrite};

use super::drive::Driver;
use super::frozen::Frozen;
use super::handle::Handle;
use super::pop::PopError;
use super::task::{self, Alone, Progress};
use crate::{
    Changes, Context, Epoch, Error, Layer, LayerId, LayerKey, LayerView, Limits, Outcome, Parts,
    PushError, Stack, Template,
};

/// A stack of layers over a socket: a stream of bytes whose layers change while it lives.
///
/// It reads and writes like any tokio stream, and can be split like one. Layers are pushed
/// ([`push`](Self::push), [`push_after`](Self::push_after), [`freeze`](Self::freeze)) and popped
/// ([`pop`](Self::pop)) between two reads or writes, at the exact byte.
///
/// # When bytes leave
///
/// What was written leaves at the latest at a flush, at the shutdown, or when the connection next
/// waits for input, and as soon as more than [`Limits::outbox_high`], or 128 KiB, are ready. This is
/// the same with layers and without, so a push never changes when bytes leave. A request that was
/// written and not flushed cannot deadlock: the read that waits for its answer flushes it first, also
/// if that read waits in another task already. Code that neither flushes nor reads wants
/// [`set_write_through`](Self::set_write_through).
///
/// Behind the first, writes of up to 512 B are gathered until a flush, up to 4 KiB of them, and go
/// through the layers as one. To the layers, and to every change of the stack, they were written when
/// they were written; but an error of a layer may show at the flush, or at the next call, and what
/// [`stack`](Self::stack), [`layers`](Self::layers) and [`info`](Self::info) tell of may not contain them
/// yet. None is gathered while a layer asks for the time, or there is a [`handle`](Self::handle).
///
/// # Who drives
///
/// No hidden task: whoever awaits a read, a write, a flush, a push or a pop drives the whole
/// connection. While nobody awaits anything, nothing moves. Reading and writing may wait in two
/// tasks (`tokio::io::split`), and neither takes the other's wake-up.
///
/// Other tasks change the stack, and watch it, by a [`handle`](Self::handle): what they ask for is
/// done by whoever drives, also in the midst of a read.
///
/// # In two halves
///
/// [`tokio::io::split`] gives a half to read and one to write, for two tasks; its lock is all that it costs,
/// as with a bare socket. Take the [`handle`](Self::handle) before: by it, either task changes the
/// layers. `unsplit` makes one connection of them again.
///
/// # Cancelling
///
/// Dropping a future never loses or doubles a byte, and never leaves a half-changed stack: see
/// each method.
///
/// # Panics
///
/// Where a deadline runs (a handshake, a pop, a layer's own) and the tokio runtime has no timer.
///
/// # Ends
///
/// A read returns 0 at a clean end. If a layer's protocol asks for an end mark that did not come,
/// it fails with [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof); every [`io::Error`](std::io::Error) holds an [`Error`] that
/// names the layer. A read returns 0, too, where the peer ended a layer that nobody here was
/// popping: then [`parked`](Self::parked) names it, and popping it makes the stream go on. Layers
/// above each other end one by one: a peer that shuts down a stack of a codec over TLS ends the
/// codec's half, then TLS's, then the socket's.
///
/// One read returns bytes of one epoch only ([`read_epoch`](Self::read_epoch)). Helpers that join
/// reads, such as `read_exact` and `read_to_end`, know of no epochs: do not let one run across a
/// pop that was asked for.
pub struct Connection<Io: AsyncRead + AsyncWrite + Unpin> {
    /// `None` only while `into_parts` consumes the connection.
    driver: Option<Driver<Io>>,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Connection<Io> {
    /// An empty stack over `io`.
    pub fn new(io: Io) -> Self {
        Self::with_limits(io, Limits::default())
    }

    /// An empty stack over `io`, with these bounds and deadlines.
    pub fn with_limits(io: Io, limits: Limits) -> Self {
        Self {
            driver: Some(Driver::new(io, Stack::new(limits))),
        }
    }

    /// A stack of the template's layers over `io`, with its bounds and deadlines, once all are up.
    ///
    /// To have the [`handle`](Self::handle) before that, or to write what is to go out past the
    /// layers, begin [with an empty stack](Self::with_limits) and [`apply`](Self::apply) the
    /// [`Template::changes`].
    ///
    /// # Errors
    ///
    /// As for [`Template::stack`], or why the connection has failed before all the layers were up.
    ///
    /// # Cancelling
    ///
    /// Drops the connection, and `io` with it.
    pub async fn from_template(io: Io, template: &Template) -> Result<Self, Error> {
        let mut connection = Self::with_template(io, template)?;
        connection.ready().await?;
        Ok(connection)
    }

    /// A stack of the template's layers over `io`, with its bounds and deadlines, at once: whoever reads
    /// or writes drives their handshakes, within [`Limits::handshake`]. What is written meanwhile waits for
    /// them. So a server can accept, and have the handshake where it serves.
    ///
    /// # Errors
    ///
    /// As for [`Template::stack`].
    pub fn with_template(io: Io, template: &Template) -> Result<Self, Error> {
        Ok(Self {
            driver: Some(Driver::new(io, template.stack()?)),
        })
    }

    /// A stream over `io` that does what the layer does: any layer, as an ordinary
    /// `AsyncRead + AsyncWrite`, for code that knows nothing of layers. It waits until the layer is
    /// up.
    ///
    /// The other way round, a [`StreamLayer`](crate::StreamLayer) makes a layer of any such stream.
    ///
    /// ```
    /// # struct Tls;
    /// # impl stack::Watch for Tls {}
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use stack::Connection;
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
    ///
    /// // A proxy that takes a layer off: behind it, all is plain.
    /// let (client, outside) = tokio::io::duplex(64);
    /// let (mut inside, mut server) = tokio::io::duplex(64);
    /// let proxy = async {
    ///     let mut stream = Connection::wrap(outside, Tls).await?;
    ///     copy_bidirectional(&mut stream, &mut inside).await
    /// };
    ///
    /// let talk = async {
    ///     let mut client = Connection::wrap(client, Tls).await?;
    ///     client.write_all(b"hello").await?;
    ///     client.shutdown().await?;
    ///     let mut seen = String::new();
    ///     server.read_to_string(&mut seen).await?;
    ///     assert_eq!(seen, "hello");
    ///     server.shutdown().await
    /// };
    /// let ((to_server, _to_client), ()) = tokio::try_join!(proxy, talk)?;
    /// assert_eq!(to_server, 5);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Why the layer did not come in, or not up.
    ///
    /// # Cancelling
    ///
    /// Drops `io` and the layer.
    pub async fn wrap(io: Io, layer: impl Layer) -> Result<Self, Error> {
        let mut connection = Self::new(io);
        let pushed = connection.push(layer).await;
        pushed.map_err(|error| error.error().clone())?;
        Ok(connection)
    }

    // ---- changes ----

    /// Pushes a layer at the top, and waits until it is up. What was written before goes out past
    /// it; what was received and not read is its residue ([`Layer::residue`]).
    ///
    /// A server that tells its peer to go ahead uses [`push_after`](Self::push_after).
    ///
    /// # Errors
    ///
    /// See [`PushError`]; unless the push was begun, the layer is given back.
    ///
    /// # Cancelling
    ///
    /// Before it is first polled, nothing has happened. After that the layer stands, unless it has to
    /// wait for another change, and then goes with the future; whatever is awaited next drives its
    /// handshake, and [`ready`](Self::ready) waits for it, and says if it has withdrawn. Its deadline then
    /// ends the connection.
    pub async fn push<L: Layer>(&mut self, layer: L) -> Result<LayerId<L>, PushError<L>> {
        self.push_after(&[], layer).await
    }

    /// Writes `answer` past the layer, pushes the layer, and waits until it is up. The answer and
    /// the push are one act: what was received before it is residue, what comes after it is not,
    /// however fast the peer is.
    ///
    /// # Errors
    ///
    /// As for [`push`](Self::push). Unless the push was begun, the answer was not written.
    ///
    /// # Cancelling
    ///
    /// As for [`push`](Self::push).
    pub async fn push_after<L: Layer>(
        &mut self,
        answer: &[u8],
        layer: L,
    ) -> Result<LayerId<L>, PushError<L>> {
        let push = |stack: &mut Stack, layer| stack.push_after(answer, layer);
        self.change(task::push(layer, push)).await
    }

    /// Inserts a layer just above the one that `of` names, and waits until it is up. What the
    /// layers above had staged goes out past it. Below the top this is possible right above a layer
    /// that is leaving, or in silence, when nothing is under way above and all is read; and for a
    /// layer that only watches ([`Exit::Anytime`](crate::Exit::Anytime)) at any time. See
    /// [`Stack::insert_above`].
    ///
    /// # Errors
    ///
    /// As for [`push`](Self::push).
    ///
    /// # Cancelling
    ///
    /// As for [`push`](Self::push).
    pub async fn insert_above<L: Layer>(
        &mut self,
        of: impl Into<LayerKey>,
        layer: L,
    ) -> Result<LayerId<L>, PushError<L>> {
        let of = of.into();
        let insert = |stack: &mut Stack, layer| stack.insert_above(of, layer);
        self.change(task::push(layer, insert)).await
    }

    /// Inserts a layer just below the one that `of` names; as
    /// [`insert_above`](Self::insert_above).
    ///
    /// # Errors
    ///
    /// As for [`push`](Self::push).
    ///
    /// # Cancelling
    ///
    /// As for [`push`](Self::push).
    pub async fn insert_below<L: Layer>(
        &mut self,
        of: impl Into<LayerKey>,
        layer: L,
    ) -> Result<LayerId<L>, PushError<L>> {
        let of = of.into();
        let insert = |stack: &mut Stack, layer| stack.insert_below(of, layer);
        self.change(task::push(layer, insert)).await
    }

    /// Puts a layer in the place of another, and waits until the new one is up. What is written
    /// goes through the new one at once, behind the old one's end mark; what comes is decoded by
    /// the old one up to its peer's end mark. [`pop`](Self::pop) waits for the old one to leave,
    /// and gives it back; until then it is kept.
    ///
    /// A new layer with a handshake is up only when the peer has replaced its own as well. If bytes
    /// of before must be read first, this does not wait for that: read, then [`ready`](Self::ready)
    /// does.
    ///
    /// # Errors
    ///
    /// As for [`push`](Self::push).
    ///
    /// # Cancelling
    ///
    /// As for [`push`](Self::push).
    pub async fn replace<L: Layer>(
        &mut self,
        old: impl Into<LayerKey>,
        layer: L,
    ) -> Result<LayerId<L>, PushError<L>> {
        let old = old.into();
        let replace = |stack: &mut Stack, layer| stack.replace(old, layer);
        self.change(task::push(layer, replace)).await
    }

    /// Makes several changes as one, all or none, and waits until the layers that came in are up.
    /// [`pop`](Self::pop) gives back those that went.
    ///
    /// # Errors
    ///
    /// See [`PushError`]; unless they were begun, the changes are given back.
    ///
    /// # Cancelling
    ///
    /// As for [`push`](Self::push).
    pub async fn apply(&mut self, changes: Changes) -> Result<(), PushError<Changes>> {
        self.change(task::apply(changes)).await
    }

    /// Freezes reading until the guard pushes a layer or is dropped: for a server whose "go
    /// ahead" is written by code that knows nothing of layers.
    pub fn freeze(&mut self) -> Frozen<'_, Io> {
        Frozen::new(self)
    }

    /// Waits until every layer is up. What was written by then, the handshakes' last words
    /// included, is flushed, and handed to the socket as far as it takes it at once.
    ///
    /// # Errors
    ///
    /// Why the connection has failed; or, of kind [`ErrorKind::Busy`](crate::ErrorKind::Busy), that
    /// a layer awaits another's end mark, before which something waits unread: read, and await this
    /// again.
    ///
    /// # Cancelling
    ///
    /// Changes nothing.
    pub async fn ready(&mut self) -> Result<(), Error> {
        poll_fn(|task| self.driver_mut().poll_up(task)).await
    }

    /// Asks a layer to leave, and waits until its outgoing half has ended: from then on, what is
    /// written goes past it. What comes is decoded by it until the peer's end mark. This is the
    /// first stage of [`pop`](Self::pop), for those who read on in between.
    ///
    /// # Errors
    ///
    /// [`PopError::Refused`] or [`PopError::Failed`].
    ///
    /// # Cancelling
    ///
    /// Before it is first polled, nothing has happened. After that the layer is leaving.
    pub async fn start_pop(&mut self, key: impl Into<LayerKey>) -> Result<(), PopError> {
        self.change(task::start_pop(key.into())).await
    }

    /// Asks a layer to leave, waits until both its halves have ended, and gives it back. The
    /// connection below lives on, and not a byte is lost: what the peer sent before its end mark
    /// was decoded, what it sends after is not touched.
    ///
    /// # Errors
    ///
    /// See [`PopError`]. After `NeedsRead` and `Late` the pop goes on, and calling this again
    /// waits for it again.
    ///
    /// # Cancelling
    ///
    /// As for [`start_pop`](Self::start_pop); calling this again waits for it again.
    pub async fn pop<L: Layer>(&mut self, id: LayerId<L>) -> Result<(L, Outcome), PopError> {
        self.change(task::pop(id)).await
    }

    /// Takes a layer out at once, wherever its incoming half stands; the outcome says how many
    /// bytes were under way inside it. For when a pop does not come to its end.
    ///
    /// # Errors
    ///
    /// If there is no such layer, if it is anchored, or if it is in its handshake.
    pub fn rip<L: Layer>(&mut self, id: LayerId<L>) -> Result<(L, Outcome), Error> {
        self.driver_mut().stack.rip(id)
    }

    /// Calls `with` with a layer that stands in this stack, to set something of it, or to have it say
    /// something; see [`Stack::with_layer`]. What it says leaves as a write does.
    ///
    /// # Errors
    ///
    /// If there is no such layer, or if the connection has failed. `with` was not called then.
    pub fn with_layer<L: Layer, R>(
        &mut self,
        id: LayerId<L>,
        with: impl FnOnce(&mut L, &mut Context<'_>) -> R,
    ) -> Result<R, Error> {
        self.driver_mut().stack.with_layer(id, with)
    }

    /// Forbids for good that the layer, or any below it, leaves: never downgrade. If the peer ends
    /// one of them unasked, what it sends behind its end mark is an error.
    ///
    /// # Errors
    ///
    /// If there is no such layer, or if one of them is leaving already.
    pub fn anchor(&mut self, key: impl Into<LayerKey>) -> Result<(), Error> {
        self.driver_mut().stack.anchor(key)
    }

    /// A handle on this connection, to change and to watch it from other tasks.
    pub fn handle(&mut self) -> Handle {
        self.driver_mut().handle()
    }

    pub(super) async fn change<T>(
        &mut self,
        mut step: impl FnMut(&mut Stack, Alone) -> Progress<T>,
    ) -> T {
        self.driver_mut().begin_turn();
        poll_fn(|task| self.driver_mut().poll_change(task, &mut step)).await
    }

    // ---- reading and writing ----

    /// Puts bytes back, before all that will be read next.
    ///
    /// # Errors
    ///
    /// If the connection's budget does not allow that many.
    pub fn unread(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.driver_mut().stack.unread(bytes)
    }

    /// With `true`, every write is flushed at once: for code that writes and then neither flushes
    /// nor reads.
    pub fn set_write_through(&mut self, write_through: bool) {
        self.driver_mut().write_through = write_through;
    }

    /// The layer whose peer has ended it while nobody here was popping it, once all that it
    /// decoded has been read. What follows waits below it until it is popped. A layer above it that has
    /// an end mark of its own has not met that yet: then a read that returns 0 is no clean end.
    pub fn parked(&self) -> Option<LayerKey> {
        self.stack().parked()
    }

    // ---- looking ----

    /// The layers, lowest first.
    pub fn layers(&self) -> impl DoubleEndedIterator<Item = LayerView<'_>> {
        self.stack().layers()
    }

    /// Gives the network something to tell, under [`info`](Self::info): the peer's address, for
    /// instance.
    pub fn set_network_info<T: Any + Send + Sync>(&mut self, info: T) {
        self.driver_mut().stack.set_network_info(info);
    }

    /// A value of type `T` from the topmost layer that has one, or else from the network.
    pub fn info<T: Any>(&self) -> Option<&T> {
        self.stack().info()
    }

    /// The epoch of the next byte to be read, if it is here already (see
    /// [`poll_fill_buf`](tokio::io::AsyncBufRead::poll_fill_buf)): which layers it crossed. If not, the
    /// present one. No read returns bytes of two.
    pub fn read_epoch(&self) -> Epoch {
        self.stack().epoch()
    }

    /// The epoch of the next byte to be written.
    pub fn write_epoch(&self) -> Epoch {
        self.stack().write_epoch()
    }

    /// The stack, to look at.
    pub fn stack(&self) -> &Stack {
        match &self.driver {
            Some(driver) => &driver.stack,
            None => unreachable!("taken only by into_parts"),
        }
    }

    /// The socket.
    pub fn io(&self) -> &Io {
        match &self.driver {
            Some(driver) => &driver.io,
            None => unreachable!("taken only by into_parts"),
        }
    }

    /// Takes the connection apart: the socket, what was not read, what was not sent, and the
    /// layers. What was written goes through the layers first; one that fails at what was not
    /// flushed before can tell nobody.
    pub fn into_parts(mut self) -> Parts<Io> {
        let Some(mut driver) = self.driver.take() else {
            unreachable!("taken only here")
        };
        driver.settle();
        driver.mailbox.publish(&mut driver.stack);
        driver.stack.into_parts().with_io(driver.io)
    }

    /// The driver, for those who do something with its stack.
    pub(super) fn driver_mut(&mut self) -> &mut Driver<Io> {
        let driver = self.driver_to_write();
        driver.settle();
        driver
    }

    /// The driver, with what was written in small pieces where it is.
    pub(super) fn driver_to_write(&mut self) -> &mut Driver<Io> {
        match &mut self.driver {
            Some(driver) => driver,
            None => unreachable!("taken only by into_parts"),
        }
    }
}

/// Hands over what was written and not flushed, if the socket takes it at once.
impl<Io: AsyncRead + AsyncWrite + Unpin> Drop for Connection<Io> {
    fn drop(&mut self) {
        if let Some(driver) = &mut self.driver {
            driver.last_attempt();
            driver.mailbox.publish(&mut driver.stack);
        }
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> fmt::Debug for Connection<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connection").field(self.stack()).finish()
    }
}
