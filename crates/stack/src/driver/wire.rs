//! The end that a stream inside a layer reads and writes.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Signal;
use crate::buffer::{BLOCK, Buffer};

/// What is lent at once, so that what the stream leaves is copied in vain only up to that much.
const LENT: usize = 16 * 1024;

/// What is below a [`StreamLayer`](crate::StreamLayer), as a stream: it reads what comes to the
/// layer, and what is written to it goes down.
///
/// Its end of input is the end of what is below. It may be split, and may be moved to another task;
/// then up to 64 KiB wait in it each way.
pub struct Wire(Arc<Shared>);

/// The layer's side of a [`Wire`].
pub(super) struct Below(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    signal: Signal,
}

#[derive(Default)]
struct State {
    /// The layer polls its stream at this moment, on this thread. Whoever polls else is another task.
    inline: Option<ThreadId>,
    /// Lent by the layer, and taken back when it has polled its stream; given for good if another
    /// task reads.
    input: Buffer,
    /// Nothing comes behind the input.
    ended: bool,
    output: Buffer,
    /// Nothing is written behind the output.
    shut: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// Another task reads.
    read_elsewhere: bool,
    /// The stream itself writes, when the layer polls it.
    written_inline: bool,
    /// Another task writes.
    written_elsewhere: bool,
    /// The layer is gone.
    over: bool,
}

/// A wire, and the layer's side of it.
pub(super) fn wire(signal: &Signal) -> (Wire, Below) {
    let shared = Arc::new(Shared {
        state: Mutex::default(),
        signal: signal.clone(),
    });
    (Wire(Arc::clone(&shared)), Below(shared))
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_elsewhere(&self) -> bool {
        self.inline
            .is_none_or(|inline| inline != thread::current().id())
    }
}

impl Below {
    /// Runs `poll`, which polls the stream.
    pub(super) fn inline<R>(&self, poll: impl FnOnce() -> R) -> R {
        self.0.lock().inline = Some(thread::current().id());
        let result = poll();
        self.0.lock().inline = None;
        result
    }

    /// Lends some of `bytes`, if the stream has read all that was lent before. How many.
    pub(super) fn lend(&self, bytes: &[u8], own: &Waker) -> usize {
        if bytes.is_empty() {
            return 0;
        }
        let mut state = self.0.lock();
        let n = match state.read_elsewhere {
            true => bytes.len().min(BLOCK - state.input.len().min(BLOCK)),
            false if state.input.is_empty() => bytes.len().min(LENT),
            false => 0,
        };
        if n > 0 {
            state.input.append(&bytes[..n]);
            let reader = state.reader.take();
            drop(state);
            // The layer itself is about to poll.
            if let Some(reader) = reader.filter(|reader| !reader.will_wake(own)) {
                reader.wake();
            }
        }
        n
    }

    /// Takes back what was lent and not read, of which it says how much it is.
    pub(super) fn take_back(&self) -> usize {
        let mut state = self.0.lock();
        let n = match state.read_elsewhere {
            true => 0,
            false => state.input.len(),
        };
        state.input.consume(n);
        n
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        let reader = {
            let mut state = self.0.lock();
            state.ended = true;
            state.reader.take()
        };
        reader.into_iter().for_each(Waker::wake);
    }

    /// What was written since the last call, and whether somebody waited for room.
    pub(super) fn written(&self) -> (Buffer, bool) {
        let (output, writer) = {
            let mut state = self.0.lock();
            (std::mem::take(&mut state.output), state.writer.take())
        };
        let waited = writer.is_some();
        writer.into_iter().for_each(Waker::wake);
        (output, waited)
    }

    /// Whether nothing is written any more, now that the stream is shut down. Not every stream shuts
    /// down what is below; but for one that another task moves bytes from, that tells.
    pub(super) fn is_finished(&self) -> bool {
        let state = self.0.lock();
        state.shut || (state.written_inline && !state.written_elsewhere)
    }

    /// Whether the stream itself writes and reads, and no other task does for it.
    pub(super) fn is_inline(&self) -> bool {
        let state = self.0.lock();
        state.written_inline && !state.written_elsewhere && !state.read_elsewhere
    }

    /// How many bytes wait for other tasks.
    pub(super) fn held(&self) -> usize {
        let state = self.0.lock();
        state.input.len() + state.output.len()
    }
}

/// The layer is gone.
impl Drop for Below {
    fn drop(&mut self) {
        let wakers = {
            let mut state = self.0.lock();
            state.over = true;
            [state.reader.take(), state.writer.take()]
        };
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let shared = &self.0;
        let mut state = shared.lock();
        let n = state.input.len().min(buf.remaining());
        if n > 0 || buf.remaining() == 0 {
            buf.put_slice(&state.input.bytes()[..n]);
            state.input.consume(n);
            return Poll::Ready(Ok(()));
        }
        if state.ended {
            return Poll::Ready(Ok(()));
        }
        if state.over {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        state.reader = Some(task.waker().clone());
        if state.is_elsewhere() {
            state.read_elsewhere = true;
            drop(state);
            shared.signal.raise();
        }
        Poll::Pending
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let shared = &self.0;
        let mut state = shared.lock();
        if state.over || state.shut {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let written = if state.output.len() >= BLOCK {
            state.writer = Some(task.waker().clone());
            Poll::Pending
        } else {
            let n = bytes.len().min(BLOCK);
            state.output.append(&bytes[..n]);
            Poll::Ready(Ok(n))
        };
        if state.is_elsewhere() {
            state.written_elsewhere = true;
            drop(state);
            shared.signal.raise();
        } else {
            state.written_inline = true;
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.shut();
        Poll::Ready(Ok(()))
    }
}

impl Shared {
    fn shut(&self) {
        let mut state = self.lock();
        state.shut = true;
        if state.is_elsewhere() {
            drop(state);
            self.signal.raise();
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.0.shut();
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}
