//! Bytes between a stack and the socket below it.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::drive::Driver;
use crate::Error;
use crate::buffer::BLOCK;

/// How many polls a socket that takes no more is given to bring what it still has. A runtime looks
/// at its sockets only now and then (tokio, while there are other tasks to run, every 61 polls), so
/// that one which is not ready may be so in a moment.
const FAREWELL: u32 = 128;

/// The outgoing half of the socket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Socket {
    /// All that it took, it has sent.
    Flushed,
    /// It took bytes that it may still have to flush.
    Unflushed,
    /// Its outgoing half has ended.
    ShutDown,
    /// It takes no more. What it still brings is read, until it has brought nothing for so many
    /// polls.
    Broken { idle: u32 },
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Driver<Io> {
    /// Reads once from the socket, if the stack wants input. Whether anything came.
    pub(super) fn read_in(&mut self) -> bool {
        // With work left over, what would be read could only wait.
        if self.frozen || !self.stack.wants_input() || self.stack.has_work() {
            return false;
        }
        let mut cx = Context::from_waker(&self.waker);
        let mut space = ReadBuf::new(self.stack.input_space());
        let read = Pin::new(&mut self.io).poll_read(&mut cx, &mut space);
        let n = space.filled().len();
        if n > 0 {
            self.stack.begin(self.age());
        }
        self.stack.filled(n);
        match read {
            Poll::Pending => match (&mut self.socket, self.stack.failure()) {
                (Socket::Broken { idle: FAREWELL }, Err(error)) => {
                    self.stack.fail(error);
                    true
                }
                (Socket::Broken { idle }, _) => {
                    *idle += 1;
                    false
                }
                _ => false,
            },
            Poll::Ready(Ok(())) => {
                if n == 0 {
                    self.stack.receive_end();
                } else if let Socket::Broken { idle } = &mut self.socket {
                    *idle = 0;
                }
                true
            }
            Poll::Ready(Err(error)) => {
                self.stack.fail(Error::transport(error));
                true
            }
        }
    }

    /// Writes what is ready, as far as the socket takes it. Whether it took anything, or failed.
    pub(super) fn write_out(&mut self) -> bool {
        let mut wrote = false;
        while self.is_open() && self.stack.outgoing_len() > 0 {
            let mut cx = Context::from_waker(&self.waker);
            let written = Pin::new(&mut self.io).poll_write(&mut cx, self.stack.outgoing());
            match self.took(written) {
                0 => return wrote || !self.is_open(),
                n => self.stack.sent(n),
            }
            wrote = true;
        }
        wrote
    }

    /// Writes what has gathered, if that is much: two blocks at once, where there are so many, since each
    /// write may wake the peer, which costs more than all else.
    pub(super) fn write_out_blocks(&mut self) {
        if !self.stack.writable() || self.stack.outgoing_len() >= 2 * BLOCK {
            self.write_out();
        }
    }

    /// Writes through the stack. A large chunk that no layer changes goes to the socket from where
    /// it lies: a copy costs a tenth of what the kernel takes for it.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.tell_time();
        if bytes.len() < BLOCK {
            return self.stack.write(bytes);
        }
        if self.stack.write_lent(bytes)? {
            let mut cx = Context::from_waker(&self.waker);
            let written = Pin::new(&mut self.io).poll_write(&mut cx, bytes);
            let n = self.took(written);
            self.stack.put_first(&bytes[n..]);
        }
        Ok(())
    }

    /// How many bytes the socket took in a write; none if it is full, or has failed.
    fn took(&mut self, written: Poll<std::io::Result<usize>>) -> usize {
        match written {
            Poll::Pending => 0,
            Poll::Ready(Ok(n)) if n > 0 => {
                self.socket = Socket::Unflushed;
                n
            }
            Poll::Ready(result) => {
                let error = result.err();
                let error = error.unwrap_or_else(|| std::io::ErrorKind::WriteZero.into());
                self.stack.fail_sending(Error::transport(error));
                self.socket = Socket::Broken { idle: 0 };
                0
            }
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.socket, Socket::Flushed | Socket::Unflushed)
    }

    /// Flushes the socket, and ends its outgoing half if that is due. Whether it got further.
    pub(super) fn end_socket(&mut self) -> bool {
        if self.stack.outgoing_len() > 0 {
            return false;
        }
        let mut cx = Context::from_waker(&self.waker);
        let io = Pin::new(&mut self.io);
        let over = self.stack.outgoing_ended() || self.stack.failure().is_err();
        let (step, next) = match self.socket {
            Socket::ShutDown | Socket::Broken { .. } => return false,
            _ if over => (io.poll_shutdown(&mut cx), Socket::ShutDown),
            Socket::Unflushed => (io.poll_flush(&mut cx), Socket::Flushed),
            Socket::Flushed => return false,
        };
        match step {
            Poll::Pending => false,
            Poll::Ready(Ok(())) => {
                self.socket = next;
                true
            }
            Poll::Ready(Err(error)) => {
                // A peer that is gone already does not mind.
                if error.kind() == std::io::ErrorKind::NotConnected {
                    self.socket = Socket::ShutDown;
                } else {
                    self.socket = Socket::Broken { idle: 0 };
                    self.stack.fail_sending(Error::transport(error));
                }
                true
            }
        }
    }

    /// Flushes, and writes as much as the socket takes without waiting; and flushes the socket,
    /// which may keep a buffer of its own.
    pub(super) fn hand_over(&mut self) {
        self.stack.flush();
        while self.write_out() || self.end_socket() {}
    }

    /// Whether the outgoing half of the socket has ended.
    pub(super) fn is_shut_down(&self) -> bool {
        matches!(self.socket, Socket::ShutDown | Socket::Broken { .. })
    }
}
