//! A socket that does what a test says, and knows who waits for it.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Both the socket and the hand that moves it: a clone is the same wire.
#[derive(Clone, Default)]
pub(crate) struct Wire(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    input: VecDeque<u8>,
    ended: bool,
    output: Vec<u8>,
    /// How many bytes it takes; without bound, if none is set.
    room: Option<usize>,
    reset: bool,
    shut: bool,
    /// How many bytes were read.
    read: usize,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Wire {
    /// One that takes no more than `room` bytes until [`make_room`](Self::make_room).
    pub(crate) fn narrow(room: usize) -> Self {
        let wire = Self::default();
        wire.0.lock().unwrap().room = Some(room);
        wire
    }

    /// The peer's bytes have come.
    pub(crate) fn bring(&self, bytes: &[u8]) {
        let reader = {
            let mut state = self.0.lock().unwrap();
            state.input.extend(bytes);
            state.reader.take()
        };
        reader.into_iter().for_each(Waker::wake);
    }

    /// The peer has ended its half.
    pub(crate) fn end(&self) {
        self.0.lock().unwrap().ended = true;
        self.bring(b"");
    }

    /// So many bytes more are taken.
    pub(crate) fn make_room(&self, n: usize) {
        let writer = {
            let mut state = self.0.lock().unwrap();
            state.room = state.room.map(|room| room + n);
            state.writer.take()
        };
        writer.into_iter().for_each(Waker::wake);
    }

    /// The peer has torn the connection down.
    pub(crate) fn reset(&self) {
        self.0.lock().unwrap().reset = true;
        self.bring(b"");
        self.make_room(0);
    }

    /// Takes what was written since the last call.
    pub(crate) fn taken(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap().output)
    }

    /// How many bytes were read so far.
    pub(crate) fn read(&self) -> usize {
        self.0.lock().unwrap().read
    }

    pub(crate) fn is_shut(&self) -> bool {
        self.0.lock().unwrap().shut
    }

    /// Whether anybody would be woken by input, and whether by room.
    pub(crate) fn awaited(&self) -> [bool; 2] {
        let state = self.0.lock().unwrap();
        [state.reader.is_some(), state.writer.is_some()]
    }
}

fn reset() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.0.lock().unwrap();
        if state.reset {
            return Poll::Ready(Err(reset()));
        }
        if state.input.is_empty() && !state.ended {
            state.reader = Some(task.waker().clone());
            return Poll::Pending;
        }
        let n = state.input.len().min(buf.remaining());
        let bytes: Vec<u8> = state.input.drain(..n).collect();
        buf.put_slice(&bytes);
        if state.input.is_empty() {
            state.input = VecDeque::new(); // It keeps no memory, where memory is measured.
        }
        state.read += n;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.0.lock().unwrap();
        if state.reset {
            return Poll::Ready(Err(reset()));
        }
        let n = state.room.map_or(bytes.len(), |room| room.min(bytes.len()));
        if n == 0 {
            state.writer = Some(task.waker().clone());
            return Poll::Pending;
        }
        state.room = state.room.map(|room| room - n);
        state.output.extend_from_slice(&bytes[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0.lock().unwrap().reset {
            true => Poll::Ready(Err(reset())),
            false => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock().unwrap();
        state.shut = !state.reset;
        match state.reset {
            true => Poll::Ready(Err(reset())),
            false => Poll::Ready(Ok(())),
        }
    }
}
