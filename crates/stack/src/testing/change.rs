//! How a peer makes the changes of the plan.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::Rule;
use super::ledger::Account;
use super::op::Op;
use super::peer::{Peer, Pushed, Standing};
use super::plan::Plan;
use super::violation::{Checked, broken, violation};
use super::watched::Watched;
use crate::{Changes, Error, Exit, Layer, LayerId, Outcome, Popping, PushError, Residue, Stack};

impl Peer<'_> {
    /// Makes the next change of the plan, if it can be made now.
    pub(super) fn change(&mut self, plan: &Plan) -> Checked<bool> {
        self.anchor(plan)?;
        let Some(&op) = plan.ops.get(self.op) else {
            return Ok(false);
        };
        if self.failed || !self.is_ready(plan, op) {
            self.try_too_early(op)?;
            return Ok(false);
        }
        if let Some(shared) = self.app.clone() {
            return self.change_within(plan, &shared, op);
        }
        let (segment, at) = self.written;
        let answer: Vec<u8> = (at..at + self.answer(plan))
            .map(|at| plan.byte(self.side, segment, at))
            .collect();
        let made = match op {
            Op::Push { layer } | Op::PushAfter { layer, .. } | Op::PushBehind { layer, .. } => {
                self.add(plan, layer, |stack, made| stack.push_after(&answer, made))?
            }
            Op::Replace { old, layer } => self.replace(plan, old, layer)?,
            Op::Insert { layer, below, .. } => {
                self.write_answer(&answer)? && self.insert(plan, layer, below)?
            }
            Op::Swap { old, layer, .. } => {
                self.write_answer(&answer)? && self.swap(plan, old, layer)?
            }
            Op::Pop { layer } => self.pop(layer)?,
            Op::PopInSilence { layer, .. } => self.write_answer(&answer)? && self.pop(layer)?,
            Op::Rip { layer, .. } => self.write_answer(&answer)? && self.rip(layer)?,
        };
        if made {
            self.op += 1;
            self.written = (self.op, 0);
            if Plan::waits(&plan.layers, op) == Some(self.side) {
                self.silent_until = Some(self.op);
            }
        }
        Ok(made)
    }

    /// Whether the change may be made now, so that it stands between the right two bytes.
    fn is_ready(&mut self, plan: &Plan, op: Op) -> bool {
        let theirs = self.side.other();
        let segment = self.op;
        let alone = plan.len(self.side, segment) - self.answer(plan);
        if self.written != (segment, alone) || (!self.may_write() && !self.shut) {
            return false;
        }
        let all_read = self.read == (segment, plan.len(theirs, segment));
        let planned = &plan.layers[op.layer()];
        let returns = plan.returns(op.layer(), self.side);
        match op {
            _ if returns.is_some_and(|n| self.returned[n].is_none()) && op.comes() => false,
            _ if self.shut && !matches!(op, Op::Pop { .. }) => false,
            Op::Push { .. } => all_read || planned.exit == Exit::Anytime,
            Op::PushAfter { .. } if planned.residue != Residue::Feed => {
                all_read && self.is_silent()
            }
            Op::PushAfter { .. } => all_read,
            // It waits for handshakes by itself.
            Op::Pop { .. } => true,
            Op::PopInSilence { .. } | Op::Rip { .. } | Op::Insert { .. } | Op::Swap { .. } => {
                all_read && self.stack.is_up() && self.is_silent()
            }
            Op::Replace { .. } => self.stack.is_up(),
            // Behind the end mark, whether that has come or not.
            Op::PushBehind { old, .. } => all_read || self.is_leaving(old),
        }
    }

    /// A layer without an end mark must not leave while something waits unread, also if asked.
    fn try_too_early(&mut self, op: Op) -> Checked {
        let Op::PopInSilence { layer, .. } = op else {
            return Ok(());
        };
        // During a handshake it would only be put off.
        let readable = !self.stack.readable().is_empty() && self.stack.is_up();
        let Some(pushed) = self.pushed[layer].as_ref().filter(|_| readable) else {
            return Ok(());
        };
        // With its handshake over, it may have become one that may leave at any time.
        let exit = self.stack.with_layer(pushed.id, |layer, _| layer.exit());
        match exit.is_ok_and(|exit| exit == Exit::Silent) && self.stack.start_pop(pushed.id).is_ok()
        {
            true => violation(format!(
                "{:?}: {} is popped while bytes wait unread, and has no end mark",
                self.side, pushed.account.name
            )),
            false => Ok(()),
        }
    }

    /// Whether nothing inbound is under way here, once what is staged has gone.
    fn is_silent(&mut self) -> bool {
        self.stack.flush();
        self.stack.readable().is_empty() && self.stack.layers().all(|layer| layer.held() == 0)
    }

    fn is_leaving(&self, layer: usize) -> bool {
        let popping = self.pushed[layer].as_ref();
        let popping = popping.map(|pushed| self.stack.popping(pushed.id));
        matches!(popping, Some(Popping::OutboundEnded { .. }))
    }

    fn replace(&mut self, plan: &Plan, old: usize, layer: usize) -> Checked<bool> {
        let Some(id) = self.pushed[old].as_ref().map(|pushed| pushed.id) else {
            return violation("the simulator replaces what was never pushed");
        };
        let made = self.add(plan, layer, |stack, made| stack.replace(id, made))?;
        if let Some(pushed) = self.pushed[old].as_mut().filter(|_| made) {
            pushed.life = Standing::Leaving;
        }
        Ok(made)
    }

    fn insert(&mut self, plan: &Plan, layer: usize, below: usize) -> Checked<bool> {
        let Some(id) = self.pushed[below].as_ref().map(|pushed| pushed.id) else {
            return violation("the simulator inserts below what was never pushed");
        };
        // What is the lowest from now on has not taken all that came.
        self.lowest = None;
        self.add(plan, layer, |stack, made| stack.insert_below(id, made))
    }

    /// One goes and one comes, in one act.
    fn swap(&mut self, plan: &Plan, old: usize, layer: usize) -> Checked<bool> {
        let Some(id) = self.pushed[old].as_ref().map(|pushed| pushed.id) else {
            return violation("the simulator swaps what was never pushed");
        };
        let made = self.add(plan, layer, |stack, made| {
            let mut changes = Changes::new();
            let new = changes.insert_above(id, made);
            changes.remove(id);
            let applied = stack.apply(changes).map(|()| new);
            applied.map_err(|error| {
                error.map(|changes| {
                    let mut layers = changes.into_layers();
                    Box::new(layers.remove(0).1) as Box<dyn Layer>
                })
            })
        })?;
        if let Some(pushed) = self.pushed[old].as_mut().filter(|_| made) {
            pushed.life = Standing::Leaving;
        }
        Ok(made)
    }

    /// Brings a layer of the plan in, by `add`.
    fn add(
        &mut self,
        plan: &Plan,
        layer: usize,
        add: impl FnOnce(
            &mut Stack,
            Box<dyn Layer>,
        ) -> Result<LayerId<Box<dyn Layer>>, PushError<Box<dyn Layer>>>,
    ) -> Checked<bool> {
        let account = Account::new(&self.ledger, &plan.layers[layer].name);
        let again = plan.returns(layer, self.side);
        let within = match again.and_then(|again| self.returned[again].take()) {
            Some(returned) => returned,
            None => self.wares.make(&plan.order(layer, self.side)),
        };
        let watched: Box<dyn Layer> = Box::new(Watched::new(within, Arc::clone(&account)));
        // What is readable may be of several epochs, of which the first alone is seen.
        let silent = self.stack.layers().next().is_none() && self.stack.readable().is_empty();
        let id = match add(&mut self.stack, watched) {
            Ok(id) => id,
            // It may.
            Err(PushError::Refused { .. }) if again.is_some() => {
                (self.may_fail, self.failed) = (true, true);
                return Ok(false);
            }
            Err(PushError::Refused { error, .. }) => {
                let leaves = |pushed: &&Pushed| pushed.life == Standing::Leaving;
                if account.attached.load(Relaxed) {
                    let words = format!("a push was refused after all: {error}");
                    return broken(Rule::Honest, words);
                }
                if !self.pushed.iter().flatten().any(|pushed| leaves(&pushed)) {
                    self.fail("a push", &error)?;
                }
                return Ok(false);
            }
            Err(error) => {
                self.fail("a push", error.error())?;
                self.keep_begun(layer, account);
                return Ok(false);
            }
        };
        if silent && self.lowest.is_none() {
            self.lowest = Some((id.key(), layer, self.fed));
        }
        self.pushed[layer] = Some(Pushed {
            id,
            account,
            life: Standing::Stands,
        });
        Ok(true)
    }

    /// A push failed when it had begun: the layer stands in the stack.
    fn keep_begun(&mut self, layer: usize, account: Arc<Account>) {
        let top = self.stack.layers().next_back();
        let id: Option<LayerId<Box<dyn Layer>>> = top.and_then(|top| top.id());
        self.pushed[layer] = id.map(|id| Pushed {
            id,
            account,
            life: Standing::Stands,
        });
    }

    fn pop(&mut self, layer: usize) -> Checked<bool> {
        let Some(pushed) = &mut self.pushed[layer] else {
            return violation("the simulator pops what was never pushed");
        };
        let key = pushed.id.key();
        match self.stack.start_pop(key) {
            Ok(()) => pushed.life = Standing::Leaving,
            Err(error) => {
                self.fail("a pop", &error)?;
                return Ok(false);
            }
        }
        match self.stack.popping(key) {
            Popping::Waiting => self.waiting = Some(key),
            Popping::OutboundEnded { .. } | Popping::Left => {}
            other => return violation(format!("a pop that was begun is {other:?}")),
        }
        Ok(true)
    }

    fn rip(&mut self, layer: usize) -> Checked<bool> {
        let Some(pushed) = &mut self.pushed[layer] else {
            return violation("the simulator rips what was never pushed");
        };
        match self.stack.rip(pushed.id) {
            Ok((_, Outcome::Ripped { held: 0 })) => pushed.life = Standing::GivenBack,
            Ok((_, outcome)) => {
                return violation(format!("in silence a layer was ripped: {outcome:?}"));
            }
            Err(error) => {
                self.fail("a rip", &error)?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes the last bytes before a change, in one act with it.
    fn write_answer(&mut self, answer: &[u8]) -> Checked<bool> {
        if answer.is_empty() {
            return Ok(true);
        }
        let written = self.stack.write(answer);
        if let Err::<(), Error>(error) = written {
            self.fail("an answer", &error)?;
            return Ok(false);
        }
        Ok(true)
    }
}
