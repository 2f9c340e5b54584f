//! One peer: its stack, and what the plan says that it does there.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::app::{App, Order, Shared};
use super::ledger::{Account, Ledger};
use super::plan::Plan;
use super::violation::{Checked, broken, violation};
use super::watched::Watched;
use super::{Rule, Side, Wares};
use crate::{Epoch, Error, ErrorKind, Layer, LayerId, LayerKey, Outcome, Popping, Stack};

/// One peer.
pub(super) struct Peer<'a> {
    pub(super) side: Side,
    pub(super) stack: Stack,
    /// Its application is one of callbacks, and this is what lies between.
    pub(super) app: Option<Shared>,
    /// The time.
    pub(super) now: Duration,
    pub(super) wares: &'a dyn Wares,
    pub(super) ledger: Arc<Ledger>,
    /// Each layer of the plan that stood here.
    pub(super) pushed: Vec<Option<Pushed>>,
    /// Each layer that was popped, where it is to be pushed again.
    pub(super) returned: Vec<Option<Box<dyn Layer>>>,
    /// The change that is to be made next.
    pub(super) op: usize,
    /// The segment that is written, and how much of it is.
    pub(super) written: (usize, usize),
    /// The segment that is read, and how much of it is.
    pub(super) read: (usize, usize),
    /// This layer was asked to leave before it was up; what is written goes through it.
    pub(super) waiting: Option<LayerKey>,
    /// Nothing may be written before bytes of this segment were read.
    pub(super) silent_until: Option<usize>,
    pub(super) shut: bool,
    /// It reads nothing for so many steps.
    pub(super) resting: u32,
    /// The bytes that came from the network.
    pub(super) fed: u64,
    /// The most that came at once.
    pub(super) most_fed: usize,
    pub(super) told_end: bool,
    /// The lowest layer that ever stood, with how many bytes had come before it.
    pub(super) lowest: Option<(LayerKey, usize, u64)>,
    /// The connection may fail, for a way is broken, or a handshake may take too long.
    pub(super) may_fail: bool,
    /// It has.
    pub(super) failed: bool,
    /// The epoch, and the segment, whose layers were compared last.
    seen: Option<(u64, usize)>,
    scratch: Vec<u8>,
}

/// A layer of the plan, as it stood here.
pub(super) struct Pushed {
    pub(super) id: LayerId<Box<dyn Layer>>,
    pub(super) account: Arc<Account>,
    pub(super) life: Standing,
}

/// How far a layer's life in the stack has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Stands,
    Leaving,
    GivenBack,
}

impl<'a> Peer<'a> {
    pub(super) fn new(wares: &'a dyn Wares, plan: &Plan, side: Side) -> Self {
        let limits = plan.limits[side.index()].clone();
        let app = plan.callbacks[side.index()].then(Shared::default);
        Self {
            side,
            stack: match &app {
                Some(shared) => Stack::with_app(Box::new(App(shared.clone())), limits),
                None => Stack::new(limits),
            },
            app,
            now: Duration::ZERO,
            wares,
            ledger: Arc::default(),
            pushed: plan.layers.iter().map(|_| None).collect(),
            returned: plan.layers.iter().map(|_| None).collect(),
            op: 0,
            written: (0, 0),
            read: (0, 0),
            waiting: None,
            silent_until: None,
            shut: false,
            resting: 0,
            fed: 0,
            most_fed: 0,
            told_end: false,
            lowest: None,
            may_fail: plan.impatient,
            failed: false,
            seen: None,
            scratch: Vec::new(),
        }
    }

    /// Writes up to `most` bytes of the present segment; returns how many.
    pub(super) fn write(&mut self, plan: &Plan, most: usize) -> Checked<usize> {
        let (segment, at) = self.written;
        let alone = plan.len(self.side, segment) - self.answer(plan);
        let n = most.min(plan.chunk).min(alone - at.min(alone));
        // Nothing may be written, too, if that is asked for.
        if (n == 0 && most > 0) || self.failed || !self.may_write() || !self.stack.writable() {
            return Ok(0);
        }
        if self.op < plan.ops.len() && segment < self.op {
            return violation("the simulator writes in a segment that is over");
        }
        if at == 0 || n.is_multiple_of(4) {
            self.compare_write_epoch(plan)?;
        }
        let mut bytes = std::mem::take(&mut self.scratch);
        bytes.clear();
        bytes.extend((at..at + n).map(|at| plan.byte(self.side, segment, at)));
        let written = match n % 2 {
            _ if self.app.is_some() => {
                let shared = self.app.clone().unwrap_or_default();
                self.order(&shared, Order::Send(bytes.clone()));
                Ok(())
            }
            0 => self.stack.write(&bytes),
            _ => self.stack.write(&mut bytes),
        };
        self.scratch = bytes;
        match written {
            Ok(()) => self.written.1 += n,
            Err(error) => self.fail("a write", &error)?,
        }
        Ok(n)
    }

    /// Flushes. Where nothing waits for the socket then, or for a time, nothing may hold up the
    /// writer.
    pub(super) fn flush(&mut self, plan: &Plan) -> Checked {
        self.stack.flush();
        // Who waits for an answer of its peer's goes on when that comes.
        let waits = plan.layers.iter().any(|layer| layer.chatty);
        let over = self.shut || self.failed || self.may_fail || waits;
        // Who paces writing has named the time at which it goes on.
        let waits = !self.stack.outgoing().is_empty() || self.stack.deadline().is_some();
        let free = !waits && self.stack.is_up() && !over;
        if free && !self.stack.writable() && !self.stack.has_work() {
            return broken(
                Rule::HoldBack,
                format!(
                    "{:?}: all was flushed and sent, and writing is still to pause",
                    self.side
                ),
            );
        }
        Ok(())
    }

    /// Reads up to `most` bytes, and compares them; returns how many.
    pub(super) fn read(&mut self, plan: &Plan, most: usize) -> Checked<usize> {
        let theirs = self.side.other();
        while self.read.1 == plan.len(theirs, self.read.0) && self.read.0 < self.op {
            self.read = (self.read.0 + 1, 0);
        }
        let (segment, at) = self.read;
        let left = plan.len(theirs, segment) - at;
        if let Some(shared) = self.app.clone() {
            return self.read_within(plan, &shared, most.min(left));
        }
        let readable = self.stack.readable();
        let n = most.min(left).min(readable.len());
        if readable.is_empty() && left > 0 && !self.may_fail {
            self.check_no_end(segment, at)?;
        }
        if readable.is_empty() || left == 0 {
            return Ok(0);
        }
        if readable.len() > left && segment < self.op && plan.is_told(plan.ops[segment]) {
            return broken(
                Rule::Bytes,
                format!(
                    "{:?}: what is readable goes on behind segment {segment}",
                    self.side
                ),
            );
        }
        self.compare(plan, (segment, at), &readable[..n])?;
        self.compare_read_epoch(plan, segment)?;
        self.stack.consume(n);
        self.has_read(n);
        Ok(n)
    }

    /// What was read may show that the other has made the change that this one waits for.
    fn has_read(&mut self, n: usize) {
        self.read.1 += n;
        if n > 0 && self.silent_until.is_some_and(|until| self.read.0 >= until) {
            self.silent_until = None;
        }
    }

    /// The application takes up to `n` bytes of the segment, and they are compared.
    fn read_within(&mut self, plan: &Plan, shared: &Shared, n: usize) -> Checked<usize> {
        if n == 0 {
            return Ok(0);
        }
        let (segment, at) = self.read;
        let got = self.take(plan, shared, n)?;
        self.compare(plan, (segment, at), &got)?;
        self.has_read(got.len());
        Ok(got.len())
    }

    fn compare(&self, plan: &Plan, (segment, at): (usize, usize), bytes: &[u8]) -> Checked {
        let expected = (at..).map(|at| plan.byte(self.side.other(), segment, at));
        match (bytes.iter().copied())
            .zip(expected)
            .enumerate()
            .find(|(_, (is, must))| is != must)
        {
            Some((off, (is, must))) => broken(
                Rule::Bytes,
                format!(
                    "{:?} reads {is:#04x} for byte {} of segment {segment}, which is {must:#04x}",
                    self.side,
                    at + off
                ),
            ),
            None => Ok(()),
        }
    }

    /// Nothing is readable in the middle of a segment: then no end may be told.
    fn check_no_end(&self, segment: usize, at: usize) -> Checked {
        match self.stack.input_end() {
            Some(end) => broken(
                match end.error() {
                    _ if self.is_any_leaving() || self.stack.parked().is_some() => Rule::EndMark,
                    None => Rule::Bytes,
                    Some(error) => named(error),
                },
                format!(
                    "{:?}: at byte {at} of segment {segment} its input ends: {end:?}",
                    self.side
                ),
            ),
            None => Ok(()),
        }
    }

    fn is_any_leaving(&self) -> bool {
        let mut pushed = self.pushed.iter().flatten();
        pushed.any(|pushed| pushed.life == Standing::Leaving)
    }

    /// Ends the outgoing half, if everything was written.
    pub(super) fn shut_down(&mut self, plan: &Plan) -> bool {
        // Where changes follow the end of its half, some may come first.
        let (segment, at) = self.written;
        let all = segment >= plan.last_segment(self.side) && at == plan.len(self.side, segment);
        if self.shut || !all || !self.may_write() {
            return false;
        }
        self.shut = true;
        self.stack.shutdown();
        true
    }

    /// Takes back what has left.
    pub(super) fn collect(&mut self) -> Checked<bool> {
        if let Some(shared) = self.app.clone() {
            return self.collect_within(&shared);
        }
        let mut collected = false;
        for (pushed, returned) in self.pushed.iter_mut().zip(&mut self.returned) {
            let Some(pushed) = pushed else { continue };
            if pushed.life == Standing::Leaving
                && let Some((layer, outcome)) = self.stack.take_popped(pushed.id)
            {
                if outcome != Outcome::Clean {
                    let words = format!("{:?}: {} left {outcome:?}", self.side, layer.name());
                    return broken(Rule::EndMark, words);
                }
                pushed.life = Standing::GivenBack;
                *returned = Watched::unwrap(layer);
                collected = true;
            }
        }
        Ok(collected)
    }

    /// Bytes came from the network.
    pub(super) fn feed(&mut self, bytes: &mut [u8], own: bool) {
        self.fed += bytes.len() as u64;
        self.most_fed = self.most_fed.max(bytes.len());
        if own {
            let room = self.stack.input_space();
            room[..bytes.len()].copy_from_slice(bytes);
            self.stack.filled(bytes.len());
        } else {
            self.stack.receive(bytes);
        }
    }

    /// Whether a byte written now would be of the segment that is written.
    pub(super) fn may_write(&mut self) -> bool {
        match self.waiting.map(|key| self.stack.popping(key)) {
            None | Some(Popping::Waiting) => {}
            // It was refused when its turn came.
            Some(Popping::NotAsked) => self.failed |= self.may_fail,
            Some(_) => self.waiting = None,
        }
        self.waiting.is_none() && self.silent_until.is_none() && !self.shut
    }

    /// How many bytes of the present segment are written only with the change behind it.
    pub(super) fn answer(&self, plan: &Plan) -> usize {
        let op = plan.ops.get(self.written.0);
        let answer = op.and_then(|op| op.answer());
        answer.map_or(0, |answer| match answer.by == self.side {
            true => answer.len,
            false => 0,
        })
    }

    /// The connection has failed.
    pub(super) fn fail(&mut self, what: &str, error: &Error) -> Checked {
        self.failed = true;
        match error.kind() {
            ErrorKind::Truncated | ErrorKind::Io(_) | ErrorKind::TimedOut if self.may_fail => {
                Ok(())
            }
            _ => broken(
                named(error),
                format!("{:?}: {what} failed: {error}", self.side),
            ),
        }
    }

    /// Compares who is crossed by what is written with the plan.
    fn compare_write_epoch(&self, plan: &Plan) -> Checked {
        let epoch = self.stack.write_epoch();
        self.compare_names(plan, self.written.0, &epoch, "writes")
    }

    /// Compares who was crossed by what is readable with the plan.
    fn compare_read_epoch(&mut self, plan: &Plan, segment: usize) -> Checked {
        let epoch = self.stack.epoch();
        if self.seen == Some((epoch.number(), segment)) {
            return Ok(());
        }
        self.seen = Some((epoch.number(), segment));
        self.compare_names(plan, segment, &epoch, "reads")
    }

    fn compare_names(&self, plan: &Plan, segment: usize, epoch: &Epoch, does: &str) -> Checked {
        let names = || epoch.layers().filter(|name| !plan.is_anytime(name));
        if names().eq(plan.names(segment)) {
            return Ok(());
        }
        let is: Vec<_> = names().collect();
        let must: Vec<_> = plan.names(segment).collect();
        violation(format!(
            "{:?} {does} bytes of segment {segment} that cross {is:?}, not {must:?}",
            self.side
        ))
    }

    /// Whether this layer is, or was, in the stack, and may have met its peer's end mark or not.
    pub(super) fn decodes(&self, layer: usize) -> bool {
        let pushed = self.pushed[layer].as_ref();
        pushed.is_some_and(|pushed| pushed.life != Standing::GivenBack)
    }

    /// Checks that each layer was told of its loss once, unless it was given back.
    pub(super) fn check_losses(&self) -> Checked {
        for pushed in self.pushed.iter().flatten() {
            let lost = pushed.account.lost.load(Relaxed);
            let must = match pushed.life {
                Standing::GivenBack => 0,
                Standing::Stands | Standing::Leaving => 1,
            };
            // One that has left and was not taken is not lost.
            let left = match self.stack.popping(pushed.id) {
                Popping::Left => true,
                // Its application was to be told behind bytes that it never read.
                Popping::Gone => self.app.is_some() && pushed.life == Standing::Leaving,
                _ => false,
            };
            if lost != must && !(left && lost == 0) {
                let name = &pushed.account.name;
                let life = pushed.life;
                return violation(format!(
                    "{:?}: {name} ({life:?}) was lost {lost} times, not {must}",
                    self.side
                ));
            }
        }
        Ok(())
    }
}

/// The rule that is broken where honest peers meet this error.
fn named(error: &Error) -> Rule {
    match error.kind() {
        ErrorKind::Truncated => Rule::Truncation,
        ErrorKind::Limit => Rule::Bounds,
        _ => Rule::Honest,
    }
}
