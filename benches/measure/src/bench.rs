//! What the caller of a bench asks for.

use std::process::ExitCode;
use std::time::Duration;

use crate::{Row, Variant, compare};

/// How many rounds tell a gain of a few hundredths from noise.
const ROUNDS: usize = 21;

/// The tables that are asked for, and how often each is to be measured.
#[derive(Debug)]
pub struct Bench {
    /// What is to be in a table's title.
    part: Option<String>,
    rounds: usize,
    tables: usize,
}

/// Runs a bench. The first argument, as in `cargo bench --bench tls -- "64 KiB"`, keeps the tables
/// whose title has it; the variable `ROUNDS` says how many rounds, for a quick look.
pub fn bench(work: impl FnOnce(&mut Bench)) -> ExitCode {
    let rounds = match std::env::var("ROUNDS").map(|rounds| rounds.parse()) {
        Err(_) => ROUNDS,
        Ok(Ok(rounds)) if rounds > 0 => rounds,
        Ok(_) => {
            eprintln!("ROUNDS has to be a number above 0");
            return ExitCode::from(2);
        }
    };
    // `cargo bench` passes `--bench`.
    let part = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    let mut bench = Bench {
        part,
        rounds,
        tables: 0,
    };
    work(&mut bench);
    if bench.tables == 0 {
        eprintln!("no table has that in its title");
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}

impl Bench {
    /// As [`compare`], if the table is asked for.
    pub fn compare(
        &mut self,
        title: &str,
        variants: Vec<Variant<'_>>,
        unit: impl Fn(Duration) -> String,
    ) -> Option<Vec<Row>> {
        let rounds = self.wants(title)?;
        Some(compare(title, rounds, variants, unit))
    }

    /// In how many rounds it is to be measured, if this table is asked for.
    pub fn wants(&mut self, title: &str) -> Option<usize> {
        if self
            .part
            .as_deref()
            .is_some_and(|part| !title.contains(part))
        {
            return None;
        }
        self.tables += 1;
        Some(self.rounds)
    }
}
