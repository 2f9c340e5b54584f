//! What holds of a peer at every moment.

use std::sync::atomic::Ordering::Relaxed;

use super::Rule;
use super::peer::{Peer, Pushed, Standing};
use super::plan::Plan;
use super::violation::{Checked, Violation, broken, violation};
use crate::{LayerView, Popping};

impl Peer<'_> {
    /// Checks what holds at every moment between two calls of the stack.
    pub(super) fn check(&self, plan: &Plan) -> Checked {
        if let Some(fault) = self.fault() {
            return Err(fault);
        }
        let popping = self.waiting.map(|key| self.stack.popping(key));
        if popping == Some(Popping::NotAsked) && !self.may_fail {
            return violation(format!("{:?}: a pop that waited is forgotten", self.side));
        }
        self.check_levels(plan)?;
        self.check_bounds(plan)?;
        self.check_conservation()
    }

    /// What a layer did, or was told, that must not be.
    pub(super) fn fault(&self) -> Option<Violation> {
        let fault = self.ledger.fault()?;
        Some(Violation::of(
            fault.rule,
            format!("{:?}: {fault}", self.side),
        ))
    }

    /// Each layer knows whether writing is to pause: for the outbox, or for one below it, which is
    /// a reason for all above it, too, and for the application.
    fn check_levels(&self, plan: &Plan) -> Checked {
        if self.may_fail {
            return Ok(());
        }
        let high = plan.limits[self.side.index()].outbox_high;
        let mut paused = self.stack.outgoing().len() > high;
        let standing = |pushed: &&Pushed| pushed.life == Standing::Stands;
        for layer in self.stack.layers() {
            let mut pushed = self.pushed.iter().flatten().filter(standing);
            let Some(pushed) = pushed.find(|it| it.id.key() == layer.key()) else {
                continue;
            };
            let told = !pushed.account.writable.load(Relaxed);
            if paused && !told {
                let name = &pushed.account.name;
                return violation(format!("{:?}: {name} was not told to pause", self.side));
            }
            paused = told;
        }
        if paused && self.stack.writable() {
            return violation(format!("{:?}: the application was not told", self.side));
        }
        Ok(())
    }

    /// What waits is bounded. While input is wanted, no boundary is over its limit; so all of them
    /// together, and what came at once, and what each layer may make of that at a time.
    fn check_bounds(&self, plan: &Plan) -> Checked {
        let limits = &plan.limits[self.side.index()];
        let kinds = self.wares.kinds();
        let records = plan.layers.iter().map(|layer| kinds[layer.kind].record);
        let record = records.max().unwrap_or(0);
        // What waited below a layer that has left waits above it.
        let depth = plan.layers.len();
        let layers = self.stack.layers().map(|layer| layer.held());
        let waits = self.stack.readable().len() + layers.sum::<usize>();
        // What the layers stage on the way down counts with the rest: a chunk, and a record.
        let staged = depth * (plan.chunk + record);
        let most = limits.inbox + depth * (limits.boundary + record) + self.most_fed + staged;
        if waits > most {
            // Nobody makes more than a record, or a block, behind the point where there is room.
            let unread = self.stack.readable().len();
            let unasked = unread > limits.inbox + record + self.most_fed;
            let rule = if unasked { Rule::Wanted } else { Rule::Bounds };
            return broken(
                rule,
                format!(
                    "{:?}: {waits} bytes wait in the stack, {unread} of them unread, and {most} may",
                    self.side
                ),
            );
        }
        self.check_inbox(plan)?;
        let ready = self.stack.outgoing().len();
        // In the worst case each layer makes a byte three: a record of one, and a question.
        let deepest = plan.standing.iter().map(Vec::len).max().unwrap_or(0);
        let grown = (plan.chunk + record) * 3_usize.pow(deepest as u32);
        let most = limits.outbox_high + grown + RESERVE;
        if ready > most {
            return broken(
                Rule::Bounds,
                format!(
                    "{:?}: {ready} bytes wait for the socket, and {most} may",
                    self.side
                ),
            );
        }
        Ok(())
    }

    /// Where the topmost layer asks before each block, and nothing came from below a layer that
    /// left, the inbox is over its limit by a block at the most.
    fn check_inbox(&self, plan: &Plan) -> Checked {
        let made = &plan.ops[..self.op];
        let top = made.last().filter(|_| made.iter().all(|op| op.pushes()));
        let block = top.and_then(|op| self.wares.kinds()[plan.layers[op.layer()].kind].block);
        let waits = self.stack.readable().len();
        let inbox = plan.limits[self.side.index()].inbox;
        match block {
            // A change that failed when it had begun is not among those that were made.
            Some(block) if waits >= inbox + block && !self.failed => broken(
                Rule::Wanted,
                format!(
                    "{:?}: {waits} bytes wait in an inbox of {inbox}, and the blocks have {block}",
                    self.side
                ),
            ),
            _ => Ok(()),
        }
    }

    /// Each byte that came is below the lowest layer, or was taken by it. It can be seen while
    /// the first layer that stood is the lowest.
    fn check_conservation(&self) -> Checked {
        let Some((key, layer, before)) = self.lowest else {
            return Ok(());
        };
        let Some(pushed) = &self.pushed[layer] else {
            return Ok(());
        };
        let Some(view) = self.stack.layers().next().filter(|view| view.key() == key) else {
            return Ok(());
        };
        let account = &pushed.account;
        let (taken, sent) = (account.taken.load(Relaxed), account.sent.load(Relaxed));
        let traffic = LayerView::traffic(view);
        if (traffic.inbound.taken, traffic.outbound.taken) != (taken, sent) {
            return violation(format!(
                "{:?}: {} took {taken} and {sent} bytes, and the stack counts {traffic:?}",
                self.side, account.name
            ));
        }
        let below = view.held() as u64 - account.inside.load(Relaxed);
        // What comes behind its end mark passes it by, or waits.
        let over = pushed.life != Standing::Stands || self.stack.parked() == Some(key);
        if self.fed - before != taken + below && !over && !self.failed && !self.may_fail {
            return violation(format!(
                "{:?}: {} bytes came, {} took {taken}, and {below} wait below it",
                self.side,
                self.fed - before,
                account.name
            ));
        }
        Ok(())
    }
}

/// What layers may send on their own.
const RESERVE: usize = 1000;
