//! The stack, drawn.

use std::fmt;
use std::time::Duration;

use crate::Stack;

/// The stack in a line: `app <=> zstd <=> tls <=> network`. With `{:#}` a table, a node a line, the
/// topmost first:
///
/// ```text
/// layer    state       age  held  from below   to above  from above   to below
/// app                          0   3,101,660                         3,108,050
/// zstd     standing  1.87s     0     139,121  3,101,660   3,108,050    139,392
/// tls      standing  0.50s     0      34,425     31,470      31,741     34,722
/// network            1.87s     0                150,819     151,120
/// ```
///
/// The right half counts bytes: what each node took in and handed on, each way, since it was attached
/// (here TLS has been replaced), as [`LayerView::traffic`](crate::LayerView::traffic) and
/// [`Stack::traffic`] say. `held` are the bytes in a layer and those that wait below it; for the
/// application, those that wait unread; for the network, those that wait to be sent. Its age is the
/// connection's. The columns are as wide as they have to be, and two spaces apart.
impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return table(f, &self.rows());
        }
        for slot in self.slots.iter().rev() {
            write!(f, "{} <=> ", slot.node.name())?;
        }
        f.write_str("network")
    }
}

const HEADS: [&str; 8] = [
    "layer",
    "state",
    "age",
    "held",
    "from below",
    "to above",
    "from above",
    "to below",
];

/// The columns before this one hold words, which begin at its left; the others, numbers.
const NUMBERS: usize = 2;

type Row = [String; HEADS.len()];

impl Stack {
    fn rows(&self) -> Vec<Row> {
        let (all, none) = (self.traffic(), String::new);
        let mut rows = vec![HEADS.map(str::to_owned)];
        rows.push([
            "app".to_owned(),
            none(),
            none(),
            grouped(self.slots[self.top()].held.len() as u64),
            grouped(all.inbound.made),
            none(),
            none(),
            grouped(all.outbound.taken),
        ]);
        rows.extend(self.layers().rev().map(|layer| {
            let traffic = layer.traffic();
            [
                layer.name().to_owned(),
                layer.state().to_string(),
                age(layer.age()),
                grouped(layer.held() as u64),
                grouped(traffic.inbound.taken),
                grouped(traffic.inbound.made),
                grouped(traffic.outbound.taken),
                grouped(traffic.outbound.made),
            ]
        }));
        rows.push([
            "network".to_owned(),
            none(),
            age(self.core.now),
            grouped(self.core.outbox.len() as u64),
            none(),
            grouped(all.inbound.taken),
            grouped(all.outbound.made),
            none(),
        ]);
        rows
    }
}

/// Each column as wide as it has to be.
fn table(f: &mut fmt::Formatter<'_>, rows: &[Row]) -> fmt::Result {
    let widest = |column: usize| {
        rows.iter()
            .map(move |row| row[column].chars().count())
            .max()
    };
    let widths: Vec<_> = (0..HEADS.len()).map(|it| widest(it).unwrap_or(0)).collect();
    for (at, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (column, (text, width)) in row.iter().zip(&widths).enumerate() {
            line += &match column {
                0 => format!("{text:<width$}"),
                _ if column < NUMBERS => format!("  {text:<width$}"),
                _ => format!("  {text:>width$}"),
            };
        }
        let end = if at == 0 { "" } else { "\n" };
        write!(f, "{end}{}", line.trim_end())?;
    }
    Ok(())
}

/// A number with its digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time in its two largest units; under a minute, in seconds.
fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{:.2}s", age.as_secs_f64()),
        (0, 0, _) => format!("{minutes}m{:02}s", seconds % 60),
        (0, ..) => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_grouped_whatever_its_length() {
        let drawn = [0, 999, 1000, 1_234_567, u64::MAX].map(grouped);
        let wanted = [
            "0",
            "999",
            "1,000",
            "1,234,567",
            "18,446,744,073,709,551,615",
        ];
        assert_eq!(drawn, wanted);
    }

    #[test]
    fn an_age_is_told_in_its_two_largest_units() {
        let drawn = [0, 59, 60, 3_599, 3_600, 86_399, 90_000, 8_640_000];
        let drawn = drawn.map(|seconds| age(Duration::from_secs(seconds)));
        let wanted = [
            "0.00s", "59.00s", "1m00s", "59m59s", "1h00m", "23h59m", "1d01h", "100d00h",
        ];
        assert_eq!(drawn, wanted);
    }
}
