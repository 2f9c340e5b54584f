//! What was measured, as people read it.

use std::fmt::{self, Write};

use crate::figures::{Bulk, Figures, Quiet, Spread};
use crate::grid::Grid;
use crate::size;

/// All of it, as tables.
pub(crate) fn tables(figures: &Figures) -> Result<String, fmt::Error> {
    let mut text = String::new();
    let it = &figures.settings;
    writeln!(text, "stack    {}", figures.drawn)?;
    let flush = if it.flush { ", each write flushed" } else { "" };
    writeln!(
        text,
        "load     {} over {}, {} text{flush}; {} rounds in turn",
        it.direction, it.medium, it.text, it.rounds
    )?;
    for (at, note) in figures.notes.iter().enumerate() {
        let label = if at == 0 { "notes" } else { "" };
        writeln!(text, "{label:<8} {note}")?;
    }
    for bulk in &figures.bulk {
        writeln!(
            text,
            "\nWrites of {}{}; {:.1} MiB a run\n{}",
            size::text(bulk.write_bytes),
            above(bulk.depth),
            bulk.carried_bytes as f64 / f64::from(1 << 20),
            carried(bulk)
        )?;
    }
    for quiet in &figures.quiet {
        writeln!(
            text,
            "\nPing-pong of {} B{}, {} a round; and while idle\n{}",
            it.ping_bytes,
            above(quiet.depth),
            quiet.exchanges,
            answered(quiet)
        )?;
    }
    let bulk = figures.sweep();
    if bulk.len() > 1 {
        let write = size::text(bulk[0].write_bytes);
        writeln!(
            text,
            "\nOurs by depth, writes of {write}\n{}",
            by_depth(figures, &bulk)
        )?;
    }
    Ok(text)
}

fn above(depth: usize) -> String {
    match depth {
        0 => String::new(),
        1 => ", 1 layer above".to_owned(),
        _ => format!(", {depth} layers above"),
    }
}

fn carried(bulk: &Bulk) -> Grid {
    let mut grid = Grid::new([
        "",
        "MB/s",
        "ours/it",
        "quartiles",
        "cpu ns/B",
        "ours/it",
        "quartiles",
        "allocs/MiB",
        "wire B/B",
    ]);
    for it in &bulk.variants {
        let ([ratio, quartiles], [cpu, cpus]) = (ratio(it.ratio), ratio(it.cpu_ratio));
        grid.row([
            it.name.clone(),
            megabytes(it.bytes_per_second.median),
            ratio,
            quartiles,
            format!("{:.3}", it.cpu_ns_per_byte.median),
            cpu,
            cpus,
            format!("{:.2}", it.allocations_per_mib),
            format!("{:.4}", it.wire_bytes_per_byte),
        ]);
    }
    grid
}

fn answered(quiet: &Quiet) -> Grid {
    let mut grid = Grid::new([
        "",
        "p50 us",
        "p90",
        "p99",
        "max",
        "ours/it",
        "quartiles",
        "heap B",
    ]);
    for it in &quiet.variants {
        let [ratio, quartiles] = ratio(it.ratio);
        let micros = |time: f64| format!("{time:.1}");
        grid.row([
            it.name.clone(),
            micros(it.latency_us.p50),
            micros(it.latency_us.p90),
            micros(it.latency_us.p99),
            micros(it.latency_us.max),
            ratio,
            quartiles,
            it.idle_heap_bytes.to_string(),
        ]);
    }
    grid
}

/// Ours at each depth, and the peers beside it.
fn by_depth(figures: &Figures, bulk: &[&Bulk]) -> Grid {
    let mut head: Vec<String> = [
        "depth",
        "MB/s",
        "cpu ns/B",
        "allocs/MiB",
        "p50 us",
        "heap B",
    ]
    .map(str::to_owned)
    .into();
    let others = bulk.iter().take(1).flat_map(|bulk| &bulk.variants[1..]);
    head.extend(others.map(|it| format!("ours/{}", it.name)));
    let mut grid = Grid::new(head);
    for (bulk, quiet) in bulk.iter().zip(&figures.quiet) {
        let (ours, calm) = (&bulk.variants[0], &quiet.variants[0]);
        let mut row = vec![
            bulk.depth.to_string(),
            megabytes(ours.bytes_per_second.median),
            format!("{:.3}", ours.cpu_ns_per_byte.median),
            format!("{:.2}", ours.allocations_per_mib),
            format!("{:.1}", calm.latency_us.p50),
            calm.idle_heap_bytes.to_string(),
        ];
        row.extend(
            bulk.variants[1..]
                .iter()
                .map(|it| ratio(it.ratio).join(" ")),
        );
        grid.row(row);
    }
    grid
}

fn ratio(spread: Spread) -> [String; 2] {
    let Spread {
        lower_quartile,
        median,
        upper_quartile,
    } = spread;
    [
        format!("{median:.3}"),
        format!("[{lower_quartile:.3} .. {upper_quartile:.3}]"),
    ]
}

/// Few with more digits than many.
fn megabytes(bytes_per_second: f64) -> String {
    match bytes_per_second / 1e6 {
        few if few < 100.0 => format!("{few:.1}"),
        many => format!("{many:.0}"),
    }
}
