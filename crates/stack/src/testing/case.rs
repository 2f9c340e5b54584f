//! One simulation: a plan and a script.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::plan::Plan;
use super::step::{Step, draw_script};
use super::violation::{Violation, broken};
use super::world::World;
use super::{Report, Rng, Rule, Wares};

/// All that a simulation is made of.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) plan: Plan,
    pub(super) script: Vec<Step>,
    /// It is done twice, with the input cut otherwise, and must come to the same.
    pub(super) twice: bool,
    /// No input goes over this place in one piece, counted in bytes from the beginning.
    pub(super) cut: Option<u64>,
    /// The way to B ends after so many bytes.
    pub(super) stop: Option<u64>,
    /// Nobody ends anything before both have read all.
    pub(super) lingers: bool,
}

impl Case {
    pub(super) fn draw(wares: &dyn Wares, seed: u64) -> Self {
        let rng = &mut Rng::new(seed);
        let plan = Plan::draw(wares, rng);
        let script = draw_script(rng);
        let broken = script.iter().any(|step| matches!(step, Step::Break(..)));
        let twice = rng.once_in(8) && !broken && !plan.impatient;
        Self {
            twice,
            ..Self::of(plan, script)
        }
    }

    pub(super) fn of(plan: Plan, script: Vec<Step>) -> Self {
        Self {
            plan,
            script,
            twice: false,
            cut: None,
            stop: None,
            lingers: false,
        }
    }

    /// Plays it. A panic of the stack, or of a layer, is a violation as well.
    pub(super) fn play(&self, wares: &dyn Wares) -> Result<Report, Violation> {
        let played = AssertUnwindSafe(|| self.play_unguarded(wares));
        catch_unwind(played).unwrap_or_else(|panic| broken(Rule::Panic, panic_text(&*panic)))
    }

    fn play_unguarded(&self, wares: &dyn Wares) -> Result<Report, Violation> {
        let (report, outcome) = self.play_once(wares, false)?;
        if self.twice {
            let (_, dripped) = self.play_once(wares, true)?;
            if outcome != dripped {
                return broken(
                    Rule::Cuts,
                    format!("cut otherwise, it comes to {dripped:?}, not {outcome:?}"),
                );
            }
        }
        Ok(report)
    }

    fn play_once(&self, wares: &dyn Wares, drip: bool) -> Result<(Report, Vec<String>), Violation> {
        let mut world = World::new(wares, self, drip);
        let mut steps = self.script.iter();
        let played = steps.try_for_each(|step| world.step(*step).map(|_| ()));
        let played = played.and_then(|()| world.drain());
        // What a layer was seen to do says more than what came of it.
        played.map_err(|fault| world.fault().unwrap_or(fault))?;
        let report = Report {
            steps: self.script.len() as u64,
            changes: world.changes,
            bytes: world.moved,
            fed: world.peers[1].fed,
            trace: world.trace,
        };
        let outcome = if self.twice {
            world.outcome()
        } else {
            Vec::new()
        };
        Ok((report, outcome))
    }
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("a panic: {}", text.unwrap_or("of no text"))
}
