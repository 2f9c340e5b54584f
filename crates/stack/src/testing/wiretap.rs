//! Decodes what goes over one way between the peers, and says which layers each byte crossed.

use super::op::Op;
use super::plan::Plan;
use super::violation::{Checked, Violation, broken};
use super::{Rule, Seen, Side, Tap, Wares};
use crate::Exit;

/// The oracle on one way: a chain of decoders, one for each layer that the plan has standing. Each
/// byte that comes out at its top must be the next one that the writer's application wrote, in the
/// segment whose layers these are.
pub(super) struct Wiretap<'a> {
    wares: &'a dyn Wares,
    /// Who writes what is seen here.
    writer: Side,
    chain: Vec<Tapped>,
    segment: usize,
    /// How much of the segment has been seen.
    at: usize,
    /// A layer of the plan has no decoder.
    blind: bool,
}

/// A layer's decoder. It stays in the chain when it has ended, and is passed by.
struct Tapped {
    layer: usize,
    tap: Box<dyn Tap>,
    ended: bool,
    /// It has ended by its end mark.
    marked: bool,
    /// What the decoder gives, kept for its memory.
    given: Vec<u8>,
}

impl<'a> Wiretap<'a> {
    pub(super) fn new(wares: &'a dyn Wares, plan: &Plan, writer: Side) -> Self {
        let layers = 0..plan.layers.len();
        let blind = layers.map(|n| wares.tap(&plan.order(n, writer)));
        Self {
            wares,
            writer,
            chain: Vec::new(),
            segment: 0,
            at: 0,
            blind: { blind }.any(|tap| tap.is_none()),
        }
    }

    /// Bytes went over the way.
    pub(super) fn see(&mut self, plan: &Plan, bytes: &[u8]) -> Checked {
        if self.blind {
            return Ok(());
        }
        for &byte in bytes {
            self.go_on(plan);
            self.byte(plan, 0, byte)?;
        }
        Ok(())
    }

    /// Whether the end mark of this layer was seen; `None` if nobody looked.
    pub(super) fn was_marked(&self, layer: usize) -> Option<bool> {
        let mut chain = self.chain.iter();
        let marked = chain.any(|tapped| tapped.layer == layer && tapped.marked);
        (!self.blind).then_some(marked)
    }

    /// The writer has ended its outgoing half, and all was seen.
    pub(super) fn end(&mut self, plan: &Plan) -> Checked {
        if self.blind {
            return Ok(());
        }
        self.go_on(plan);
        if !self.is_last(plan) || self.at < plan.len(self.writer, self.segment) {
            let (of, at, segment) = (self.writer, self.at, self.segment);
            return self.wrong(
                plan,
                format!("the wire from {of:?} ends at byte {at} of segment {segment}"),
            );
        }
        let open =
            |tapped: &&Tapped| !tapped.ended && plan.layers[tapped.layer].exit == Exit::Marked;
        match self.chain.iter().find(open) {
            Some(tapped) => broken(
                Rule::EndMark,
                format!(
                    "the wire from {:?} ends without the end mark of {}",
                    self.writer, plan.layers[tapped.layer].name
                ),
            ),
            None => Ok(()),
        }
    }

    /// A byte that the layer at `level`, or the application above them all, gave to send.
    fn byte(&mut self, plan: &Plan, level: usize, byte: u8) -> Checked {
        let Some(tapped) = self.chain.get_mut(level) else {
            return self.written(plan, level, byte);
        };
        if tapped.ended {
            return self.byte(plan, level + 1, byte);
        }
        let mut given = std::mem::take(&mut tapped.given);
        given.clear();
        let seen = match tapped.tap.byte(byte, &mut given) {
            Ok(seen) => seen,
            Err(what) => {
                let (layer, at) = (&plan.layers[tapped.layer].name, self.at);
                return self.wrong(plan, format!(
                    "the wire from {:?}, behind byte {at} of segment {}: no {layer} sends that: {what}",
                    self.writer, self.segment
                ));
            }
        };
        for byte in &given {
            self.byte(plan, level + 1, *byte)?;
        }
        self.chain[level].given = given;
        match seen {
            Seen::Part => Ok(()),
            Seen::EndMark => self.mark(plan, level),
        }
    }

    /// A byte that crossed all layers that stand.
    fn written(&mut self, plan: &Plan, level: usize, byte: u8) -> Checked {
        self.go_on(plan);
        if level < self.chain.len() {
            // A layer came in above all that were there.
            return self.byte(plan, level, byte);
        }
        let (segment, at) = (self.segment, self.at);
        if at == plan.len(self.writer, segment) {
            return self.wrong(plan, format!(
                "the wire from {:?}: a byte behind all {at} of segment {segment} crossed its layers",
                self.writer
            ));
        }
        let expected = plan.byte(self.writer, segment, at);
        if byte != expected {
            return self.wrong(plan, format!(
                "the wire from {:?}: byte {at} of segment {segment} is {byte:#04x}, not {expected:#04x}",
                self.writer
            ));
        }
        self.at += 1;
        Ok(())
    }

    /// The end mark of the layer at `level`.
    fn mark(&mut self, plan: &Plan, level: usize) -> Checked {
        self.go_on(plan);
        let layer = self.chain[level].layer;
        let full = self.at == plan.len(self.writer, self.segment);
        let closes = full && self.is_last(plan);
        let leaves = full
            && match plan.ops.get(self.segment) {
                Some(Op::Pop { layer: leaves }) => *leaves == layer,
                Some(Op::Replace { old, .. }) => *old == layer,
                _ => false,
            };
        if !closes && !leaves {
            return self.wrong(
                plan,
                format!(
                    "the wire from {:?}: the end mark of {} at byte {} of segment {}",
                    self.writer, plan.layers[layer].name, self.at, self.segment
                ),
            );
        }
        (self.chain[level].ended, self.chain[level].marked) = (true, true);
        if let (true, Some(Op::Replace { layer, .. })) = (leaves, plan.ops.get(self.segment)) {
            self.insert(plan, level + 1, *layer);
        }
        if !closes {
            (self.segment, self.at) = (self.segment + 1, 0);
        }
        Ok(())
    }

    /// What is on the wire must not be there: of layers that leave the bytes as they are, it is they
    /// who have changed them.
    fn wrong<T>(&self, plan: &Plan, words: String) -> Checked<T> {
        let mut layers = plan.layers.iter();
        let rule = match layers.all(|layer| layer.exit == Exit::Anytime) {
            true => Rule::Anytime,
            false => Rule::Stack,
        };
        Err(Violation::of(rule, words))
    }

    fn level(&self, layer: usize) -> Option<usize> {
        self.chain.iter().position(|tapped| tapped.layer == layer)
    }

    fn insert(&mut self, plan: &Plan, level: usize, layer: usize) {
        let order = plan.order(layer, self.writer);
        if let Some(tap) = self.wares.tap(&order) {
            let tapped = Tapped {
                layer,
                tap,
                ended: false,
                marked: false,
                given: Vec::new(),
            };
            self.chain.insert(level, tapped);
        }
    }

    fn is_last(&self, plan: &Plan) -> bool {
        self.segment == plan.last_segment(self.writer)
    }

    /// Goes on to the next segment, where nothing on the wire tells that it begins.
    fn go_on(&mut self, plan: &Plan) {
        while self.at == plan.len(self.writer, self.segment) && !self.is_last(plan) {
            match plan.ops[self.segment] {
                Op::Push { layer } | Op::PushAfter { layer, .. } | Op::PushBehind { layer, .. } => {
                    self.insert(plan, self.chain.len(), layer);
                }
                Op::Insert { layer, below, .. } => {
                    if let Some(level) = self.level(below) {
                        self.insert(plan, level, layer);
                    }
                }
                Op::Replace { .. } => return,
                Op::Pop { layer } if plan.layers[layer].exit == Exit::Marked => return,
                Op::Pop { layer } | Op::PopInSilence { layer, .. } | Op::Rip { layer, .. } => {
                    if let Some(level) = self.level(layer) {
                        self.chain[level].ended = true;
                    }
                }
                Op::Swap { old, layer, .. } => {
                    if let Some(level) = self.level(old) {
                        self.chain[level].ended = true;
                        self.insert(plan, level + 1, layer);
                    }
                }
            }
            (self.segment, self.at) = (self.segment + 1, 0);
        }
    }
}
