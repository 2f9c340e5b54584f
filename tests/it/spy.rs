//! A layer that looks on, and what tests do with a stack by hand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stack::{
    Chunk, Context, End, Error, Exit, Layer, LayerKey, Limits, Protocol, Readiness, Stack,
    Standing, Transport,
};

use crate::app::Log;
use crate::toy::toy;

/// Passes everything on, writes down what it is told, and holds on to whatever it is told to.
#[derive(Default)]
pub(crate) struct Spy {
    pub(crate) log: Log,
    /// Keeps what is sent until a flush.
    pub(crate) stages: bool,
    pub(crate) staged: Vec<u8>,
    /// When attached it pauses, holds back, and asks for a time.
    pub(crate) grips: bool,
    /// How many times it lets nobody attach it.
    pub(crate) refusals: usize,
    /// Pushes a neighbour when attached.
    pub(crate) neighbour: bool,
    /// Asks to leave, by this key, when it receives.
    pub(crate) leaves: Option<Arc<Mutex<Option<LayerKey>>>>,
}

impl Spy {
    fn note(&self, what: impl Into<String>) {
        // Also told while a test that has failed is unwound.
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(what.into());
    }
}

impl Protocol for Spy {
    fn attached(&mut self, cx: &mut Context<'_>, at: &Standing) -> Result<Readiness, Error> {
        let Standing {
            write_paused,
            read_paused,
            end_seen,
            ..
        } = *at;
        self.note(format!("attached {write_paused} {read_paused} {end_seen}"));
        assert_eq!(cx.writable(), !write_paused);
        if self.grips {
            cx.pause(true);
            cx.hold_back(true);
            cx.wake_at(Some(Duration::from_secs(100)));
        }
        if std::mem::take(&mut self.neighbour) {
            cx.push(toy());
        }
        if self.refusals > 0 {
            self.refusals -= 1;
            cx.send(b"never to be seen");
            return Err(Error::local("not today"));
        }
        Ok(Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        self.note(format!("received {}", String::from_utf8_lossy(bytes)));
        if let Some(key) = self.leaves.as_ref().and_then(|key| *key.lock().unwrap()) {
            cx.pop(key);
        }
        cx.deliver(bytes);
        Ok(bytes.len())
    }

    fn writable(&mut self, _: &mut Context<'_>, writable: bool) {
        self.note(format!("writable {writable}"));
    }

    fn lost(&mut self, _: &End) {
        self.note("lost");
    }
}

impl Transport for Spy {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        if self.stages {
            self.staged.extend_from_slice(chunk.as_slice());
        } else {
            cx.send(chunk);
        }
        Ok(())
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        cx.send(&mut std::mem::take(&mut self.staged));
        Ok(())
    }
}

impl Layer for Spy {
    fn exit(&self) -> Exit {
        Exit::Anytime
    }

    fn held(&self) -> usize {
        self.staged.len()
    }
}

/// The toy client's first words, as they look on the wire.
pub(crate) fn hello() -> Vec<u8> {
    let mut client = Stack::new(Limits::default());
    client.push(toy().client()).unwrap();
    client.outgoing().to_vec()
}

/// Lets the network take `n` bytes at a time, and returns all that it took.
pub(crate) fn drain(stack: &mut Stack, n: usize) -> Vec<u8> {
    let mut wire = Vec::new();
    stack.flush();
    while !stack.outgoing().is_empty() {
        let some = &stack.outgoing()[..n.min(stack.outgoing().len())];
        wire.extend_from_slice(some);
        let some = some.len();
        stack.sent(some);
        stack.flush();
    }
    wire
}

pub(crate) fn named(layers: &[&str], text: &str) -> (Vec<String>, String) {
    let layers = layers.iter().map(|&name| name.to_owned()).collect();
    (layers, text.to_owned())
}
