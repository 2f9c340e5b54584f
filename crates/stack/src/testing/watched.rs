//! A layer with a watch around it.

use std::any::{Any, TypeId};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::ledger::Account;
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

    fn enter(&mut self, call: &str, lives: &[Life]) {
        if self.busy {
            self.account.blame(&format!("re-entered by {call}"));
        }
        if !lives.contains(&self.life) {
            let life = self.life;
            self.account.blame(&format!("{call} while {life:?}"));
        }
        self.busy = true;
    }

    /// Of two honest peers, only a lost transport may make a layer fail.
    fn leave<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        self.busy = false;
        let inside = self.within.held() as u64;
        self.account.inside.store(inside, Relaxed);
        if let Err(error) = &result
            && error.kind() != ErrorKind::Truncated
        {
            self.account.blame(&format!("it failed: {error}"));
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
        self.leave(attached)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        self.enter("received", &[Life::Attached]);
        self.offered.clear();
        self.offered.extend_from_slice(bytes);
        let received = self.within.received(cx, bytes);
        if let Ok(n) = received {
            match (self.offered.get(n..), bytes.get(n..)) {
                (None, _) => self.account.blame("it took more than it was offered"),
                (before, after) if before != after => {
                    self.account.blame("it changed bytes that it did not take");
                }
                _ => {}
            }
            self.account.taken.fetch_add(n as u64, Relaxed);
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
                .blame("told of a level that has not changed since");
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
        self.leave(timed_out)
    }
}

impl Transport for Watched {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        self.enter("send", &[Life::Attached, Life::EndReceived]);
        if self.finished {
            self.account.blame("send after finish");
        }
        self.account.sent.fetch_add(chunk.len() as u64, Relaxed);
        let sent = self.within.send(cx, chunk);
        self.leave(sent)
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.enter("flush", &[Life::Attached, Life::EndReceived]);
        if self.finished {
            self.account.blame("flush after finish");
        }
        let flushed = self.within.flush(cx);
        self.leave(flushed)
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.enter("finish", &[Life::Attached, Life::EndReceived]);
        if std::mem::replace(&mut self.finished, true) {
            self.account.blame("finish twice");
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
