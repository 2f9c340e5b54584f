//! Makes a failing case smaller, as long as it fails.

use super::Wares;
use super::case::Case;
use super::plan::WAY;
use super::violation::Violation;
use crate::Limits;

/// So many cases are tried at the most.
const TRIES: usize = 3000;

/// Makes `case`, which fails with `violation`, smaller; always in the same way.
pub(super) fn shrink(wares: &dyn Wares, case: Case, violation: Violation) -> (Case, Violation) {
    let mut shrinking = Shrinking {
        wares,
        case,
        violation,
        tries: 0,
    };
    loop {
        let before = shrinking.size();
        shrinking.drop_steps();
        shrinking.drop_ops();
        shrinking.shorten();
        shrinking.calm();
        if shrinking.size() == before || shrinking.is_spent() {
            return (shrinking.case, shrinking.violation);
        }
    }
}

struct Shrinking<'a> {
    wares: &'a dyn Wares,
    case: Case,
    violation: Violation,
    tries: usize,
}

impl Shrinking<'_> {
    /// Takes the case in place of the present one if it fails, too.
    fn attempt(&mut self, case: Case) -> bool {
        if self.is_spent() {
            return false;
        }
        self.tries += 1;
        match case.play(self.wares) {
            Ok(_) => false,
            // Another fault is another story.
            Err(violation) if violation.rule != self.violation.rule => false,
            Err(violation) => {
                (self.case, self.violation) = (case, violation);
                true
            }
        }
    }

    fn is_spent(&self) -> bool {
        self.tries >= TRIES
    }

    fn size(&self) -> usize {
        let lens = self.case.plan.lens.iter().flatten();
        self.case.script.len() + self.case.plan.ops.len() + lens.sum::<usize>()
    }

    /// Leaves out steps: first the second half, then ever smaller pieces.
    fn drop_steps(&mut self) {
        let mut piece = self.case.script.len();
        while piece > 0 {
            let mut from = self.case.script.len();
            while from > 0 {
                let to = from.min(self.case.script.len());
                from = to.saturating_sub(piece);
                let mut case = self.case.clone();
                case.script.drain(from..to);
                self.attempt(case);
            }
            piece /= 2;
        }
    }

    /// Leaves out changes, the last first, and what breaks.
    fn drop_ops(&mut self) {
        let mut op = self.case.plan.ops.len();
        while op > 0 {
            op = (op - 1).min(self.case.plan.ops.len().saturating_sub(1));
            if op < self.case.plan.ops.len() {
                let plan = self.case.plan.without(op);
                let case = self.case.clone();
                self.attempt(Case { plan, ..case });
            }
        }
    }

    /// Makes segments shorter.
    fn shorten(&mut self) {
        for side in 0..2 {
            for segment in 0..self.case.plan.lens[side].len() {
                for keep in [0, 1, 1, 1] {
                    let mut case = self.case.clone();
                    let len = &mut case.plan.lens[side][segment];
                    if *len == 0 {
                        continue;
                    }
                    *len = *len / 2 * keep;
                    case.plan.settle();
                    self.attempt(case);
                }
            }
        }
    }

    /// Takes away what is out of the ordinary.
    fn calm(&mut self) {
        let edits: [fn(&mut Case); 10] = [
            |case| case.twice = false,
            |case| case.cut = None,
            |case| case.lingers = false,
            |case| case.plan.half_close = None,
            |case| case.plan.run = 1,
            |case| case.plan.pipes = [WAY; 2],
            |case| {
                case.plan
                    .each_limit(|limits, ample| limits.inbox = ample.inbox)
            },
            |case| {
                case.plan
                    .each_limit(|limits, ample| limits.boundary = ample.boundary)
            },
            |case| {
                case.plan.each_limit(|limits, ample| {
                    limits.outbox_high = ample.outbox_high;
                    limits.outbox_low = ample.outbox_low;
                });
            },
            |case| {
                case.plan
                    .each_limit(|limits, ample| limits.work = ample.work)
            },
        ];
        for edit in edits {
            let mut case = self.case.clone();
            edit(&mut case);
            self.attempt(case);
        }
    }
}

impl super::plan::Plan {
    fn each_limit(&mut self, edit: impl Fn(&mut Limits, &Limits)) {
        let ample = Limits::default();
        self.limits
            .iter_mut()
            .for_each(|limits| edit(limits, &ample));
    }
}
