//! An axis whose ticks stand where something was measured.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// An axis whose ticks stand where something was measured, and nowhere else.
pub(crate) struct Axis {
    ticks: Vec<f64>,
    label: fn(f64) -> String,
    range: Range<f64>,
}

impl Axis {
    pub(crate) fn new(ticks: Vec<f64>, label: fn(f64) -> String) -> Self {
        let first = ticks.iter().copied().fold(f64::INFINITY, f64::min);
        let last = ticks.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // A single point stands in the middle.
        let margin = ((last - first) * 0.04).max(0.2);
        Self {
            ticks,
            label,
            range: first - margin..last + margin,
        }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (left, right): (i32, i32)) -> i32 {
        let part = (value - self.range.start) / (self.range.end - self.range.start);
        left + (f64::from(right - left) * part).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, at: &f64) -> String {
        (self.label)(*at)
    }
}
