//! One end of a connection, with a layer and a reader.

use std::time::Duration;

use compress_layer::CompressLayer;
use stack::{Error, ErrorKind, LayerId, Limits, Outcome, Popping, Stack};

/// What a layer makes at once, and may pass the inbox by.
const BLOCK: usize = 16 * 1024;

/// Bytes of one direction.
#[derive(Default, PartialEq)]
pub(crate) struct Bytes {
    /// Through the layer.
    pub(crate) inside: Vec<u8>,
    /// Behind its end mark.
    pub(crate) behind: Vec<u8>,
}

/// A stack with one layer, and its application.
pub(crate) struct End {
    pub(crate) stack: Stack,
    id: LayerId<CompressLayer>,
    pub(crate) read: Bytes,
    pub(crate) written: Bytes,
    /// How much a read takes.
    pub(crate) gulp: usize,
    /// When more than this rose through the layer, no more is read.
    pub(crate) enough: usize,
    /// The most that may wait unread.
    most: usize,
}

impl End {
    pub(crate) fn new(layer: CompressLayer, limits: Limits) -> Self {
        let most = limits.inbox + BLOCK;
        let mut stack = Stack::new(limits);
        let id = stack.push(layer).expect("an empty stack takes any layer");
        Self {
            stack,
            id,
            read: Bytes::default(),
            written: Bytes::default(),
            gulp: usize::MAX,
            enough: usize::MAX,
            most,
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stack.write(bytes).expect("an open end");
        let into = match self.stack.popping(self.id) {
            Popping::NotAsked => &mut self.written.inside,
            _ => &mut self.written.behind,
        };
        into.extend_from_slice(bytes);
    }

    /// Bytes come, and all that can be read is.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        assert!(self.stack.wants_input(), "all is read, and nothing wanted");
        self.stack.receive(&mut bytes.to_vec());
        self.read();
    }

    /// No more bytes come.
    pub(crate) fn receive_end(&mut self) {
        self.stack.receive_end();
        self.read();
    }

    /// Reads until nothing moves without new input. Pops the layer where the peer has ended it.
    fn read(&mut self) {
        while !self.has_enough() {
            self.stack.advance(Duration::ZERO);
            let readable = self.stack.readable();
            assert!(readable.len() <= self.most, "{} unread", readable.len());
            let n = readable.len().min(self.gulp);
            if n > 0 {
                let into = match self.stack.epoch().layers().len() {
                    0 => &mut self.read.behind,
                    _ => &mut self.read.inside,
                };
                into.extend_from_slice(&readable[..n]);
                self.stack.consume(n);
            } else if self.stack.parked().is_some() {
                self.pop();
            } else if !self.stack.has_work() {
                return;
            }
        }
    }

    pub(crate) fn has_enough(&self) -> bool {
        self.read.inside.len() > self.enough
    }

    /// The error that the input ends with.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.stack.input_end()?.error().cloned()
    }

    pub(crate) fn pop(&mut self) {
        self.stack.start_pop(self.id).expect("it stands");
    }

    /// Changes something of the layer, if it is there and can.
    pub(crate) fn adjust(&mut self, with: impl FnOnce(&mut CompressLayer) -> Result<(), Error>) {
        match self.stack.with_layer(self.id, |layer, _| with(layer)) {
            Ok(Err(error)) => assert_eq!(error.kind(), ErrorKind::Misuse, "{error:?}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Refused, "{error:?}"),
            Ok(Ok(())) => {}
        }
    }

    /// The layer, once both its halves have met their end marks.
    pub(crate) fn popped(&mut self) -> Option<CompressLayer> {
        let (layer, outcome) = self.stack.take_popped(self.id)?;
        assert!(matches!(outcome, Outcome::Clean), "{outcome:?}");
        Some(layer)
    }

    /// What is ready for the network.
    pub(crate) fn outgoing(&mut self) -> Vec<u8> {
        let bytes = self.stack.outgoing().to_vec();
        self.stack.sent(bytes.len());
        bytes
    }
}
