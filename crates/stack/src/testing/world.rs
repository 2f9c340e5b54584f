//! Two peers, the ways between them, and time.

use std::io;
use std::time::Duration;

use super::case::Case;
use super::peer::Peer;
use super::pipe::Pipe;
use super::plan::Plan;
use super::rng::mix;
use super::step::{Break, Into, Step};
use super::violation::{Checked, Violation, broken};
use super::wiretap::Wiretap;
use super::{Rule, Side, Wares};
use crate::{End, Error, ErrorKind, Traffic};

/// Deadlines that are further away are none that anybody would wait for.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// All that there is in a simulation.
pub(super) struct World<'a> {
    pub(super) plan: &'a Plan,
    pub(super) peers: [Peer<'a>; 2],
    /// The way from each side to its peer.
    pub(super) pipes: [Pipe; 2],
    /// What goes over it, as it arrives.
    pub(super) taps: [Wiretap<'a>; 2],
    pub(super) now: Duration,
    /// Which way has broken, and how.
    pub(super) broken: Option<(Side, Break)>,
    /// Bytes arrive one by one, whatever the script says.
    pub(super) drip: bool,
    cut: Option<u64>,
    stop: Option<u64>,
    pub(super) lingers: bool,
    /// What has happened, in a number.
    pub(super) trace: u64,
    pub(super) moved: u64,
    pub(super) changes: u64,
    scratch: Vec<u8>,
}

impl<'a> World<'a> {
    pub(super) fn new(wares: &'a dyn Wares, case: &'a Case, drip: bool) -> Self {
        let plan = &case.plan;
        let peer = |side| Peer::new(wares, plan, side);
        let tap = |side| Wiretap::new(wares, plan, side);
        Self {
            plan,
            peers: Side::BOTH.map(peer),
            pipes: plan.pipes.map(Pipe::new),
            taps: Side::BOTH.map(tap),
            now: Duration::ZERO,
            broken: None,
            drip,
            cut: case.cut,
            stop: case.stop,
            lingers: case.lingers,
            trace: 0,
            moved: 0,
            changes: 0,
            scratch: Vec::new(),
        }
    }

    /// Does one step, or skips it; whether it did.
    pub(super) fn step(&mut self, step: Step) -> Checked<bool> {
        for side in 0..2 {
            self.pipes[side].blocked = self.pipes[side].blocked.saturating_sub(1);
            self.peers[side].resting = self.peers[side].resting.saturating_sub(1);
        }
        let did = match step {
            Step::Write(side, n) => {
                let plan = self.plan;
                self.peer(side).write(plan, n as usize)?
            }
            Step::Read(side, _) if self.peer(side).resting > 0 => 0,
            Step::Read(side, n) => self.read(side, n as usize)?,
            Step::Flush(side) => {
                let plan = self.plan;
                self.peer(side).flush(plan)?;
                1
            }
            Step::Send(side, n) => self.send(side, n as usize),
            Step::Deliver(side, n, into) => self.deliver(side, n as usize, into)?,
            Step::Change(side) => usize::from(self.change(side)?),
            Step::Botch(side) => usize::from(self.peer(side).botch()?),
            Step::Shutdown(side) => usize::from(self.shut_down(side)),
            Step::Advance(by) => {
                self.now += Duration::from_micros(u64::from(by));
                let now = self.now;
                for peer in &mut self.peers {
                    peer.now = now;
                    peer.stack.advance(now);
                }
                1
            }
            Step::Wait => usize::from(self.pass()),
            Step::Block(side, steps) => {
                self.pipes[side.index()].blocked = steps;
                0
            }
            Step::Rest(side, steps) => {
                self.peer(side).resting = steps;
                0
            }
            Step::Break(side, how) => usize::from(self.break_way(side, how)),
        };
        self.note(did as u64);
        for side in 0..2 {
            self.peers[side].check(self.plan)?;
        }
        Ok(did > 0)
    }

    pub(super) fn peer(&mut self, side: Side) -> &mut Peer<'a> {
        &mut self.peers[side.index()]
    }

    pub(super) fn read(&mut self, side: Side, n: usize) -> Checked<usize> {
        let plan = self.plan;
        let n = self.peer(side).read(plan, n)?;
        self.moved += n as u64;
        Ok(n)
    }

    pub(super) fn change(&mut self, side: Side) -> Checked<bool> {
        let plan = self.plan;
        let collected = self.peer(side).collect()?;
        let changed = self.peer(side).change(plan)?;
        self.changes += u64::from(changed);
        Ok(collected | changed)
    }

    /// `side` ends its outgoing half, if its time has come.
    pub(super) fn shut_down(&mut self, side: Side) -> bool {
        let plan = self.plan;
        let all = |peer: &Peer<'_>| {
            let last = plan.ops.len();
            peer.read == (last, plan.len(peer.side.other(), last))
        };
        if self.lingers && !self.peers.iter().all(all) {
            return false;
        }
        self.peer(side).shut_down(plan)
    }

    /// Time passes until something is due, if anything is. A layer may have waited for its peer in
    /// vain.
    fn pass(&mut self) -> bool {
        let due = self.due();
        self.now = due.unwrap_or(self.now);
        let mut in_vain = false;
        for peer in &mut self.peers {
            peer.now = self.now;
            peer.stack.advance(self.now);
            let error = peer.stack.input_end();
            let error = error.as_ref().and_then(End::error);
            in_vain |= error.is_some_and(|error| error.kind() == ErrorKind::TimedOut);
        }
        if in_vain {
            self.peers.iter_mut().for_each(|peer| peer.may_fail = true);
        }
        due.is_some()
    }

    /// When the next thing is due that anybody would wait for.
    pub(super) fn due(&self) -> Option<Duration> {
        let deadlines = self.peers.iter().filter_map(|peer| peer.stack.deadline());
        let due = deadlines.filter(|at| *at > self.now).min();
        due.filter(|at| *at - self.now < PATIENCE)
    }

    /// The socket of `side` takes what is ready.
    pub(super) fn send(&mut self, side: Side, most: usize) -> usize {
        let pipe = &mut self.pipes[side.index()];
        let stack = &mut self.peers[side.index()].stack;
        let outgoing = stack.outgoing();
        let n = most.min(outgoing.len()).min(pipe.room());
        pipe.put(&outgoing[..n]);
        if n > 0 {
            stack.sent(n);
        } else if outgoing.is_empty() && stack.outgoing_ended() && !pipe.ended {
            pipe.ended = true;
            return 1;
        }
        n
    }

    /// Bytes from its peer come to `side`, or their end.
    pub(super) fn deliver(&mut self, side: Side, most: usize, into: Into) -> Checked<usize> {
        let from = side.other().index();
        let fed = self.peers[side.index()].fed;
        if side == Side::B && self.stop == Some(fed) && !self.pipes[from].bytes.is_empty() {
            let way = &mut self.pipes[from];
            way.bytes.clear();
            (way.broken, way.ended) = (true, true);
            self.broken = Some((side, Break::Quietly));
            self.peers.iter_mut().for_each(|peer| peer.may_fail = true);
        }
        let (pipe, peer) = (&mut self.pipes[from], &mut self.peers[side.index()]);
        if pipe.bytes.is_empty() && pipe.ended && !peer.told_end {
            peer.told_end = true;
            peer.stack.receive_end();
            if !pipe.broken {
                self.taps[from].end(self.plan)?;
            }
            return Ok(1);
        }
        let mut delivered = 0;
        while delivered < most && peer.stack.wants_input() && !pipe.bytes.is_empty() {
            let n = match self.drip {
                true => 1,
                false => most.min(pipe.bytes.len()).min(16 * 1024),
            };
            let places = [self.cut, self.stop.filter(|_| side == Side::B)];
            let ahead = places.into_iter().flatten().filter(|place| *place > fed);
            let n = ahead.fold(n, |n, place| n.min((place - fed) as usize));
            self.scratch.resize(n, 0);
            pipe.take(&mut self.scratch);
            self.taps[from].see(self.plan, &self.scratch)?;
            for byte in &self.scratch {
                self.trace = mix(self.trace ^ u64::from(*byte));
            }
            peer.feed(&mut self.scratch, into == Into::Own);
            delivered += n;
            if !self.drip {
                break;
            }
        }
        Ok(delivered)
    }

    /// Whether the way to B was to end too early.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_some()
    }

    /// The way to `side` breaks. Once is enough.
    fn break_way(&mut self, side: Side, how: Break) -> bool {
        let from = side.other();
        if self.broken.is_some() || self.peers.iter().any(|peer| peer.told_end) {
            return false;
        }
        self.broken = Some((side, how));
        self.peers.iter_mut().for_each(|peer| peer.may_fail = true);
        let reset = || Error::transport(io::ErrorKind::ConnectionReset.into());
        let way = &mut self.pipes[from.index()];
        (way.broken, way.ended) = (true, true);
        match how {
            Break::Quietly => {}
            Break::Loudly => self.peer(from).stack.fail_sending(reset()),
            Break::Reset => {
                for (pipe, peer) in self.pipes.iter_mut().zip(&mut self.peers) {
                    pipe.bytes.clear();
                    (pipe.broken, pipe.ended) = (true, true);
                    peer.told_end = true;
                    peer.stack.fail(reset());
                }
            }
        }
        true
    }

    pub(super) fn note(&mut self, what: u64) {
        self.trace = mix(self.trace ^ what).wrapping_add(1);
    }

    /// What a layer of either peer did, or was told, that must not be.
    pub(super) fn fault(&self) -> Option<Violation> {
        self.peers.iter().find_map(Peer::fault)
    }

    /// What stands where, for whoever looks for the cause.
    fn describe(&self) -> String {
        let mut text = String::new();
        for peer in &self.peers {
            let (op, written, read) = (peer.op, peer.written, peer.read);
            let end = match peer.stack.input_end() {
                None => "open".to_owned(),
                Some(End::Clean) => "at its end".to_owned(),
                Some(End::Error(error)) => error.to_string(),
            };
            text += &format!(
                "\n  {:?} has made {op} changes, and of segment {} written {}, of {} read {}; input: {end}",
                peer.side, written.0, written.1, read.0, read.1
            );
            for layer in peer.stack.layers() {
                let Traffic { inbound, outbound } = layer.traffic();
                text += &format!(
                    "\n    {}, {}: took {} and made {} inbound, {} and {} outbound; holds {}",
                    layer.name(),
                    layer.state(),
                    inbound.taken,
                    inbound.made,
                    outbound.taken,
                    outbound.made,
                    layer.held()
                );
            }
        }
        text
    }

    pub(super) fn hang<T>(&self, rule: Rule, what: &str) -> Checked<T> {
        broken(rule, format!("{what}{}", self.describe()))
    }
}
