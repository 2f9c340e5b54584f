//! Any stream over a stream, as a layer.

use std::any::{Any, TypeId};
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::failure::{ENDED, Failure};
use super::inside::{Inside, Stream};
use super::wire::Wire;
use crate::buffer::Buffer;
use crate::{
    Blame, Chunk, Context, End, Error, ErrorKind, Exit, Layer, Protocol, Readiness, Residue, Role,
    Signal, Standing, Transport,
};

/// What is read of the stream at once.
const READ: usize = 16 * 1024;
/// What may be written before the stream is there until writing is to pause.
const WAITING_HIGH: usize = 64 * 1024;
/// What those may write who go on nevertheless.
const WAITING_MOST: usize = 4 * 1024 * 1024;
/// How often the stream may fill its wire in one call.
const ROUNDS: usize = 64;

/// Any function from a stream to a stream, as a layer: a TLS library's `connect`, a codec's encoder
/// and decoder joined, another [`Connection`](crate::Connection).
///
/// The function is given a [`Wire`], which is what stands below the layer, and returns the stream
/// that those above are to read and write. It is called when the layer comes in; until its future
/// is done, the layer is in its handshake.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use stack::{Connection, StreamLayer, Wire};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt, BufStream};
///
/// let (near, mut far) = tokio::io::duplex(64);
/// let mut connection = Connection::new(near);
/// connection.write_all(b"before, ").await?;
/// let buffered = StreamLayer::new("buffered", |wire: Wire| async {
///     Ok::<_, std::io::Error>(BufStream::new(wire))
/// });
/// connection.push(buffered).await?;
/// connection.write_all(b"after").await?;
/// connection.shutdown().await?;
///
/// let mut seen = String::new();
/// far.read_to_string(&mut seen).await?;
/// assert_eq!(seen, "before, after");
/// # Ok(()) }
/// ```
///
/// # Who polls it
///
/// Whoever drives the connection polls the future and the stream, in place: when bytes come for it,
/// when something is written or flushed, when there is room again above it, and when it wakes the
/// waker that it was polled with, because a timer of its own or another task has come to an end. It
/// is not read while those above want nothing, and what it does not read of its wire stays below
/// it. Around a bare [`Stack`](crate::Stack) that is for
/// [`answer_signals`](crate::Stack::answer_signals).
///
/// A flush waits until the stream is flushed, and a shutdown until it is shut down.
///
/// # How it leaves
///
/// Where the stream reads 0 before its wire has ended, the peer has ended the layer (see
/// [`Exit::Marked`] for what then happens): a pop shuts the stream down, and the connection goes on.
/// But a stream may have read more of its wire than it needed, and nobody can take that back. So a
/// pop promises nothing about bytes that came right behind the peer's end mark.
///
/// Else it is [`Exit::Silent`]: it can be popped only while nothing is under way, at both ends. The
/// stream is flushed and dropped, and not shut down, for what it says then (a TLS close_notify, a
/// codec's last block) the peer would read as it is. One that another task moves bytes through cannot
/// be popped so, for nobody knows what is inside.
///
/// For a stream that reads no byte too many, there is [`with_end_mark`](Self::with_end_mark). Such a
/// pop shuts the stream down within the call, for what is written next goes past it. If that takes the
/// stream longer, the connection has failed.
///
/// # Errors
///
/// Those of the function and the stream are the connection's, in the layer's name: the peer's
/// fault, unless they say else. If the wire has ended, they are truncations. An [`Error`] inside
/// keeps its kind, its blame, and the layer that it names.
///
/// # Cancelling
///
/// Dropped with the connection, or taken out, the layer drops the future or the stream.
///
/// # Panics
///
/// If the function, the future or the stream does: in the task that drives the connection. The
/// layer is over then.
pub struct StreamLayer {
    name: String,
    residue: Residue,
    role: Role,
    exit: Exit,
    inside: Inside,
    /// What was written and the stream has not taken.
    staged: Buffer,
    outgoing: Outgoing,
    /// Something was ever written to it.
    wrote: bool,
    /// It was not read to the last, for want of room.
    brims: bool,
    /// Nothing more comes from below.
    ended: bool,
}

/// What goes down through the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outgoing {
    Open,
    /// It took bytes since it was last flushed, and may have them still.
    Written,
    /// It is being flushed.
    Flushing,
    /// It is being shut down.
    Closing,
    Closed,
}

impl StreamLayer {
    /// A layer of this name, in drawings and errors, whose stream is what `connect` makes.
    pub fn new<F, Fut, S, E>(name: impl Into<String>, connect: F) -> Self
    where
        F: FnOnce(Wire) -> Fut + Send + 'static,
        Fut: Future<Output = Result<S, E>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        Self {
            name: name.into(),
            residue: Residue::Feed,
            role: Role::Free,
            exit: Exit::Silent,
            inside: Inside::new(connect),
            staged: Buffer::default(),
            outgoing: Outgoing::Open,
            wrote: false,
            brims: false,
            ended: false,
        }
    }

    /// Sets what becomes of bytes that were received, but not read, when the layer is pushed. The
    /// default is [`Residue::Feed`]; for TLS behind a STARTTLS it has to be [`Residue::Reject`].
    #[must_use]
    pub fn with_residue(mut self, residue: Residue) -> Self {
        self.residue = residue;
        self
    }

    /// Sets what the layer does to bytes, by which the stack refuses it in the wrong place. The
    /// default is [`Role::Free`].
    #[must_use]
    pub fn with_role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// Says that the stream's protocol has an end mark in each direction, and that the stream reads
    /// no byte of its wire behind the peer's: then it can be popped as a layer of ours
    /// ([`Exit::Marked`]). OpenSSL keeps to that, since it reads record by record; a stream that
    /// reads into a buffer of its own, as rustls or a `BufReader` does, loses what follows the mark.
    ///
    /// An input that ends without the mark is truncated then, also where the stream itself takes that
    /// for a clean end.
    #[must_use]
    pub fn with_end_mark(mut self) -> Self {
        self.exit = Exit::Marked;
        self
    }

    /// Reads of the stream while those above want bytes and it has some. Returns how many of
    /// `bytes` it took from its wire.
    fn read(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Result<usize, Error> {
        let (mut lent, mut waits) = (0, false);
        let read = loop {
            let more = self.inside.lend(&bytes[lent..]);
            lent += more;
            if waits && more == 0 {
                break Ok(Read::Waits);
            }
            if !self.inside.is_up() {
                match self.connect(cx) {
                    Ok(Poll::Ready(())) => cx.up(),
                    Ok(Poll::Pending) => waits = true,
                    Err(error) => break Err(error),
                }
                continue;
            }
            if !cx.wanted() {
                break Ok(Read::Unwanted);
            }
            match self.read_once(cx) {
                Ok(Poll::Ready(0)) => break Ok(Read::Ended),
                Ok(Poll::Ready(_)) => waits = false,
                Ok(Poll::Pending) => waits = true,
                Err(error) => break Err(error),
            }
        };
        let left = self.inside.take_back();
        self.brims = matches!(read, Ok(Read::Unwanted));
        match read? {
            // It is polled again when it says so. Nothing that comes could change that.
            Read::Waits if self.ended => cx.keep_end(),
            Read::Waits if left > 0 || lent < bytes.len() => cx.pause(true),
            Read::Ended if !self.ended => cx.end_mark(),
            // A stream may take a missing mark for a clean end; but it had read all there was.
            Read::Ended if self.exit == Exit::Marked => return Err(Error::truncated(ENDED)),
            Read::Waits | Read::Ended | Read::Unwanted => {}
        }
        Ok(lent - left)
    }

    fn read_once(&mut self, cx: &mut Context<'_>) -> Result<Poll<usize>, Error> {
        let inside = &mut self.inside;
        let poll = cx.deliver_with(READ, |room| {
            let mut room = ReadBuf::new(room);
            let poll = inside.poll(|stream, task| stream.poll_read(task, &mut room));
            let n = room.filled().len();
            match poll {
                Poll::Ready(Ok(())) => (n, Poll::Ready(Ok(n))),
                Poll::Ready(Err(error)) => (0, Poll::Ready(Err(error))),
                Poll::Pending => (0, Poll::Pending),
            }
        });
        inside.send_written(cx);
        self.checked(poll)
    }

    /// Polls the future. Once it is done, what was written meanwhile goes out.
    fn connect(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, Error> {
        let poll = self.inside.poll_coming();
        self.inside.send_written(cx);
        match poll {
            Poll::Pending => Ok(Poll::Pending),
            Poll::Ready(Err(failure)) => Err(failure.into_error(self.ended)),
            Poll::Ready(Ok(())) => {
                self.push_on(cx)?;
                Ok(Poll::Ready(()))
            }
        }
    }

    /// Writes what is staged, and goes on with a flush that was begun.
    fn push_on(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        // What another task has written.
        self.inside.send_written(cx);
        if matches!(self.outgoing, Outgoing::Closing | Outgoing::Closed) {
            return Ok(());
        }
        let mut staged = std::mem::take(&mut self.staged);
        let written = self.write(cx, staged.bytes());
        if let Ok(n) = written {
            staged.consume(n);
        }
        self.staged = staged;
        written?;
        if self.staged.is_empty() && self.outgoing == Outgoing::Flushing {
            let flushed = self.drive(cx, |stream, task| stream.poll_flush(task))?;
            if flushed.is_ready() {
                self.outgoing = Outgoing::Open;
            }
        }
        cx.hold_back(!self.staged.is_empty() || self.outgoing == Outgoing::Flushing);
        Ok(())
    }

    /// Writes as much as the stream takes.
    fn write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Result<usize, Error> {
        let mut written = 0;
        if !bytes.is_empty() && self.outgoing == Outgoing::Open {
            self.outgoing = Outgoing::Written;
        }
        while written < bytes.len() {
            let rest = &bytes[written..];
            match self.drive(cx, |stream, task| stream.poll_write(task, rest))? {
                Poll::Ready(0) => return Err(self.failed(io::ErrorKind::WriteZero.into())),
                Poll::Ready(n) => {
                    written += n;
                    self.wrote = true;
                }
                Poll::Pending => break,
            }
        }
        Ok(written)
    }

    /// Polls the stream, and sends what it writes, until it waits for more than room in its wire.
    fn drive<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(Pin<&mut dyn Stream>, &mut Task<'_>) -> Poll<io::Result<T>>,
    ) -> Result<Poll<T>, Error> {
        for _ in 0..ROUNDS {
            let result = self.inside.poll(&mut poll);
            let made_room = self.inside.send_written(cx);
            if result.is_ready() || !made_room {
                return self.checked(result);
            }
        }
        Ok(Poll::Pending)
    }

    fn stage(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.staged.len() + bytes.len() > WAITING_MOST {
            let why = "too much was written while the stream took nothing";
            return Err(Error::new(ErrorKind::Limit, Blame::Local, why));
        }
        self.staged.append(bytes);
        Ok(())
    }

    fn checked<T>(&self, poll: Poll<io::Result<T>>) -> Result<Poll<T>, Error> {
        match poll {
            Poll::Pending => Ok(Poll::Pending),
            Poll::Ready(Ok(result)) => Ok(Poll::Ready(result)),
            Poll::Ready(Err(error)) => Err(self.failed(error)),
        }
    }

    fn failed(&self, error: io::Error) -> Error {
        Failure::from(error).into_error(self.ended)
    }
}

/// Why reading of the stream has come to rest.
enum Read {
    /// It has nothing, and will say when it has.
    Waits,
    /// There is no room above.
    Unwanted,
    Ended,
}

impl Protocol for StreamLayer {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        self.inside.begin()?;
        Ok(match self.connect(cx)? {
            Poll::Ready(()) => Readiness::Up,
            Poll::Pending => Readiness::Handshaking,
        })
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        // All that it may be raised for is seen to below.
        self.inside.signal.take();
        if self.inside.is_up() {
            self.push_on(cx)?;
        }
        self.read(cx, bytes)
    }

    fn end_received(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.ended = true;
        self.inside.end();
        self.read(cx, &[]).map(drop)
    }

    fn lost(&mut self, _: &End) {
        self.inside.close();
    }

    /// It has asked for no time, but raised its signal.
    fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.inside.is_coming() {
            if self.connect(cx)?.is_ready() {
                cx.up();
            }
            return Ok(());
        }
        self.push_on(cx)
    }
}

impl Transport for StreamLayer {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        let bytes = chunk.as_slice();
        if self.inside.is_coming() {
            self.stage(bytes)?;
            cx.hold_back(self.staged.len() > WAITING_HIGH);
            return Ok(());
        }
        if !self.staged.is_empty() {
            self.stage(bytes)?;
            return self.push_on(cx);
        }
        let written = self.write(cx, bytes)?;
        if written < bytes.len() {
            self.stage(&bytes[written..])?;
            cx.hold_back(true);
        }
        Ok(())
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.inside.is_coming() {
            return Ok(());
        }
        if matches!(self.outgoing, Outgoing::Open | Outgoing::Written) {
            self.outgoing = Outgoing::Flushing;
        }
        self.push_on(cx)
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.push_on(cx)?;
        if self.staged.is_empty() && self.outgoing != Outgoing::Closed {
            self.outgoing = Outgoing::Closing;
            if self
                .drive(cx, |stream, task| stream.poll_shutdown(task))?
                .is_ready()
            {
                self.outgoing = Outgoing::Closed;
            }
        }
        if self.outgoing != Outgoing::Closed || !self.inside.is_finished() {
            cx.finish_later();
        }
        Ok(())
    }
}

impl Layer for StreamLayer {
    fn name(&self) -> &str {
        &self.name
    }

    fn exit(&self) -> Exit {
        self.exit
    }

    fn residue(&self) -> Residue {
        self.residue
    }

    fn role(&self) -> Role {
        self.role
    }

    /// What is staged, and what waits in the wire. What is inside the stream nobody knows; at least
    /// a byte, if it has not been flushed, or read, to the end, or if another task is part of it.
    fn held(&self) -> usize {
        let unflushed = matches!(self.outgoing, Outgoing::Written | Outgoing::Flushing);
        let elsewhere = self.wrote && !self.inside.is_inline();
        let least = usize::from(unflushed || self.brims || elsewhere);
        (self.staged.len() + self.inside.held()).max(least)
    }

    fn info(&self, wanted: TypeId) -> Option<&dyn Any> {
        let signal = &self.inside.signal;
        (wanted == TypeId::of::<Signal>()).then_some(signal as &dyn Any)
    }
}

impl fmt::Debug for StreamLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamLayer")
            .field("name", &self.name)
            .field("exit", &self.exit)
            .field("held", &self.held())
            .finish_non_exhaustive()
    }
}
