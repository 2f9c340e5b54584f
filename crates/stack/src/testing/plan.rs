//! What both peers do, in the same order.

use std::time::Duration;

use super::op::{Answer, Op};
use super::rng::mix;
use super::{Order, Rng, Side, Wares};
use crate::{Exit, Limits, Residue};

/// The most bytes that an application writes at once, where the scale is 1.
const CHUNK: usize = 500;

/// What a way holds that is not narrow.
pub(super) const WAY: usize = 64 * 1024;

/// Longer than any simulation.
const FOR_EVER: Duration = Duration::from_secs(24 * 60 * 60);

/// What both peers do in a simulation: the changes, and how much each writes between two of them.
#[derive(Clone)]
pub(super) struct Plan {
    /// Every layer that ever comes; the changes name them by their number.
    pub(super) layers: Vec<Planned>,
    pub(super) ops: Vec<Op>,
    /// Whether each side's application is one of callbacks.
    pub(super) callbacks: [bool; 2],
    /// How many bytes each side writes in each segment: before the first change, after it, and so
    /// on. So there is one more than there are changes.
    pub(super) lens: [Vec<usize>; 2],
    /// The most bytes that an application writes at once.
    pub(super) chunk: usize,
    /// So many bytes in a row are alike.
    pub(super) run: usize,
    pub(super) limits: [Limits; 2],
    /// How much each side's way to its peer holds.
    pub(super) pipes: [usize; 2],
    /// This side ends its outgoing half behind this segment, although changes follow.
    pub(super) half_close: Option<(Side, usize)>,
    /// When so many changes are made, this layer is anchored.
    pub(super) anchor: Option<(usize, usize)>,
    /// A handshake may come too late.
    pub(super) impatient: bool,
    /// Which layers stand in each segment, lowest first. Follows from the rest.
    pub(super) standing: Vec<Vec<usize>>,
}

/// A layer of a plan.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) name: String,
    pub(super) kind: usize,
    pub(super) seed: u64,
    pub(super) client: Side,
    pub(super) residue: Residue,
    pub(super) exit: Exit,
    pub(super) chatty: bool,
    pub(super) hasty: bool,
    /// It comes in behind an answer, or not at all.
    pub(super) stubborn: bool,
    /// It is that layer, which was popped, once more.
    pub(super) again: Option<usize>,
    /// But at this side another like it.
    pub(super) fresh: Option<Side>,
}

impl Plan {
    /// A plan in which nothing happens, with room for all.
    pub(super) fn empty() -> Self {
        let limits = Limits {
            handshake: FOR_EVER,
            ..Limits::default()
        };
        Self {
            layers: Vec::new(),
            ops: Vec::new(),
            callbacks: [false; 2],
            lens: [vec![0], vec![0]],
            chunk: CHUNK,
            run: 1,
            limits: [limits.clone(), limits],
            pipes: [WAY; 2],
            half_close: None,
            anchor: None,
            impatient: false,
            standing: vec![Vec::new()],
        }
    }

    pub(super) fn draw(wares: &dyn Wares, rng: &mut Rng) -> Self {
        let mut plan = Self {
            callbacks: [rng.once_in(4), rng.once_in(4)],
            run: rng.among(&[1, 1, 1, 5, 100]),
            impatient: rng.once_in(25),
            ..Self::empty()
        };
        plan.draw_ops(wares, rng);
        let scale = match wares.scale() {
            scale if scale > 1 && rng.once_in(4) => scale,
            _ => 1,
        };
        plan.draw_bounds(wares, rng);
        plan.pipes = plan.pipes.map(|most| most * scale);
        plan.draw_lens(scale, rng);
        plan.settle();
        plan.draw_anchor(rng);
        plan
    }

    /// The byte that `side` writes at this place.
    pub(super) fn byte(&self, side: Side, segment: usize, at: usize) -> u8 {
        let place = (at / self.run) as u64;
        mix(place << 16 ^ (segment as u64) << 1 ^ side.index() as u64) as u8
    }

    /// How many bytes `side` writes in this segment.
    pub(super) fn len(&self, side: Side, segment: usize) -> usize {
        self.lens[side.index()][segment]
    }

    /// The last segment in which `side` writes.
    pub(super) fn last_segment(&self, side: Side) -> usize {
        match self.half_close {
            Some((closes, segment)) if closes == side => segment,
            _ => self.ops.len(),
        }
    }

    /// The order for one end of a layer.
    pub(super) fn order(&self, layer: usize, side: Side) -> Order {
        let planned = &self.layers[layer];
        Order {
            kind: planned.kind,
            nth: planned.again.unwrap_or(layer),
            seed: planned.seed,
            side,
            client: planned.client == side,
            residue: planned.residue,
        }
    }

    /// The layer, popped before, that comes once more at this side as this one.
    pub(super) fn returns(&self, layer: usize, side: Side) -> Option<usize> {
        let planned = &self.layers[layer];
        planned.again.filter(|_| planned.fresh != Some(side))
    }

    /// The names that bytes of this segment must be known to have crossed, lowest first: a layer
    /// that may leave at any time is in no epoch for sure.
    pub(super) fn names(&self, segment: usize) -> impl Iterator<Item = &str> {
        let layers = self.standing[segment].iter().map(|n| &self.layers[*n]);
        let told = layers.filter(|layer| layer.exit != Exit::Anytime);
        told.map(|layer| layer.name.as_str())
    }

    /// Whether `name` is that of a layer that may leave at any time.
    pub(super) fn is_anytime(&self, name: &str) -> bool {
        let mut layers = self.layers.iter();
        layers.any(|layer| layer.exit == Exit::Anytime && layer.name == name)
    }

    /// Whether a layer crosses bytes in this segment whose epoch a reader can rely on to differ.
    pub(super) fn is_told(&self, op: Op) -> bool {
        self.layers[op.layer()].exit != Exit::Anytime
    }

    /// Takes out a change, and those that make no sense without it.
    pub(super) fn without(&self, op: usize) -> Self {
        let mut plan = self.clone();
        plan.drop_op(op);
        plan.settle();
        plan
    }

    /// Restores what must hold between the parts of a plan, after one was drawn or changed.
    pub(super) fn settle(&mut self) {
        while let Some(op) = (0..self.ops.len()).find(|op| !self.fits(*op)) {
            self.drop_op(op);
        }
        self.standing = vec![Vec::new()];
        for op in &self.ops {
            let mut standing = self.standing[self.standing.len() - 1].clone();
            op.apply(&mut standing);
            self.standing.push(standing);
        }
        let layers = &self.layers;
        for (n, op) in self.ops.iter().enumerate() {
            if let Op::PushBehind { .. } = op {
                self.lens.iter_mut().for_each(|lens| lens[n] = 0);
            }
            if let Some(answer) = op.answer() {
                let len = &mut self.lens[answer.by.index()][n];
                *len = (*len).max(answer.len);
            }
            if let Some(waits) = Self::waits(layers, *op) {
                // It shows there that the change was made; and before it, that no handshake is
                // under way. What goes with the next change cannot show it.
                let other = waits.other();
                let next = self.ops.get(n + 1).and_then(|op| op.answer());
                let next = next.filter(|answer| answer.by == other);
                let lens = &mut self.lens[other.index()];
                lens[n] = lens[n].max(1);
                lens[n + 1] = lens[n + 1].max(1 + next.map_or(0, |answer| answer.len));
            }
        }
        self.anchor = self
            .anchor
            .filter(|(op, layer)| self.may_anchor(*op, *layer));
        if let Some((side, segment)) = self.half_close {
            let follows = |op: &Op| matches!(op, Op::Pop { .. });
            if segment >= self.ops.len() || !self.ops[segment..].iter().all(follows) {
                self.half_close = None;
            } else {
                self.lens[side.index()][segment + 1..].fill(0);
            }
        }
    }

    /// The peer that, having made the change, may not write before the other has made it, too. Behind
    /// a layer that takes no residue, that is who answers.
    pub(super) fn waits(layers: &[Planned], op: Op) -> Option<Side> {
        match op {
            Op::PushAfter { layer, answer } if layers[layer].stubborn => Some(answer.by),
            _ => op.waits(),
        }
    }

    /// Whether the change is possible, given those before it.
    fn fits(&self, at: usize) -> bool {
        let (op, mut standing) = (self.ops[at], Vec::new());
        for before in &self.ops[..at] {
            before.apply(&mut standing);
        }
        let mut before = self.ops[..at].iter();
        if op.comes() && before.any(|before| before.layer() == op.layer()) {
            return false;
        }
        let place = |of: usize| standing.iter().position(|layer| *layer == of);
        // What speaks unasked is never known to be silent.
        let chatty = |place: usize| standing[place..].iter().any(|n| self.layers[*n].chatty);
        // Nor does an application of callbacks know what waits for it.
        let silent = |place: usize| self.callbacks == [false; 2] && !chatty(place);
        let exit = |layer: usize| self.layers[layer].exit;
        let behind = matches!(op, Op::PushAfter { .. });
        if op.comes() && self.layers[op.layer()].stubborn && !behind {
            return false;
        }
        match op {
            Op::Push { .. } | Op::PushAfter { .. } => true,
            Op::Pop { layer } => place(layer).is_some() && exit(layer) != Exit::Silent,
            Op::PopInSilence { layer, .. } | Op::Rip { layer, .. } => {
                place(layer).is_some_and(silent)
            }
            Op::Replace { old, .. } => place(old).is_some() && exit(old) == Exit::Marked,
            Op::Swap { layer, .. } | Op::Insert { layer, .. } if self.layers[layer].hasty => false,
            Op::Swap { old, .. } => place(old).is_some_and(silent) && exit(old) != Exit::Marked,
            Op::Insert { below, .. } => place(below).is_some_and(silent),
            Op::PushBehind { old, .. } => {
                exit(old) == Exit::Marked && at > 0 && self.ops[at - 1] == Op::Pop { layer: old }
            }
        }
    }

    /// Whether nothing at or below the layer leaves from this change on.
    fn may_anchor(&self, op: usize, layer: usize) -> bool {
        let stands = |segment: usize| {
            let standing = self.standing.get(segment)?;
            standing.iter().position(|it| *it == layer)
        };
        let stays = |at: usize| {
            let (Some(anchor), Some(goes)) = (stands(at), self.ops[at].goes()) else {
                return true;
            };
            let place = self.standing[at].iter().position(|it| *it == goes);
            place.is_none_or(|place| place > anchor)
        };
        stands(op).is_some() && (op..self.ops.len()).all(stays)
    }

    /// Takes out a change; the segments around it become one.
    fn drop_op(&mut self, op: usize) {
        self.anchor = None;
        self.ops.remove(op);
        for lens in &mut self.lens {
            let len = lens.remove(op + 1);
            lens[op] += len;
        }
        if let Some((_, segment)) = &mut self.half_close
            && *segment > op
        {
            *segment -= 1;
        }
    }

    fn draw_ops(&mut self, wares: &dyn Wares, rng: &mut Rng) {
        let kinds: Vec<usize> = (0..wares.kinds().len()).collect();
        // Each seed leaves some kinds out, so that others meet more often.
        let mut kinds: Vec<usize> = kinds.into_iter().filter(|_| rng.once_in(2)).collect();
        if kinds.is_empty() {
            kinds.push(rng.below(wares.kinds().len()));
        }
        let (most, pushes) = (rng.below(11), 1 + rng.below(3));
        let only_pops_from = rng.once_in(3).then(|| rng.below(most + 1));
        let mut standing: Vec<usize> = Vec::new();
        for _ in 0..most {
            let at = self.ops.len();
            let popping = only_pops_from.is_some_and(|from| at >= from);
            let push = standing.is_empty() || (standing.len() < 5 && rng.below(4) < pushes);
            if popping && standing.is_empty() {
                break;
            }
            let kind = rng.among(&kinds);
            let op = if push && !popping {
                self.draw_push(wares, kind, rng)
            } else {
                let layer = rng.among(&standing);
                self.draw_pop(layer, rng)
            };
            let op = match standing.is_empty() || popping || !rng.once_in(3) {
                true => op,
                false => self.draw_surgery(wares, kind, &standing, rng),
            };
            self.ops.push(op);
            if !self.fits(at) {
                self.ops.pop();
                continue;
            }
            op.apply(&mut standing);
        }
        if let Some(from) = only_pops_from {
            let side = rng.among(&Side::BOTH);
            self.half_close = Some((side, from));
        }
    }

    fn draw_anchor(&mut self, rng: &mut Rng) {
        let op = rng.below(self.ops.len() + 1);
        if let Some(layer) = self.standing[op].first().filter(|_| rng.once_in(3)) {
            let anchor = Some((op, *layer));
            self.anchor = anchor.filter(|(op, layer)| self.may_anchor(*op, *layer));
        }
    }

    fn draw_push(&mut self, wares: &dyn Wares, kind: usize, rng: &mut Rng) -> Op {
        let of = &wares.kinds()[kind];
        let answered = of.stubborn.is_some() || (of.greets && rng.once_in(2));
        let answer = Answer::draw(rng);
        let layer = self.draw_layer(wares, kind, answer.by.other(), answered, rng);
        match answered {
            true => Op::PushAfter { layer, answer },
            false => Op::Push { layer },
        }
    }

    /// A change for which a layer comes in by another way than a push.
    fn draw_surgery(
        &mut self,
        wares: &dyn Wares,
        kind: usize,
        standing: &[usize],
        rng: &mut Rng,
    ) -> Op {
        let answer = Answer::draw(rng);
        let layer = self.draw_layer(wares, kind, answer.by.other(), false, rng);
        let old = rng.among(standing);
        match (self.ops.last(), self.layers[old].exit) {
            (Some(&Op::Pop { layer: old }), _) if self.layers[old].exit == Exit::Marked => {
                Op::PushBehind { old, layer }
            }
            _ if rng.once_in(3) => Op::Insert {
                layer,
                below: old,
                answer,
            },
            (_, Exit::Marked) => Op::Replace { old, layer },
            _ => Op::Swap { old, layer, answer },
        }
    }

    /// Adds a layer to those of the plan.
    fn draw_layer(
        &mut self,
        wares: &dyn Wares,
        kind: usize,
        client: Side,
        answered: bool,
        rng: &mut Rng,
    ) -> usize {
        let seed = rng.draw();
        let of = &wares.kinds()[kind];
        let rejects = answered && rng.once_in(2) && !of.hasty;
        let residue = match of.stubborn {
            Some(residue) => residue,
            None if rejects => Residue::Reject,
            None => Residue::Feed,
        };
        self.add_layer(wares, kind, client, seed, residue)
    }

    /// Adds a layer of this kind to those of the plan.
    pub(super) fn add_layer(
        &mut self,
        wares: &dyn Wares,
        kind: usize,
        client: Side,
        seed: u64,
        residue: Residue,
    ) -> usize {
        let nth = self.layers.len();
        self.layers.push(Planned {
            name: String::new(),
            kind,
            seed,
            client,
            residue,
            exit: Exit::Silent,
            chatty: wares.kinds()[kind].chatty,
            hasty: wares.kinds()[kind].hasty,
            stubborn: wares.kinds()[kind].stubborn.is_some(),
            again: None,
            fresh: None,
        });
        let made = wares.make(&self.order(nth, Side::A));
        let planned = &mut self.layers[nth];
        planned.exit = made.exit();
        planned.name = made.name().to_owned();
        nth
    }

    fn draw_pop(&self, layer: usize, rng: &mut Rng) -> Op {
        let answer = Answer::draw(rng);
        match self.layers[layer].exit {
            _ if rng.once_in(12) => Op::Rip { layer, answer },
            Exit::Silent => Op::PopInSilence { layer, answer },
            Exit::Marked | Exit::Anytime => Op::Pop { layer },
        }
    }

    fn draw_lens(&mut self, scale: usize, rng: &mut Rng) {
        self.chunk = CHUNK * scale;
        let most = rng.among(&[3, 3, 12, 30, 90, 400]);
        // Through a narrow way a script gets only so far.
        let narrow = self.pipes.iter().any(|capacity| *capacity < 10);
        let most = if narrow { most.min(30) } else { most };
        // Where runs of bytes are alike, they may take little room on the wire.
        let most = scale * if self.run == 100 { most * 4 } else { most };
        for lens in &mut self.lens {
            let len = |_| match rng.below(3) {
                0 => 0,
                _ => rng.below(most),
            };
            *lens = (0..=self.ops.len()).map(len).collect();
        }
    }

    fn draw_bounds(&mut self, wares: &dyn Wares, rng: &mut Rng) {
        let kinds = self.layers.iter().map(|layer| &wares.kinds()[layer.kind]);
        let record = kinds.map(|kind| kind.record).max().unwrap_or(1);
        let handshake = match self.impatient {
            true => Duration::from_millis(1),
            false => FOR_EVER,
        };
        for side in 0..2 {
            let default = Limits::default();
            let tight = |rng: &mut Rng, tight, loose| match rng.below(4) {
                0 => loose,
                _ => 1 + rng.below(tight),
            };
            self.limits[side] = Limits {
                inbox: tight(rng, 40, default.inbox),
                boundary: record.max(tight(rng, 40, default.boundary)),
                outbox_high: tight(rng, 100, default.outbox_high),
                outbox_low: rng.below(20),
                work: 1 + rng.below(5) as u32,
                handshake,
                pop: Duration::from_micros(500),
                ..default
            };
            self.pipes[side] = match rng.below(4) {
                0 => 1 + rng.below(8),
                1 => WAY,
                _ => 1 + rng.below(300),
            };
        }
    }
}
