//! Changes that fail must leave no trace; and what is anchored must not leave.

use super::peer::{Peer, Pushed, Standing};
use super::plan::Plan;
use super::violation::{Checked, violation};
use crate::{
    Changes, Chunk, Context, Error, ErrorKind, Exit, Layer, Protocol, Readiness, State, Transport,
};

impl Peer<'_> {
    /// Asks for several changes as one, the last of which fails.
    pub(super) fn botch(&mut self) -> Checked<bool> {
        if self.failed {
            return Ok(false);
        }
        // A flush makes room, and what rises then may be answered.
        while self.stack.unflushed() {
            self.stack.flush();
        }
        let before = self.portrait();
        let mut changes = Changes::new();
        let stands = |pushed: &&Pushed| pushed.life == Standing::Stands;
        changes.push(Guest { refuses: false });
        if let Some(pushed) = self.pushed.iter().flatten().find(stands) {
            changes.insert_below(pushed.id, Guest { refuses: false });
        }
        changes.push(Guest { refuses: true });
        let steps = format!("{changes:?}");
        let made = self.stack.apply(changes);
        let after = self.portrait();
        match made {
            Err(crate::PushError::Refused { back, .. }) if before != after => violation(format!(
                "{back:?} was refused, and left {after}, not {before}"
            )),
            Err(crate::PushError::Refused { back, .. }) if format!("{back:?}") != steps => {
                violation(format!("{back:?} came back, and not {steps}"))
            }
            Err(crate::PushError::Refused { .. }) => Ok(true),
            Ok(()) => violation("a layer that refuses was pushed"),
            Err(error) => {
                self.fail("a botched change", error.error())?;
                Ok(true)
            }
        }
    }

    /// All that a change that failed must not have changed.
    fn portrait(&self) -> String {
        let stack = &self.stack;
        let states: Vec<_> = stack.layers().map(|layer| layer.state()).collect();
        format!(
            "{stack}, {states:?}, {:?}, {:?}, {:?}, {:?}, {:?}",
            stack.epoch(),
            stack.write_epoch(),
            stack.outgoing(),
            stack.readable(),
            stack.input_end().map(|end| end.error().is_none()),
        )
    }

    /// Anchors what the plan says, when its time has come; then nothing at or below it may leave.
    pub(super) fn anchor(&mut self, plan: &Plan) -> Checked {
        let Some((_, layer)) = plan.anchor.filter(|(op, _)| *op == self.op) else {
            return Ok(());
        };
        let Some(pushed) = self.pushed[layer].as_ref().filter(|_| !self.failed) else {
            return Ok(());
        };
        let (key, name) = (pushed.id.key(), &pushed.account.name);
        if let Err(error) = self.stack.anchor(key) {
            // One below may be leaving still, or the peer have ended its half already.
            let ends = |layer: crate::LayerView<'_>| {
                matches!(layer.state(), State::Parked | State::Leaving { .. })
            };
            let ends = self.shut || self.waiting.is_some() || self.stack.layers().any(ends);
            return match ends || self.may_fail {
                true => Ok(()),
                false => violation(format!("{name} cannot be anchored: {error}")),
            };
        }
        let reach = self.stack.layers().position(|view| view.key() == key);
        let below = self.stack.layers().take(reach.map_or(0, |reach| reach + 1));
        for key in below.map(|view| view.key()).collect::<Vec<_>>() {
            let refused = |error: &Error| error.kind() == ErrorKind::Refused || self.may_fail;
            match self.stack.start_pop(key) {
                Err(error) if refused(&error) => {}
                other => return violation(format!("a pop at or below an anchor is {other:?}")),
            }
        }
        Ok(())
    }
}

/// A layer that says something when it comes, and may refuse to.
struct Guest {
    refuses: bool,
}

impl Protocol for Guest {
    fn attached(&mut self, cx: &mut Context<'_>, _: &crate::Standing) -> Result<Readiness, Error> {
        cx.send(b"never said");
        match self.refuses {
            true => Err(Error::local("it refuses")),
            false => Ok(Readiness::Up),
        }
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}

impl Transport for Guest {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        cx.send(chunk);
        Ok(())
    }
}

impl Layer for Guest {
    fn exit(&self) -> Exit {
        Exit::Anytime
    }
}
