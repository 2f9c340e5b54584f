//! What the user sees.

use std::fmt;
use std::io::{IsTerminal, Write, stderr, stdout};

use indicatif::{ProgressBar, ProgressStyle};
use stack::Stack;

use crate::failure::Failure;
use crate::step::{Carried, STEPS};

/// What the user sees: a block for each step, and while a step lasts a bar, on a terminal.
#[derive(Clone, Copy)]
pub(crate) struct Board {
    loud: bool,
}

impl Board {
    pub(crate) fn loud() -> Self {
        Self { loud: true }
    }

    pub(crate) fn quiet() -> Self {
        Self { loud: false }
    }

    pub(crate) fn line(self, line: impl fmt::Display) -> Result<(), Failure> {
        if self.loud {
            // Not `println`, which panics if nobody reads.
            writeln!(stdout(), "{line}")
                .map_err(|error| Failure::new(format_args!("cannot print: {error}")))?;
        }
        Ok(())
    }

    /// The stack as it stands in this step.
    pub(crate) fn step(self, step: usize, stack: &Stack) -> Result<(), Failure> {
        let (title, stack) = (STEPS[step - 1].title, stack.to_string());
        self.line(format_args!("\n{step}  {title:<28}{stack}"))
    }

    /// What the file was to the application, and what it was on the wire.
    pub(crate) fn carried(self, carried: &Carried) -> Result<(), Failure> {
        let Carried { app, wire, time } = carried;
        let speed = *app as f64 / time.as_secs_f64().max(1e-9) / 1e6;
        let (ratio, speed) = match app {
            0 => ("-".to_owned(), "-".to_owned()),
            _ if speed < 10.0 => (ratio(*wire, *app), format!("{speed:.2}")),
            _ => (ratio(*wire, *app), format!("{speed:.0}")),
        };
        self.line(format_args!(
            "   app {:>15}   wire {:>15}   ratio {ratio:>7}   {speed:>5} MB/s   sha256 equal",
            grouped(*app),
            grouped(*wire),
        ))
    }

    /// A bar for `len` bytes; hidden unless a user looks on.
    pub(crate) fn bar(self, len: u64) -> ProgressBar {
        if !self.loud || !stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let template = "   [{bar:40}] {bytes} of {total_bytes}";
        let style = ProgressStyle::with_template(template).map(|it| it.progress_chars("=> "));
        let bar = ProgressBar::new(len);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar
    }
}

fn ratio(wire: u64, app: u64) -> String {
    format!("{:.4}", wire as f64 / app as f64)
}

/// A number with its digits in groups of three.
pub(crate) fn grouped(number: u64) -> String {
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
