//! The figures, and how they are shown.

use std::time::Duration;

/// What was measured of one variant.
#[derive(Clone, Debug)]
pub struct Row {
    /// The variant's.
    pub name: String,
    /// The time of a run.
    pub median: Duration,
    /// The first variant's time by this one's, pair by pair: above 1 this one is faster.
    pub wall: Quartiles,
    /// The same of the processor's time.
    pub cpu: Quartiles,
}

/// A distribution in three figures.
#[derive(Clone, Copy, Debug)]
pub struct Quartiles {
    /// A quarter lies below.
    pub lower: f64,
    /// A half lies below.
    pub median: f64,
    /// Three quarters lie below.
    pub upper: f64,
}

impl Quartiles {
    /// Of these.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let [lower, median, upper] = [1, 2, 3].map(|q| values[(values.len() - 1) * q / 4]);
        Self {
            lower,
            median,
            upper,
        }
    }

    /// The median, as a ratio; and the other two.
    pub fn text(self) -> [String; 2] {
        let Self {
            lower,
            median,
            upper,
        } = self;
        [format!("{median:.3}x"), format!("{lower:.3} .. {upper:.3}")]
    }
}

/// Prints the rows as a table of Markdown that can be read in a terminal, too.
pub fn print(title: &str, rounds: usize, rows: &[Row], unit: impl Fn(Duration) -> String) {
    let turns = if rounds == 1 { "round" } else { "rounds" };
    println!("\n### {title}\n\n{rounds} {turns} in turn.\n");
    print!("{}", markdown(rows, unit));
}

fn markdown(rows: &[Row], unit: impl Fn(Duration) -> String) -> String {
    let head = ["", "median", "ratio", "quartiles", "cpu", "quartiles"].map(str::to_owned);
    let mut lines = vec![head];
    lines.extend(rows.iter().map(|row| {
        let ([wall, walls], [cpu, cpus]) = (row.wall.text(), row.cpu.text());
        [row.name.clone(), unit(row.median), wall, walls, cpu, cpus]
    }));
    aligned(&lines)
}

/// Lines of cells, of which the first is the head, as a table: the first column to the left, for
/// names, the others to the right, for figures.
pub fn aligned<const N: usize>(lines: &[[String; N]]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths = std::array::from_fn(|column| width(column).unwrap_or(0).max(3));
    let mut text = String::new();
    for (i, line) in lines.iter().enumerate() {
        push(&mut text, line, widths);
        if i == 0 {
            let rules = std::array::from_fn(|column| {
                let dashes = "-".repeat(widths[column] - 1);
                dashes + if column == 0 { "-" } else { ":" }
            });
            push(&mut text, &rules, widths);
        }
    }
    text
}

fn push<const N: usize>(text: &mut String, cells: &[String; N], widths: [usize; N]) {
    for (i, (cell, width)) in cells.iter().zip(widths).enumerate() {
        *text += &match i {
            0 => format!("| {cell:<width$} |"),
            _ => format!(" {cell:>width$} |"),
        };
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_stand_below_each_other() {
        let row = |name: &str, ratio| Row {
            name: name.to_owned(),
            median: Duration::from_millis(12),
            wall: Quartiles::of(vec![ratio; 4]),
            cpu: Quartiles::of(vec![1.0, 2.0, 3.0, 4.0, 5.0]),
        };
        let rows = [row("a", 1.0), row("a longer one", 12.5)];
        let expected = "\
|              | median |   ratio |        quartiles |    cpu |      quartiles |
| ------------ | -----: | ------: | ---------------: | -----: | -------------: |
| a            |  12 ms |  1.000x |   1.000 .. 1.000 | 3.000x | 2.000 .. 4.000 |
| a longer one |  12 ms | 12.500x | 12.500 .. 12.500 | 3.000x | 2.000 .. 4.000 |
";
        let unit = |time: Duration| format!("{} ms", time.as_millis());
        assert_eq!(markdown(&rows, unit), expected);
    }
}
