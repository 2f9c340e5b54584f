//! What is inside a layer that is a stream.

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context as Task, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite};

use super::failure::Failure;
use super::signals;
use super::wire::{Below, Wire, wire};
use crate::{Blame, Context, Error, ErrorKind, Signal};

/// A stream or its future, and what it is polled with.
pub(super) struct Inside {
    /// A mutex that is never locked: what is in it may be sent to another thread, but not shared.
    life: Mutex<Life>,
    below: Option<Below>,
    pub(super) signal: Signal,
    /// Raises the signal.
    waker: Waker,
}

enum Life {
    New(Box<dyn FnOnce(Wire) -> Coming + Send>),
    Coming(Coming),
    Up(Pin<Box<dyn Stream>>),
    /// It has failed, panicked, or lost its connection.
    Over,
}

type Coming = Pin<Box<dyn Future<Output = Result<Pin<Box<dyn Stream>>, Failure>> + Send>>;

pub(super) trait Stream: AsyncRead + AsyncWrite + Send {}

impl<S: AsyncRead + AsyncWrite + Send> Stream for S {}

impl Inside {
    pub(super) fn new<F, Fut, S, E>(connect: F) -> Self
    where
        F: FnOnce(Wire) -> Fut + Send + 'static,
        Fut: Future<Output = Result<S, E>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let connect = |wire| -> Coming {
            let coming = connect(wire);
            Box::pin(async {
                let stream = coming.await.map_err(|error| Failure(error.into()))?;
                Ok(Box::pin(stream) as Pin<Box<dyn Stream>>)
            })
        };
        let signal = Signal::new();
        Self {
            life: Mutex::new(Life::New(Box::new(connect))),
            below: None,
            waker: signals::waker(&signal),
            signal,
        }
    }

    /// Calls the function that makes the stream.
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        let life = own(&mut self.life);
        let Life::New(connect) = std::mem::replace(life, Life::Over) else {
            return Err(Error::local("a stream cannot be begun twice"));
        };
        let (wire, below) = wire(&self.signal);
        *life = Life::Coming(below.inline(|| connect(wire)));
        self.below = Some(below);
        Ok(())
    }

    pub(super) fn is_coming(&mut self) -> bool {
        matches!(own(&mut self.life), Life::Coming(_))
    }

    pub(super) fn is_up(&mut self) -> bool {
        matches!(own(&mut self.life), Life::Up(_))
    }

    /// Polls the future.
    pub(super) fn poll_coming(&mut self) -> Poll<Result<(), Failure>> {
        let (life, Some(below)) = (own(&mut self.life), &self.below) else {
            return Poll::Ready(Err(over().into()));
        };
        let Life::Coming(mut coming) = std::mem::replace(life, Life::Over) else {
            return Poll::Ready(Err(over().into()));
        };
        let mut task = Task::from_waker(&self.waker);
        match below.inline(|| coming.as_mut().poll(&mut task)) {
            Poll::Ready(Ok(stream)) => *life = Life::Up(stream),
            Poll::Ready(Err(failure)) => return Poll::Ready(Err(failure)),
            Poll::Pending => {
                *life = Life::Coming(coming);
                return Poll::Pending;
            }
        }
        // It may have something to be read already.
        self.waker.wake_by_ref();
        Poll::Ready(Ok(()))
    }

    /// Polls the stream. It is gone meanwhile, so that one that panics is never polled again.
    pub(super) fn poll<T>(
        &mut self,
        poll: impl FnOnce(Pin<&mut dyn Stream>, &mut Task<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let (life, Some(below)) = (own(&mut self.life), &self.below) else {
            return Poll::Ready(Err(over()));
        };
        match std::mem::replace(life, Life::Over) {
            Life::Up(mut stream) => {
                let mut task = Task::from_waker(&self.waker);
                let result = below.inline(|| poll(stream.as_mut(), &mut task));
                *life = Life::Up(stream);
                result
            }
            before => {
                *life = before;
                Poll::Ready(Err(over()))
            }
        }
    }

    /// Sends what the stream has written. Whether it waited for that.
    pub(super) fn send_written(&self, cx: &mut Context<'_>) -> bool {
        let Some(below) = &self.below else {
            return false;
        };
        let (mut written, waited) = below.written();
        if !written.is_empty() {
            cx.send(written.bytes_mut());
        }
        waited
    }

    /// See [`Below::lend`].
    pub(super) fn lend(&self, bytes: &[u8]) -> usize {
        let below = self.below.as_ref();
        below.map_or(0, |below| below.lend(bytes, &self.waker))
    }

    /// See [`Below::take_back`].
    pub(super) fn take_back(&self) -> usize {
        self.below.as_ref().map_or(0, Below::take_back)
    }

    /// Nothing more comes from below.
    pub(super) fn end(&self) {
        if let Some(below) = &self.below {
            below.end();
        }
    }

    /// Whether a stream that is shut down has written all that it had.
    pub(super) fn is_finished(&self) -> bool {
        self.below.as_ref().is_none_or(Below::is_finished)
    }

    /// Whether all that it writes and reads it does where it is polled.
    pub(super) fn is_inline(&self) -> bool {
        self.below.as_ref().is_none_or(Below::is_inline)
    }

    /// How many bytes wait in the wire.
    pub(super) fn held(&self) -> usize {
        self.below.as_ref().map_or(0, Below::held)
    }

    /// Drops the stream.
    pub(super) fn close(&mut self) {
        *own(&mut self.life) = Life::Over;
        self.below = None;
    }
}

fn own(life: &mut Mutex<Life>) -> &mut Life {
    life.get_mut().unwrap_or_else(PoisonError::into_inner)
}

fn over() -> io::Error {
    Error::new(ErrorKind::Closed, Blame::Local, "the stream is over").into()
}
