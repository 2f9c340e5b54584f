//! A server's configuration that the user chooses when the client's hello is there.

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as Task, Poll, Wake, Waker};

use rustls::ServerConfig;
use stack::Signal;

use crate::hello::ClientHello;

/// The user's function, and then its future.
pub(crate) struct Choice {
    /// A mutex that is never locked: what is in it may be sent to another thread, but not shared.
    life: Mutex<Life>,
    signal: Signal,
}

enum Life {
    Asking(Box<dyn FnOnce(ClientHello) -> Answer + Send>),
    Awaiting(Answer),
    Over,
}

type Answer = Pin<Box<dyn Future<Output = Chosen> + Send>>;
type Chosen = Result<Arc<ServerConfig>, Box<dyn StdError + Send + Sync>>;

impl Choice {
    pub(crate) fn new<F, Fut, E>(choose: F) -> Self
    where
        F: FnOnce(ClientHello) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Arc<ServerConfig>, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let choose = |hello| -> Answer {
            let answer = choose(hello);
            Box::pin(async { answer.await.map_err(Into::into) })
        };
        Self {
            life: Mutex::new(Life::Asking(Box::new(choose))),
            signal: Signal::new(),
        }
    }

    /// Raised when the future can go on.
    pub(crate) fn signal(&self) -> &Signal {
        &self.signal
    }

    pub(crate) fn is_asked(&mut self) -> bool {
        !matches!(self.life(), Life::Asking(_))
    }

    /// Calls the function.
    pub(crate) fn ask(&mut self, hello: ClientHello) {
        if let Life::Asking(choose) = std::mem::replace(self.life(), Life::Over) {
            *self.life() = Life::Awaiting(choose(hello));
        }
    }

    /// Polls its future. One that panics is never polled again.
    pub(crate) fn poll(&mut self) -> Poll<Chosen> {
        let waker = Waker::from(Arc::new(Raise(self.signal.clone())));
        let before = std::mem::replace(self.life(), Life::Over);
        let Life::Awaiting(mut answer) = before else {
            return Poll::Ready(Err("the choice is over".into()));
        };
        let polled = answer.as_mut().poll(&mut Task::from_waker(&waker));
        if polled.is_pending() {
            *self.life() = Life::Awaiting(answer);
        }
        polled
    }

    fn life(&mut self) -> &mut Life {
        self.life.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Raise(Signal);

impl Wake for Raise {
    fn wake(self: Arc<Self>) {
        self.0.raise();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.raise();
    }
}
