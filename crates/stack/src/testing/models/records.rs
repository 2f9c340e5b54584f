//! Records with an end mark, and the habits that go with them.

use std::time::Duration;

use crate::{
    Chunk, Context, Error, Exit, Layer, Protocol, Readiness, Residue, Standing, Transport,
};

/// A layer of TLS's kind. A record is a kind, a length and as many bytes, all of it but the length
/// changed by the layer's tag of the time.
pub(super) struct Records {
    name: String,
    tag: u8,
    /// What changes the bytes that come, and those that are sent.
    tags: [u8; 2],
    style: Style,
    greeting: Greeting,
    /// What is to be sent in records.
    staged: Vec<u8>,
    /// How much of the present record's body is yet to come; only where it is handed on as it comes.
    left: usize,
    records_sent: usize,
    records_seen: usize,
    tired: bool,
    napping: bool,
    /// Its peer's layer has asked, and has no answer yet.
    owes_answer: bool,
    /// It was refused room since it was last called.
    refused: bool,
    /// It has met its peer's end mark.
    ended: bool,
}

/// Which habits a layer has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// The most bytes of a record's body.
    pub(super) body: usize,
    /// Takes only whole records.
    pub(super) whole: bool,
    /// Asks for room before it hands on a record, as a layer must whose bytes grow.
    pub(super) asks_for_room: bool,
    /// Stages until a record is full.
    pub(super) stages: bool,
    /// Begins with a handshake, as its client or not.
    pub(super) greets: Option<bool>,
    /// Asks its peer's layer after as many records, if not 0.
    pub(super) asks_every: usize,
    /// Pauses after as many records, if not 0.
    pub(super) naps_every: usize,
    /// Pauses not behind a record, but before the next, of which it then takes nothing.
    pub(super) naps_late: bool,
    pub(super) residue: Residue,
}

#[derive(Clone, Copy, PartialEq)]
enum Greeting {
    Client,
    Server,
    Done,
}

const DATA: u8 = b'D';
const END: u8 = b'E';
const HELLO: u8 = b'H';
const ASK: u8 = b'K';
const ANSWER: u8 = b'k';

/// How much is staged until writing is to pause.
const ENOUGH: usize = 64;

const NAP: Duration = Duration::from_micros(300);

impl Records {
    pub(super) fn new(name: String, tag: u8, style: Style) -> Self {
        let greeting = match style.greets {
            Some(true) => Greeting::Client,
            Some(false) => Greeting::Server,
            None => Greeting::Done,
        };
        Self {
            name,
            tag,
            tags: [tag; 2],
            style,
            greeting,
            staged: Vec::new(),
            left: 0,
            records_sent: 0,
            records_seen: 0,
            tired: false,
            napping: false,
            owes_answer: false,
            refused: false,
            ended: false,
        }
    }

    fn record(&self, cx: &mut Context<'_>, kind: u8, body: &[u8]) {
        cx.send_with(2 + body.len(), |room| {
            room[0] = kind ^ self.tags[1];
            room[1] = body.len() as u8;
            for (to, from) in room[2..].iter_mut().zip(body) {
                *to = from ^ self.tags[1];
            }
            (2 + body.len(), ())
        });
    }

    /// Answers the peer's layer. As with TLS's KeyUpdate, all that is sent behind the answer is
    /// changed otherwise; so nothing may overtake it.
    fn answer(&mut self, cx: &mut Context<'_>) {
        self.record(cx, ANSWER, b"here");
        self.tags[1] = next_tag(self.tags[1]);
    }

    /// Sends what is staged, in full records, and if `all` the rest, too.
    fn seal(&mut self, cx: &mut Context<'_>, all: bool) {
        let staged = std::mem::take(&mut self.staged);
        for body in staged.chunks(self.style.body) {
            if !all && body.len() < self.style.body {
                self.staged.extend_from_slice(body);
                return;
            }
            self.record(cx, DATA, body);
            self.records_sent += 1;
            let every = self.style.asks_every;
            if every > 0 && self.records_sent.is_multiple_of(every) {
                self.record(cx, ASK, b"?");
            }
        }
    }

    fn control(&mut self, cx: &mut Context<'_>, kind: u8) -> Result<(), Error> {
        match kind {
            ASK if self.greeting == Greeting::Done => self.owes_answer = true,
            ANSWER => self.tags[0] = next_tag(self.tags[0]),
            END => {
                cx.end_mark();
                self.ended = true;
            }
            HELLO if self.greeting != Greeting::Done => {
                if self.greeting == Greeting::Server {
                    self.record(cx, HELLO, b"hello");
                }
                self.greeting = Greeting::Done;
                cx.up();
                self.seal(cx, true);
                cx.hold_back(false);
            }
            _ => return Err(Error::remote("that record does not fit here")),
        }
        Ok(())
    }

    /// Counts a record that was seen, and falls asleep if it is time.
    fn seen(&mut self, cx: &mut Context<'_>) {
        self.records_seen += 1;
        let every = self.style.naps_every;
        if every > 0 && self.records_seen.is_multiple_of(every) {
            match self.style.naps_late {
                true => self.tired = true,
                false => self.nap(cx),
            }
        }
    }

    fn nap(&mut self, cx: &mut Context<'_>) {
        (self.tired, self.napping) = (false, true);
        cx.pause(true);
        cx.wake_at(Some(cx.now() + NAP));
    }

    fn has_room(&mut self, cx: &mut Context<'_>) -> bool {
        self.refused = self.style.asks_for_room && !cx.wanted();
        !self.refused
    }
}

fn next_tag(tag: u8) -> u8 {
    tag.wrapping_add(0x35)
}

impl Protocol for Records {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        // It may have stood in a stack before.
        *self = Self::new(std::mem::take(&mut self.name), self.tag, self.style);
        match self.greeting {
            Greeting::Done => return Ok(Readiness::Up),
            Greeting::Client => self.record(cx, HELLO, b"hello"),
            Greeting::Server => {}
        }
        Ok(Readiness::Handshaking)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        if self.ended {
            return Err(Error::local("received after its end mark"));
        }
        if self.napping {
            return Err(Error::local("received although it has paused"));
        }
        if bytes.is_empty() && !self.refused {
            return Err(Error::local("received nothing, and had not asked for room"));
        }
        self.refused = false;
        let mut taken = 0;
        while !self.ended && !self.napping {
            let rest = &mut bytes[taken..];
            if self.left > 0 {
                let n = self.left.min(rest.len());
                if n == 0 || !self.has_room(cx) {
                    break;
                }
                rest[..n].iter_mut().for_each(|byte| *byte ^= self.tags[0]);
                cx.deliver(&mut rest[..n]);
                taken += n;
                self.left -= n;
                if self.left == 0 {
                    self.seen(cx);
                }
                continue;
            }
            let &mut [kind, len, ref mut body @ ..] = rest else {
                break;
            };
            let (kind, len) = (kind ^ self.tags[0], usize::from(len));
            if !matches!(kind, DATA | END | HELLO | ASK | ANSWER) {
                return Err(Error::remote("no such record"));
            }
            if kind == DATA && self.tired {
                self.nap(cx);
                break;
            }
            if kind == DATA && !self.style.whole && self.greeting == Greeting::Done {
                self.left = len;
                taken += 2;
                continue;
            }
            let Some(body) = body.get_mut(..len) else {
                break;
            };
            if kind != DATA {
                self.control(cx, kind)?;
            } else if self.greeting == Greeting::Done {
                if !self.has_room(cx) {
                    break;
                }
                body.iter_mut().for_each(|byte| *byte ^= self.tags[0]);
                cx.deliver(body);
                self.seen(cx);
            } else {
                return Err(Error::remote("data in the handshake"));
            }
            taken += 2 + len;
        }
        // One answer to all questions, and none while writing is to pause: else a peer that asks
        // and does not read could make it send without bounds.
        if cx.writable() && std::mem::take(&mut self.owes_answer) {
            self.answer(cx);
        }
        Ok(taken)
    }

    fn end_received(&mut self, _: &mut Context<'_>) -> Result<(), Error> {
        if self.ended {
            return Err(Error::local("the end is told after the end mark"));
        }
        Err(Error::truncated("no end mark"))
    }

    fn writable(&mut self, cx: &mut Context<'_>, writable: bool) {
        if writable && std::mem::take(&mut self.owes_answer) {
            self.answer(cx);
        }
    }

    fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if !std::mem::take(&mut self.napping) {
            return Err(Error::local("woken, and had not asked for it"));
        }
        cx.pause(false);
        Ok(())
    }
}

impl Transport for Records {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        self.staged.extend_from_slice(chunk.as_slice());
        if self.greeting == Greeting::Done {
            self.seal(cx, !self.style.stages);
        }
        if self.staged.len() >= ENOUGH.min(self.style.body - 1) {
            cx.hold_back(true);
        }
        Ok(())
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.greeting == Greeting::Done {
            self.seal(cx, true);
            cx.hold_back(false);
        }
        Ok(())
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.greeting != Greeting::Done {
            return Err(Error::local("finished before it was up"));
        }
        self.seal(cx, true);
        self.record(cx, END, b"");
        Ok(())
    }
}

impl Layer for Records {
    fn name(&self) -> &str {
        &self.name
    }

    fn exit(&self) -> Exit {
        Exit::Marked
    }

    fn residue(&self) -> Residue {
        self.style.residue
    }

    fn held(&self) -> usize {
        self.staged.len()
    }
}
