//! Layers that are made to be watched.

use std::sync::{Arc, Mutex};

use stack::{
    Chunk, Context, End, Error, Exit, Layer, Protocol, Readiness, Residue, Standing, Transport,
};

/// A toy of TLS's kind: records, an end mark in each direction, and if asked for a handshake.
///
/// A record is a kind byte, a length byte and as many bytes, each changed by the layer's tag, so
/// that a byte that crosses the wrong layer is seen. Nothing is staged.
pub(crate) struct Toy {
    name: &'static str,
    tag: u8,
    residue: Residue,
    greeting: Greeting,
    staged: Vec<u8>,
    /// How often the peer's layer has answered.
    pub(crate) answers: usize,
}

/// The tag of most toys.
pub(crate) const TAG: u8 = 0x20;

/// A toy like most.
pub(crate) fn toy() -> Toy {
    Toy::new("toy", TAG)
}

/// A record with these bytes, of the toy with this tag, as it looks on the wire.
pub(crate) fn record(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut record = vec![DATA, bytes.len() as u8];
    record.extend(bytes.iter().map(|byte| byte ^ tag));
    record
}

/// Any toy's end mark, as it looks on the wire.
pub(crate) fn mark() -> Vec<u8> {
    vec![END, 0]
}

/// The greeting of the toy with this tag, as it looks on the wire.
pub(crate) fn hello(tag: u8) -> Vec<u8> {
    let mut hello = record(tag, b"hello");
    hello[0] = HELLO;
    hello
}

/// A question of the toy with this tag, as it looks on the wire.
pub(crate) fn question(tag: u8) -> Vec<u8> {
    vec![ASK, 1, b'?' ^ tag]
}

/// The toy's handshake: a hello from the client, then one from the server.
#[derive(Clone, Copy, PartialEq)]
enum Greeting {
    /// None, or it is over.
    Done,
    /// The client's part: it speaks first.
    Client,
    /// The server's part.
    Server,
}

const DATA: u8 = b'D';
const END: u8 = b'E';
const HELLO: u8 = b'H';
/// Asks the peer's layer for an answer, as a KeyUpdate does.
const ASK: u8 = b'K';
const ANSWER: u8 = b'k';

impl Toy {
    pub(crate) fn new(name: &'static str, tag: u8) -> Self {
        Self {
            name,
            tag,
            residue: Residue::Feed,
            greeting: Greeting::Done,
            staged: Vec::new(),
            answers: 0,
        }
    }

    /// With a handshake, the client's part; bytes before it are rejected.
    pub(crate) fn client(mut self) -> Self {
        self.greeting = Greeting::Client;
        self.residue = Residue::Reject;
        self
    }

    /// With a handshake, the server's part; bytes before it are rejected.
    pub(crate) fn server(mut self) -> Self {
        self.greeting = Greeting::Server;
        self.residue = Residue::Reject;
        self
    }

    /// Whatever was there before goes through the layer.
    pub(crate) fn feed(mut self) -> Self {
        self.residue = Residue::Feed;
        self
    }

    /// What was there before is read as it is.
    pub(crate) fn hand_back(mut self) -> Self {
        self.residue = Residue::HandBack;
        self
    }

    fn record(&self, cx: &mut Context<'_>, kind: u8, bytes: &[u8]) {
        let mut record = vec![kind, bytes.len() as u8];
        record.extend(bytes.iter().map(|byte| byte ^ self.tag));
        cx.send(&mut record);
    }
}

impl Protocol for Toy {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        match self.greeting {
            Greeting::Done => return Ok(Readiness::Up),
            Greeting::Client => self.record(cx, HELLO, b"hello"),
            Greeting::Server => {}
        }
        Ok(Readiness::Handshaking)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        let mut taken = 0;
        while bytes.len() >= taken + 2 {
            let (kind, len) = (bytes[taken], usize::from(bytes[taken + 1]));
            if !matches!(kind, DATA | END | HELLO | ASK | ANSWER) {
                return Err(Error::remote("no such record"));
            }
            if bytes.len() < taken + 2 + len {
                break;
            }
            if kind == DATA && !cx.wanted() {
                break;
            }
            let body = &mut bytes[taken + 2..taken + 2 + len];
            body.iter_mut().for_each(|byte| *byte ^= self.tag);
            match kind {
                DATA if self.greeting == Greeting::Done => cx.deliver(body),
                ASK => self.record(cx, ANSWER, b"here"),
                ANSWER => self.answers += 1,
                END => {
                    cx.end_mark();
                    return Ok(taken + 2 + len);
                }
                HELLO if self.greeting != Greeting::Done && body == b"hello" => {
                    if self.greeting == Greeting::Server {
                        self.record(cx, HELLO, b"hello");
                    }
                    self.greeting = Greeting::Done;
                    cx.up();
                    let staged = std::mem::take(&mut self.staged);
                    for piece in staged.chunks(255) {
                        self.record(cx, DATA, piece);
                    }
                }
                _ => return Err(Error::remote("that record does not fit here")),
            }
            taken += 2 + len;
        }
        Ok(taken)
    }

    fn end_received(&mut self, _: &mut Context<'_>) -> Result<(), Error> {
        Err(Error::truncated("no end mark"))
    }
}

impl Transport for Toy {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        if self.greeting != Greeting::Done {
            self.staged.extend_from_slice(chunk.as_slice());
            return Ok(());
        }
        for piece in chunk.as_slice().chunks(255) {
            self.record(cx, DATA, piece);
        }
        Ok(())
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.record(cx, END, b"");
        Ok(())
    }
}

impl Layer for Toy {
    fn name(&self) -> &str {
        self.name
    }

    fn exit(&self) -> Exit {
        Exit::Marked
    }

    fn residue(&self) -> Residue {
        self.residue
    }

    fn held(&self) -> usize {
        self.staged.len()
    }
}

/// Stages what it is given until a flush, which may fail.
#[derive(Default)]
pub(crate) struct Stages {
    pub(crate) staged: Vec<u8>,
    pub(crate) fails: bool,
}

impl Protocol for Stages {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}

impl Transport for Stages {
    fn send(&mut self, _: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        self.staged.extend_from_slice(chunk.as_slice());
        Ok(())
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.fails {
            return Err(Error::local("no flush today"));
        }
        cx.send(&std::mem::take(&mut self.staged));
        Ok(())
    }
}

impl Layer for Stages {
    fn held(&self) -> usize {
        self.staged.len()
    }
}

/// Passes everything on, and writes down what it was told.
pub(crate) struct Witness(pub(crate) Arc<Mutex<Vec<String>>>);

impl Witness {
    pub(crate) fn new() -> (Self, Arc<Mutex<Vec<String>>>) {
        let log = Arc::default();
        (Self(Arc::clone(&log)), log)
    }

    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }
}

impl Protocol for Witness {
    fn attached(&mut self, _: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        self.note("attached");
        Ok(Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        self.note(format!("received {}", String::from_utf8_lossy(bytes)));
        cx.deliver(bytes);
        Ok(bytes.len())
    }

    fn end_received(&mut self, _: &mut Context<'_>) -> Result<(), Error> {
        self.note("end received");
        Ok(())
    }

    fn lost(&mut self, end: &End) {
        self.note(match end.error() {
            None => "lost: clean".into(),
            Some(error) => format!("lost: {error}"),
        });
    }
}

impl Transport for Witness {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        self.note(format!(
            "sent {}",
            String::from_utf8_lossy(chunk.as_slice())
        ));
        cx.send(chunk);
        Ok(())
    }
}

impl Layer for Witness {
    fn exit(&self) -> Exit {
        Exit::Anytime
    }
}
