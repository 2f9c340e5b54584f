//! A layer with a watch around it.

use std::any::{Any, TypeId};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::Rule;
use super::ledger::Account;
use crate::layer::downcast;
use crate::{
    Chunk, Context, End, Error, ErrorKind, Exit, Layer, Protocol, Readiness, Residue, Standing,
    Transport,
};

/// Passes every call on to the layer within, and notes where the stack, or the layer, breaks the
/// contract of the faces.
pub(super) struct Watched {
    within: Box<dyn Layer>,
    account: Arc<Account>,
    life: Life,
    /// Its outbound half has ended.
    finished: bool,
    /// A method of it runs.
    busy: bool,
    /// What it was offered, to see that it leaves what it does not take.
    offered: Vec<u8>,
}

/// A type that no layer knows.
struct Nobody;

/// How far the life of a layer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Made,
    Attached,
    EndReceived,
    Lost,
}

impl Watched {
    pub(super) fn new(within: Box<dyn Layer>, account: Arc<Account>) -> Self {
        Self {
            within,
            account,
            life: Life::Made,
            finished: false,
            busy: false,
            offered: Vec::new(),
        }
    }

    /// The layer within.
    pub(super) fn unwrap(layer: Box<dyn Layer>) -> Option<Box<dyn Layer>> {
        let watched = downcast::<Self>(layer).ok()?;
        Some(watched.within)
    }

    fn enter(&mut self, call: &str, lives: &[Life]) {
        if self.busy {
            let what = format!("re-entered by {call}");
            self.account.blame(Rule::Stack, &what);
        }
        if !lives.contains(&self.life) {
            let life = self.life;
            let what = format!("{call} while {life:?}");
            self.account.blame(Rule::Stack, &what);
        }
        self.busy = true;
    }

    /// It says that nothing is inside, and there was.
    fn blame_held(&self, what: &str, brought: u64) {
        let what = format!("it says that it holds nothing, and {what} {brought} bytes");
        self.account.blame(Rule::Held, &what);
    }

    /// Of two honest peers, only a lost transport, or time, may make a layer fail.
    fn leave<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        self.busy = false;
        let inside = self.within.held() as u64;
        self.account.inside.store(inside, Relaxed);
        if let Err(error) = &result
            && !matches!(error.kind(), ErrorKind::Truncated | ErrorKind::TimedOut)
        {
            let what = format!("it failed: {error}");
            self.account.blame(Rule::Honest, &what);
        }
        if self.within.info(TypeId::of::<Nobody>()).is_some() {
            let what = "asked for a type that it cannot know, it tells a value";
            self.account.blame(Rule::Info, what);
        }
        result
    }
}

impl Protocol for Watched {
    fn attached(&mut self, cx: &mut Context<'_>, at: &Standing) -> Result<Readiness, Error> {
        self.enter("attached", &[Life::Made]);
        self.life = Life::Attached;
        self.account.writable.store(!at.write_paused, Relaxed);
        self.account.attached.store(true, Relaxed);
        let attached = self.within.attached(cx, at);
        // It may refuse; whether it had to is not for here.
        self.busy = false;
        attached
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        // What it had no room for at the end it hands on later.
        match bytes.is_empty() {
            true => self.enter("received", &[Life::Attached, Life::EndReceived]),
            false => self.enter("received", &[Life::Attached]),
        }
        self.offered.clear();
        self.offered.extend_from_slice(bytes);
        let (inside, risen) = (self.within.held(), cx.has_risen());
        let received = self.within.received(cx, bytes);
        if let Ok(n) = received {
            match (self.offered.get(n..), bytes.get(n..)) {
                (None, _) => {
                    let what = "it took more than it was offered";
                    self.account.blame(Rule::Taken, what);
                }
                (before, after) if before != after => {
                    let what = "it changed bytes that it did not take";
                    self.account.blame(Rule::Untaken, what);
                }
                _ => {}
            }
            self.account.taken.fetch_add(n as u64, Relaxed);
        }
        let brought = cx.has_risen() - risen;
        if self.offered.is_empty() && inside == 0 && brought > 0 {
            self.blame_held("offered nothing, it delivered", brought);
        }
        self.leave(received)
    }

    fn end_received(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.enter("end_received", &[Life::Attached]);
        self.life = Life::EndReceived;
        let ended = self.within.end_received(cx);
        self.leave(ended)
    }

    fn writable(&mut self, cx: &mut Context<'_>, writable: bool) {
        self.enter("writable", &[Life::Attached, Life::EndReceived]);
        if self.account.writable.swap(writable, Relaxed) == writable {
            self.account
                .blame(Rule::Stack, "told of a level that has not changed since");
        }
        self.within.writable(cx, writable);
        self.busy = false;
    }

    fn lost(&mut self, end: &End) {
        self.enter("lost", &[Life::Attached, Life::EndReceived]);
        self.life = Life::Lost;
        self.account.lost.fetch_add(1, Relaxed);
        self.within.lost(end);
        self.busy = false;
    }

    fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.enter("timed_out", &[Life::Attached, Life::EndReceived]);
        let timed_out = self.within.timed_out(cx);
        if timed_out.is_ok() && cx.alarm().is_some_and(|at| at <= cx.now()) {
            let what =
                "called at the time that it asked for, it asks for one that has come already";
            self.account.blame(Rule::Time, what);
        }
        self.leave(timed_out)
    }
}

impl Transport for Watched {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        self.enter("send", &[Life::Attached, Life::EndReceived]);
        if self.finished {
            self.account.blame(Rule::Stack, "send after finish");
        }
        self.account.sent.fetch_add(chunk.len() as u64, Relaxed);
        let sent = self.within.send(cx, chunk);
        self.leave(sent)
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.enter("flush", &[Life::Attached, Life::EndReceived]);
        if self.finished {
            self.account.blame(Rule::Stack, "flush after finish");
        }
        let (inside, sunk) = (self.within.held(), cx.has_sunk());
        let flushed = self.within.flush(cx);
        let brought = cx.has_sunk() - sunk;
        if inside == 0 && brought > 0 {
            self.blame_held("a flush brought out", brought);
        }
        self.leave(flushed)
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.enter("finish", &[Life::Attached, Life::EndReceived]);
        if std::mem::replace(&mut self.finished, true) {
            self.account.blame(Rule::Stack, "finish twice");
        }
        let finished = self.within.finish(cx);
        self.leave(finished)
    }
}

impl Layer for Watched {
    fn name(&self) -> &str {
        self.within.name()
    }

    fn exit(&self) -> Exit {
        self.within.exit()
    }

    fn residue(&self) -> Residue {
        self.within.residue()
    }

    fn held(&self) -> usize {
        self.within.held()
    }

    fn info(&self, wanted: TypeId) -> Option<&dyn Any> {
        self.within.info(wanted)
    }
}
