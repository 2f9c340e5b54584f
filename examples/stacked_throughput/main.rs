//! Measures any stack of layers: throughput, latency, the processor's time, allocations, bytes on the
//! wire and heap, beside what people would use instead, and by depth.
//!
//! ```text
//! cargo run --release --example stacked_throughput -- --stack tls,zstd:3,trace*4 --direction both
//! cargo run --release --example stacked_throughput -- --help
//! ```
//!
//! How it is measured stands in the package `measure`, `benches/measure`: variants in turn, ratios
//! pair by pair. Here, `spec.rs` and `kind.rs` are the grammar of a stack, `ours.rs` builds it,
//! `peer.rs` and `variant.rs` what it is compared with; `study.rs` is the heart.

mod account;
mod arguments;
mod axis;
mod configs;
#[path = "../counted/mod.rs"]
#[expect(dead_code, reason = "live_upgrade counts what it receives, too")]
mod counted;
mod depth;
mod figures;
mod grid;
mod idle;
mod kind;
mod load;
mod medium;
mod ours;
mod peer;
mod plan;
mod plot;
mod progress;
mod size;
mod spec;
mod study;
mod table;
mod variant;

use std::error::Error;
use std::io::{Write, stderr, stdout};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use stack::ErrorKind;

use crate::arguments::Arguments;
use crate::figures::{Figures, Settings};
use crate::kind::Kind;
use crate::study::Study;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Asking for help is no error.
            let failed = error.use_stderr();
            let _ = error.print();
            return ExitCode::from(if failed { 2 } else { 0 });
        }
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `eprintln`, which panics if nobody reads.
            let _ = writeln!(stderr(), "stacked_throughput: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let bar = progress::bar();
    progress::end_at_ctrl_c(bar.clone());
    let study = Study::new(arguments, &bar);
    let measured = study.run();
    bar.finish_and_clear();
    let (bulk, quiet) = measured.map_err(refused)?;
    let figures = Figures {
        stack: arguments.stack.to_string(),
        drawn: arguments.stack.drawn(),
        settings: settings(arguments),
        notes: notes(arguments),
        bulk,
        quiet,
    };
    let text = match arguments.json {
        true => serde_json::to_string_pretty(&figures)? + "\n",
        false => table::tables(&figures)?,
    };
    let printed = stdout().write_all(text.as_bytes());
    printed.map_err(|error| format!("cannot print: {error}"))?;
    if let Some(path) = &arguments.plot {
        let drawn = plot::draw(&figures, path);
        drawn.map_err(|error| format!("cannot draw {}: {error}", path.display()))?;
    }
    Ok(())
}

/// The stack's own words, and what can be done.
fn refused(error: stack::Error) -> String {
    let help = match error.kind() {
        ErrorKind::Order => "; --anywhere says that it is meant",
        _ => "",
    };
    format!("the stack refuses a layer: {error}{help}")
}

fn settings(arguments: &Arguments) -> Settings {
    Settings {
        medium: name(arguments.medium),
        direction: name(arguments.direction),
        text: name(arguments.sent()),
        flush: arguments.flush,
        rounds: arguments.rounds(),
        ping_bytes: arguments.ping,
        depth_write_bytes: arguments.largest(),
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        os: std::env::consts::OS,
        architecture: std::env::consts::ARCH,
    }
}

/// As it is said on the command line.
fn name(value: impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

/// What is to be known of the figures.
fn notes(arguments: &Arguments) -> Vec<String> {
    let stack = &arguments.stack;
    let recipes: Vec<_> = arguments
        .peers()
        .into_iter()
        .map(|peer| (peer, peer.beside(stack)))
        .collect();
    let mut notes: Vec<_> = recipes
        .iter()
        .filter_map(|(peer, recipe)| Some(format!("{peer} {}", recipe.differs(stack)?)))
        .collect();
    let peers = recipes.iter().flat_map(|(_, recipe)| recipe.kinds());
    let kinds: Vec<_> = stack.kinds().chain(peers).collect();
    if kinds.iter().any(|kind| matches!(kind, Kind::Tls(_))) {
        notes.push("TLS by rustls with ring: AES-128-GCM, X25519, no tickets".to_owned());
    }
    let in_c = |kind: &Kind| matches!(kind, Kind::Codec(format, _) if format.is_in_c());
    if kinds.iter().any(in_c) {
        notes.push("zstd and lz4 allocate in C, which is not counted".to_owned());
    }
    notes
}
