//! Variants in turn.

use std::fmt;
use std::time::Duration;

use crate::table::{Row, print};
use crate::{Cost, Quartiles};

/// One of the things that are compared.
pub struct Variant<'a> {
    /// What its row is called.
    pub name: String,
    /// Runs it once.
    pub run: Box<dyn FnMut() -> Cost + 'a>,
}

impl fmt::Debug for Variant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variant")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What `run` measures, by that name.
pub fn variant<'a>(name: impl Into<String>, run: impl FnMut() -> Cost + 'a) -> Variant<'a> {
    Variant {
        name: name.into(),
        run: Box::new(run),
    }
}

/// Runs the variants in turn, prints a table, and returns its rows. The first variant is what the
/// others are compared with. `unit` turns a time into the figure that people want.
pub fn compare(
    title: &str,
    rounds: usize,
    variants: Vec<Variant<'_>>,
    unit: impl Fn(Duration) -> String,
) -> Vec<Row> {
    let rows = run(rounds, variants);
    print(title, rounds, &rows, unit);
    rows
}

/// Runs the variants in turn, the order turned each round.
///
/// # Panics
///
/// If there are no rounds: then nothing would be measured.
pub fn run(rounds: usize, mut variants: Vec<Variant<'_>>) -> Vec<Row> {
    let costs = in_turn(rounds, variants.len(), |i| (variants[i].run)());
    let rows = variants.into_iter().zip(&costs);
    rows.map(|(variant, these)| Row {
        name: variant.name,
        median: median(these),
        wall: ratios(&costs[0], these, |cost| cost.wall),
        cpu: ratios(&costs[0], these, |cost| cost.cpu),
    })
    .collect()
}

/// Runs `n` variants in turn, the order turned each round: what each of them gave, round by round.
///
/// # Panics
///
/// If there are no rounds: then nothing would be measured.
pub fn in_turn<T>(rounds: usize, n: usize, mut run: impl FnMut(usize) -> T) -> Vec<Vec<T>> {
    assert!(rounds > 0, "nothing is measured in no rounds");
    let mut all: Vec<Vec<T>> = (0..n).map(|_| Vec::new()).collect();
    for round in 0..=rounds {
        for i in 0..n {
            // Each second round backwards: what one leaves behind is not always the same one's to meet.
            let i = if round % 2 == 0 { i } else { n - 1 - i };
            let i = (i + round / 2) % n;
            let this = run(i);
            // The first round warms caches and pools.
            if round > 0 {
                all[i].push(this);
            }
        }
    }
    all
}

fn median(costs: &[Cost]) -> Duration {
    let mut walls: Vec<_> = costs.iter().map(|cost| cost.wall).collect();
    walls.sort();
    walls[walls.len() / 2]
}

/// The first one's time by this one's, round by round.
fn ratios(first: &[Cost], this: &[Cost], of: fn(&Cost) -> Duration) -> Quartiles {
    let pairs = first.iter().zip(this);
    Quartiles::of(
        pairs
            .map(|(first, this)| of(first).as_secs_f64() / of(this).as_secs_f64())
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_round_by_round() {
        // Each second round the machine is ten times slower, for both.
        let fake = |micros: u64| {
            let mut slow = false;
            move || {
                slow = !slow;
                let time = Duration::from_micros(if slow { 10 * micros } else { micros });
                Cost {
                    wall: time,
                    cpu: 2 * time,
                }
            }
        };
        let rows = run(5, vec![variant("a", fake(10)), variant("b", fake(5))]);
        let ratios = |row: &Row| [row.wall, row.cpu].map(|q| [q.lower, q.median, q.upper]);
        assert_eq!(ratios(&rows[0]), [[1.0; 3]; 2]);
        assert_eq!(ratios(&rows[1]), [[2.0; 3]; 2]);
        assert_eq!(rows[1].median, Duration::from_micros(5));
    }
}
