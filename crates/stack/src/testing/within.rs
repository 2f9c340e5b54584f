//! A peer whose application is one of callbacks: what it does, it does within them.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Rule;
use super::app::{Order, Shared};
use super::ledger::Account;
use super::op::Op;
use super::peer::{Peer, Pushed, Standing};
use super::plan::Plan;
use super::violation::{Checked, broken, violation};
use super::watched::Watched;
use crate::{Changes, ErrorKind, Layer, LayerId, LayerView, Outcome, Popping, Residue, State};

/// A change that a callback is to make.
pub(super) struct Wish {
    orders: VecDeque<Order>,
    /// The layer that comes in.
    comes: Option<(usize, Pushed)>,
    /// How many bytes of the next segment are sent in the same call.
    ahead: usize,
}

impl Peer<'_> {
    /// Has the application do this in a callback, and lets it.
    pub(super) fn order(&mut self, shared: &Shared, order: Order) {
        shared.desk().orders.push_back(order);
        self.call();
    }

    /// Time passes, without any passing: the application is called.
    pub(super) fn call(&mut self) {
        self.stack.advance(self.now);
    }

    /// The application takes up to `n` bytes. If it has read with them all that the next change waits
    /// for, it makes that within the very call.
    pub(super) fn take(&mut self, plan: &Plan, shared: &Shared, n: usize) -> Checked<Vec<u8>> {
        let segment = self.read.0;
        let last = self.read.1 + n == plan.len(self.side.other(), segment);
        let op = plan
            .ops
            .get(self.op)
            .copied()
            .filter(|_| last && segment == self.op);
        // Whether anything is there to be rejected is seen between two calls only.
        let feeds = |op: Op| plan.layers[op.layer()].residue == Residue::Feed;
        let may = |it: &mut Self, op| Op::pushes(op) && feeds(op) && it.may_ask(op);
        let mut wish = match op {
            Some(op) if may(self, op) && self.is_written(plan) => Some(self.wish(plan, op)?),
            _ => None,
        };
        {
            let mut desk = shared.desk();
            desk.appetite = n;
            let orders = wish.as_mut().map(|wish| std::mem::take(&mut wish.orders));
            desk.when_sated = orders.unwrap_or_default();
        }
        self.call();
        let (got, undone) = {
            let mut desk = shared.desk();
            desk.appetite = 0;
            let undone = !std::mem::take(&mut desk.when_sated).is_empty();
            (std::mem::take(&mut desk.got), undone)
        };
        if let Some(wish) = wish.filter(|_| !undone && got.len() == n) {
            self.read.1 += n;
            self.granted(plan, shared, wish)?;
            self.read.1 -= n;
        }
        Ok(got)
    }

    /// Makes the change in a callback. Whether it was made.
    pub(super) fn change_within(&mut self, plan: &Plan, shared: &Shared, op: Op) -> Checked<bool> {
        if !self.may_ask(op) {
            return Ok(false);
        }
        let mut wish = self.wish(plan, op)?;
        shared.desk().orders = std::mem::take(&mut wish.orders);
        self.call();
        self.granted(plan, shared, wish)
    }

    /// Takes back what has left.
    pub(super) fn collect_within(&mut self, shared: &Shared) -> Checked<bool> {
        let left = std::mem::take(&mut shared.desk().left);
        let collected = !left.is_empty();
        for (key, outcome) in left {
            let mut pushed = self.pushed.iter_mut().flatten();
            match pushed.find(|pushed| pushed.id.key() == key) {
                Some(pushed) if outcome == Outcome::Clean && pushed.life == Standing::Leaving => {
                    pushed.life = Standing::GivenBack;
                }
                _ => {
                    let words = format!("{:?}: {key:?} left {outcome:?}", self.side);
                    return broken(Rule::EndMark, words);
                }
            }
        }
        Ok(collected)
    }

    /// Whether nothing is in the way of the change that will go by itself: the answer that is sent
    /// with it could not be sent again.
    fn may_ask(&self, op: Op) -> bool {
        let leaves = |layer: LayerView<'_>| matches!(layer.state(), State::Leaving { .. });
        op.answer().is_none() || !self.stack.layers().any(leaves)
    }

    /// Whether all that this side writes alone before the change is written.
    fn is_written(&mut self, plan: &Plan) -> bool {
        let alone = plan.len(self.side, self.op) - self.answer(plan);
        self.written == (self.op, alone) && self.may_write() && !self.failed
    }

    /// The change, with what is to be sent before and behind it.
    fn wish(&mut self, plan: &Plan, op: Op) -> Checked<Wish> {
        let (segment, at) = self.written;
        let answer = (at..at + self.answer(plan)).map(|at| plan.byte(self.side, segment, at));
        let mut orders = VecDeque::from([Order::Send(answer.collect())]);
        let mut comes = None;
        // In a handshake a pop waits, and what is sent behind it would still go through.
        let mut exact = true;
        if let Op::Pop { layer } = op {
            exact = self.stack.is_up();
            let Some(pushed) = &self.pushed[layer] else {
                return violation("the simulator pops what was never pushed");
            };
            orders.push_back(Order::Pop(pushed.id.key()));
        } else {
            let account = Account::new(&self.ledger, &plan.layers[op.layer()].name);
            let within = self.wares.make(&plan.order(op.layer(), self.side));
            let watched: Box<dyn Layer> = Box::new(Watched::new(within, Arc::clone(&account)));
            let mut changes = Changes::new();
            let old = op.goes().and_then(|old| self.pushed[old].as_ref());
            let id: LayerId<Box<dyn Layer>> = match old {
                Some(old) => changes.replace(old.id, watched),
                None => changes.push(watched),
            };
            orders.push_back(Order::Change(changes));
            let life = Standing::Stands;
            comes = Some((op.layer(), Pushed { id, account, life }));
        }
        let next = plan.ops.get(self.op + 1).and_then(|next| next.answer());
        let next = next.filter(|next| next.by == self.side);
        let alone = plan.len(self.side, self.op + 1) - next.map_or(0, |next| next.len);
        let waits = Plan::waits(&plan.layers, op) == Some(self.side);
        let ahead = if exact && !waits { alone.min(3) } else { 0 };
        let more = (0..ahead).map(|at| plan.byte(self.side, self.op + 1, at));
        orders.push_back(Order::Send(more.collect()));
        Ok(Wish {
            orders,
            comes,
            ahead,
        })
    }

    /// The callback has run: what became of the change.
    fn granted(&mut self, plan: &Plan, shared: &Shared, wish: Wish) -> Checked<bool> {
        let op = plan.ops[self.op];
        let key = match (&wish.comes, op) {
            (Some((_, pushed)), _) => Some(pushed.id.key()),
            (None, op) => self.pushed[op.layer()]
                .as_ref()
                .map(|pushed| pushed.id.key()),
        };
        let refused = std::mem::take(&mut shared.desk().refused);
        if let Some((_, error)) = refused.iter().find(|(refused, _)| Some(*refused) == key) {
            if error.kind() != ErrorKind::Busy {
                self.fail("a change within a callback", error)?;
            }
            return Ok(false);
        }
        // Behind bytes that it has not read, the application is told later.
        let came = |key| self.stack.layers().any(|layer| layer.key() == key);
        let asked = |key| self.stack.popping(key) != Popping::NotAsked;
        if !key.is_some_and(|key| {
            if wish.comes.is_some() {
                came(key)
            } else {
                asked(key)
            }
        }) {
            self.failed |= self.may_fail;
            return Ok(false);
        }
        let goes = op.goes();
        if let Some((layer, pushed)) = wish.comes {
            self.pushed[layer] = Some(pushed);
        }
        if let Some(pushed) = goes.and_then(|goes| self.pushed[goes].as_mut()) {
            pushed.life = Standing::Leaving;
            if self.stack.popping(pushed.id) == Popping::Waiting {
                self.waiting = key;
            }
        }
        self.op += 1;
        self.written = (self.op, wish.ahead);
        if Plan::waits(&plan.layers, op) == Some(self.side) {
            self.silent_until = Some(self.op);
        }
        Ok(true)
    }
}
