//! One simulation: a plan and a script.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::plan::Plan;
use super::step::{Step, draw_script};
use super::violation::{Violation, violation};
use super::world::World;
use super::{Report, Rng, Wares};

/// All that a simulation is made of.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) plan: Plan,
    pub(super) script: Vec<Step>,
    /// It is done twice, with the input cut otherwise, and must come to the same.
    pub(super) twice: bool,
}

impl Case {
    pub(super) fn draw(wares: &dyn Wares, seed: u64) -> Self {
        let rng = &mut Rng::new(seed);
        let plan = Plan::draw(wares, rng);
        let script = draw_script(rng);
        let broken = script.iter().any(|step| matches!(step, Step::Break(..)));
        let twice = rng.once_in(8) && !broken && !plan.impatient;
        Self {
            plan,
            script,
            twice,
        }
    }

    /// Plays it. A panic of the stack, or of a layer, is a violation as well.
    pub(super) fn play(&self, wares: &dyn Wares) -> Result<Report, Violation> {
        let played = AssertUnwindSafe(|| self.play_unguarded(wares));
        catch_unwind(played).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            violation(format!("a panic: {}", text.unwrap_or("of no text")))
        })
    }

    fn play_unguarded(&self, wares: &dyn Wares) -> Result<Report, Violation> {
        let (report, outcome) = self.play_once(wares, false)?;
        if self.twice {
            let (_, dripped) = self.play_once(wares, true)?;
            if outcome != dripped {
                return violation(format!(
                    "cut otherwise, it comes to {dripped:?}, not {outcome:?}"
                ));
            }
        }
        Ok(report)
    }

    fn play_once(&self, wares: &dyn Wares, drip: bool) -> Result<(Report, Vec<String>), Violation> {
        let mut world = World::new(wares, &self.plan, drip);
        for step in &self.script {
            world.step(*step)?;
        }
        world.drain()?;
        let report = Report {
            steps: self.script.len() as u64,
            changes: world.changes,
            bytes: world.moved,
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
