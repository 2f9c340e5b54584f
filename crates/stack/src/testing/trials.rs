//! Small simulations made by hand: each shows one thing, the smallest first.

use std::time::Duration;

use super::case::Case;
use super::nature::Nature;
use super::op::{Answer, Op};
use super::plan::Plan;
use super::step::{Break, Into, Step};
use super::{Rule, Side, Wares};
use crate::{Exit, Limits, Residue};
use Side::{A, B};

/// As many bytes as there are.
const ALL: u32 = u32::MAX;

/// So many places of an input are cut, at the most.
const PLACES: u64 = 600;

/// Simulations that show one thing.
pub(super) struct Trial {
    pub(super) title: &'static str,
    /// The rule that is broken where no other is seen to be, and the trials before have passed.
    pub(super) shows: Rule,
    pub(super) cases: Vec<Case>,
}

/// Makes the trials of a pair of layers, which is the first of these wares.
pub(super) struct Trials<'a> {
    pub(super) wares: &'a dyn Wares,
    pub(super) nature: Nature,
}

impl Trial {
    /// The rule that a fault seen here breaks.
    pub(super) fn names(&self, seen: Rule) -> Rule {
        let general = match self.shows {
            // Where two just write and read, what is seen is all that there is.
            Rule::Bytes => false,
            Rule::Remainder => seen.is_general() && seen != Rule::EndMark,
            _ => seen.is_general(),
        };
        if general { self.shows } else { seen }
    }
}

impl<'a> Trials<'a> {
    /// All there are, in this order: what a trial builds on has been shown before.
    pub(super) fn each(&self) -> impl Iterator<Item = Trial> {
        type Make<'a> = fn(&Trials<'a>) -> Vec<Case>;
        let trials: [(&str, Rule, Make<'a>); 13] = [
            ("both write and read", Rule::Bytes, Self::talk),
            ("one half ends early", Rule::HalfClose, Self::half_close),
            ("input cut at every byte", Rule::Cuts, Self::cuts),
            ("pushed at every byte", Rule::Push, Self::pushes),
            ("popped at every byte", Rule::Remainder, Self::pops),
            ("ends without a flush", Rule::Finish, Self::finish),
            ("popped, and pushed again", Rule::Again, Self::again),
            ("narrow ways, and pauses", Rule::Pressure, Self::pressure),
            ("much written, and no flush", Rule::Bounds, Self::staging),
            (
                "much to read, and nobody does",
                Rule::Wanted,
                Self::swelling,
            ),
            (
                "input that ends at every byte",
                Rule::Truncation,
                Self::truncation,
            ),
            ("time passes", Rule::Time, Self::time),
            ("a peer that is silent", Rule::Up, Self::silence),
        ];
        trials.into_iter().map(|(title, shows, make)| Trial {
            title,
            shows,
            cases: make(self),
        })
    }

    fn talk(&self) -> Vec<Case> {
        let lens = [
            (0, 0),
            (1, 0),
            (0, 1),
            (2, 0),
            (3, 2),
            (8, 0),
            (40, 9),
            (300, 200),
            (5_000, 3_000),
            (14_000, 9_000),
        ];
        let mut cases = Vec::new();
        for run in [1, 100] {
            for (a, b) in lens {
                let mut plan = self.pushed([a, b]);
                (plan.run, plan.chunk) = (run, 16 * 1024);
                // Room there is, for all.
                plan.limits.iter_mut().for_each(|limits| limits.work = 1000);
                let mut case = Case::of(plan, Vec::new());
                case.lingers = true;
                cases.push(case.clone());
                // And once more behind the handshake.
                case.script = self.opening();
                cases.push(case);
            }
        }
        // Written in pieces, of which some are lent and some are not.
        for pieces in [1, 2, 3, 5, 7] {
            let write = |side| [Step::Write(side, pieces), Step::Write(side, 0)].repeat(4);
            let mut case = Case::of(self.pushed([20, 20]), self.opening());
            case.script.extend(write(A).into_iter().chain(write(B)));
            case.lingers = true;
            cases.push(case);
        }
        cases
    }

    /// What a layer stages leaves before its end mark, without a flush.
    fn finish(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for n in [1, 2, 3, 40, 300, 5_000] {
            let mut plan = self.pushed([n, 0]);
            plan.chunk = n;
            let mut script = self.opening();
            script.extend([Step::Write(A, ALL), Step::Shutdown(A)]);
            cases.push(Case::of(plan, script));
        }
        if self.nature.exit == Exit::Marked {
            for n in [1, 2, 3, 40, 300] {
                let mut script = self.opening();
                script.extend([Step::Write(A, ALL), Step::Change(A)]);
                cases.push(Case::of(self.popped([n, 0], [0, 0]), script));
            }
        }
        cases
    }

    fn cuts(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for lens in [[1, 0], [3, 2], [40, 7]] {
            let case = Case::of(self.pushed(lens), Vec::new());
            cases.extend(self.at_each_place(&case, |case, place| case.cut = Some(place)));
        }
        for lens in [[1, 0], [3, 2], [40, 7], [700, 0], [3_000, 2_000]] {
            let mut dripped = Case::of(self.pushed(lens), Vec::new());
            dripped.twice = true;
            cases.push(dripped);
        }
        cases
    }

    fn pushes(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for before in 0..=3 {
            for after in 0..=3 {
                for (a, b) in [(after, 0), (0, after), (after, 2)] {
                    let mut plan = self.pushed([a, b]);
                    (plan.lens[0][0], plan.lens[1][0]) = (before, before + plan.lens[1][0]);
                    let case = Case::of(plan, Vec::new());
                    // What comes behind the push may be there before it.
                    let early = [Step::Write(A, ALL), Step::Change(A), Step::Write(A, ALL)];
                    let sent = [
                        Step::Flush(A),
                        Step::Send(A, ALL),
                        Step::Deliver(B, ALL, Into::Lent),
                    ];
                    let script = early.into_iter().chain(sent).collect();
                    cases.push(Case {
                        script,
                        ..case.clone()
                    });
                    cases.push(case);
                }
            }
        }
        cases
    }

    fn pops(&self) -> Vec<Case> {
        let silent = self.nature.exit == Exit::Silent;
        if silent && self.nature.chatty {
            return Vec::new();
        }
        let mut cases = Vec::new();
        for before in 0..=3 {
            for after in [0, 1, 3, 40] {
                let case = Case::of(self.popped([before, 1], [after, after]), Vec::new());
                cases.push(case.clone());
                if before <= 1 && after == 1 {
                    cases.extend(self.at_each_place(&case, |case, place| case.cut = Some(place)));
                }
                if silent {
                    continue;
                }
                // One end goes on writing before the other has popped; one has ended its half.
                let mut script = self.opening();
                let write = [Step::Write(A, ALL), Step::Flush(A)];
                script.extend(
                    write
                        .into_iter()
                        .chain([Step::Change(A), Step::Write(A, ALL)]),
                );
                cases.push(Case {
                    script,
                    ..case.clone()
                });
                let mut plan = self.popped([before, after], [0, after]);
                plan.half_close = Some((A, 1));
                plan.settle();
                cases.push(Case::of(plan, Vec::new()));
            }
        }
        cases
    }

    fn again(&self) -> Vec<Case> {
        if self.nature.exit == Exit::Silent && self.nature.chatty {
            return Vec::new();
        }
        let again = |n, fresh| {
            let mut plan = self.popped([n, n], [n, n]);
            let layer = self.add(&mut plan);
            plan.layers[layer].again = Some(0);
            plan.layers[layer].fresh = fresh;
            plan.layers[layer].name = plan.layers[0].name.clone();
            plan.ops.extend([self.push(layer), self.pop(layer)]);
            plan.lens.iter_mut().for_each(|lens| lens.extend([n, n]));
            plan.settle();
            Case::of(plan, Vec::new())
        };
        let mut cases = Vec::new();
        for n in [0, 1, 3, 40] {
            // Two that go on where they left would agree; one that meets a new one does not.
            cases.extend([None, Some(A), Some(B)].map(|fresh| again(n, fresh)));
        }
        cases
    }

    fn half_close(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for (closes, goes_on) in [(A, B), (B, A)] {
            for n in [0, 1, 3] {
                let mut lens = [20; 2];
                lens[closes.index()] = n;
                let mut script = self.opening();
                let arrives = Into::Lent;
                script.extend([
                    Step::Write(closes, ALL),
                    Step::Flush(closes),
                    Step::Shutdown(closes),
                    Step::Send(closes, ALL),
                    Step::Send(closes, ALL),
                    Step::Deliver(goes_on, ALL, arrives),
                    Step::Deliver(goes_on, ALL, arrives),
                    Step::Read(goes_on, ALL),
                    Step::Write(goes_on, 7),
                    Step::Flush(goes_on),
                    Step::Send(goes_on, ALL),
                    Step::Deliver(closes, ALL, arrives),
                    Step::Read(closes, ALL),
                ]);
                cases.push(Case::of(self.pushed(lens), script));
            }
        }
        cases
    }

    fn pressure(&self) -> Vec<Case> {
        let mut much = self.pushed([80_000, 70_000]);
        much.chunk = 70_000;
        let mut cases = vec![Case::of(much, Vec::new())];
        for (lens, run) in [
            ([5, 3], 1),
            ([40, 25], 1),
            ([900, 700], 1),
            ([20_000, 900], 100),
        ] {
            for way in [1, 2, 7, 300] {
                for inbox in [1, 30, 64 * 1024] {
                    if lens[0] / way > 3_000 {
                        continue; // It takes long, and shows no more.
                    }
                    let mut plan = self.pushed(lens);
                    (plan.run, plan.pipes) = (run, [way; 2]);
                    for limits in &mut plan.limits {
                        limits.inbox = inbox;
                        limits.boundary = self.wares.kinds()[0].record;
                        (limits.outbox_high, limits.outbox_low, limits.work) = (inbox, 0, 1);
                    }
                    let mut script = self.opening();
                    script.extend([Step::Rest(B, 40), Step::Write(A, ALL), Step::Block(A, 10)]);
                    script.extend(self.round(16));
                    cases.push(Case::of(plan, script));
                }
            }
        }
        cases
    }

    fn staging(&self) -> Vec<Case> {
        let mut plan = self.pushed([512 * 1024, 0]);
        plan.chunk = 4 * 1024;
        let mut script = self.opening();
        let write = [Step::Write(A, ALL); 128];
        script.extend(write);
        // And while the peer is not there yet.
        let alone = [Step::Change(A)].into_iter().chain(write).collect();
        vec![Case::of(plan.clone(), script), Case::of(plan, alone)]
    }

    fn swelling(&self) -> Vec<Case> {
        let mut plan = self.pushed([512 * 1024, 0]);
        (plan.chunk, plan.run, plan.pipes) = (64 * 1024, 1 << 30, [1024 * 1024; 2]);
        plan.limits[1].inbox = 1024;
        let mut script = self.opening();
        script.push(Step::Rest(B, ALL));
        let write = [Step::Write(A, ALL), Step::Flush(A), Step::Send(A, ALL)];
        script.extend(write.into_iter().cycle().take(3 * 8));
        script.extend([Step::Deliver(B, ALL, Into::Own); 40]);
        vec![Case::of(plan, script)]
    }

    fn truncation(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for n in [0, 3] {
            let case = Case::of(self.pushed([n, 0]), Vec::new());
            cases.extend(self.at_each_place(&case, |case, place| case.stop = Some(place - 1)));
        }
        for how in [Break::Quietly, Break::Loudly, Break::Reset] {
            for rounds in 0..4 {
                let mut case = Case::of(self.pushed([9, 9]), self.round(rounds));
                case.script.push(Step::Break(B, how));
                cases.push(case);
            }
        }
        cases
    }

    /// In a handshake, with something staged, and where one half has ended.
    fn time(&self) -> Vec<Case> {
        let wait = |times| vec![Step::Wait; times];
        let talk = |n| [Step::Write(A, n), Step::Write(B, n)];
        let mut greeting = vec![Step::Change(A)];
        greeting.extend(wait(2));
        greeting.push(Step::Change(B));
        for _ in 0..4 {
            greeting.extend(wait(1));
            greeting.extend(self.round(1));
        }
        let mut idle = self.opening();
        for _ in 0..3 {
            idle.extend(wait(2));
            idle.extend(self.round(1));
            idle.extend(talk(3));
        }
        idle.extend(wait(3));
        let mut ended = self.opening();
        ended.extend([Step::Shutdown(A), Step::Flush(A), Step::Send(A, ALL)]);
        for _ in 0..2 {
            ended.extend(wait(2));
            ended.extend(self.round(1));
            ended.push(Step::Write(B, 3));
        }
        vec![
            Case::of(self.pushed([9, 9]), greeting),
            Case::of(self.pushed([12, 12]), idle),
            Case::of(self.pushed([0, 9]), ended),
        ]
    }

    fn silence(&self) -> Vec<Case> {
        if !self.nature.greets {
            return Vec::new();
        }
        let mut plan = self.pushed([0, 0]);
        plan.impatient = true;
        for limits in &mut plan.limits {
            limits.handshake = Duration::from_millis(1);
        }
        let script = vec![Step::Change(B), Step::Change(A), Step::Advance(1_001)];
        vec![Case::of(plan, script)]
    }

    // ---- plans and scripts ----

    /// A plan in which the layers are pushed, and so much is written behind that.
    fn pushed(&self, lens: [usize; 2]) -> Plan {
        let mut plan = Plan::empty();
        let layer = self.add(&mut plan);
        plan.ops.push(self.push(layer));
        for (side, len) in lens.into_iter().enumerate() {
            plan.lens[side].push(len);
        }
        plan.settle();
        plan
    }

    /// A plan in which the layers are pushed and popped; so much is written in between, and after.
    fn popped(&self, between: [usize; 2], after: [usize; 2]) -> Plan {
        let mut plan = self.pushed(between);
        plan.ops.push(self.pop(0));
        for (side, len) in after.into_iter().enumerate() {
            plan.lens[side].push(len);
        }
        plan.settle();
        plan
    }

    fn add(&self, plan: &mut Plan) -> usize {
        plan.add_layer(self.wares, 0, A, 0, self.nature.residue)
    }

    fn push(&self, layer: usize) -> Op {
        let answer = Answer { by: B, len: 1 };
        match self.nature.residue {
            Residue::Feed => Op::Push { layer },
            _ => Op::PushAfter { layer, answer },
        }
    }

    fn pop(&self, layer: usize) -> Op {
        let answer = Answer { by: B, len: 1 };
        match self.nature.exit {
            Exit::Silent => Op::PopInSilence { layer, answer },
            Exit::Marked | Exit::Anytime => Op::Pop { layer },
        }
    }

    /// Both push, and have time for a handshake.
    fn opening(&self) -> Vec<Step> {
        let mut script = vec![
            Step::Write(A, ALL),
            Step::Write(B, ALL),
            Step::Change(B),
            Step::Change(A),
        ];
        if self.nature.residue == Residue::Feed {
            // Nothing is written before the push.
            script.drain(..2);
        } else {
            script.extend(self.round(1));
        }
        script.extend(self.round(if self.nature.greets { 8 } else { 0 }));
        script
    }

    /// All that is ready goes over, and is read, so many times.
    fn round(&self, times: usize) -> Vec<Step> {
        let way = |from: Side, to: Side| {
            [
                Step::Flush(from),
                Step::Send(from, ALL),
                Step::Deliver(to, ALL, Into::Own),
                Step::Read(to, ALL),
                Step::Change(to),
            ]
        };
        let round = [way(B, A), way(A, B)].concat();
        round
            .iter()
            .copied()
            .cycle()
            .take(times * round.len())
            .collect()
    }

    /// The case, once for each byte that comes to B, as `edit` makes it.
    fn at_each_place(&self, case: &Case, edit: impl Fn(&mut Case, u64)) -> Vec<Case> {
        // One that fails is found to do so by itself.
        let fed = case.play(self.wares).map_or(0, |report| report.fed);
        let step = (fed / PLACES).max(1) as usize;
        let places = (1..=fed).step_by(step).map(|place| {
            let mut case = case.clone();
            edit(&mut case, place);
            case
        });
        std::iter::once(case.clone()).chain(places).collect()
    }
}

/// Room for a record that comes whole.
pub(super) fn record() -> usize {
    Limits::default().boundary
}
