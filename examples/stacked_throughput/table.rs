//! What was measured, as people read it.

use std::fmt::{self, Write};

use measure::bulk::size;

use crate::figures::{Bulk, Carried, Figures, Quiet, Spread};
use crate::grid::Grid;

/// All of it, as tables: each size and the ping-pong at the lowest depth, and ours by depth.
pub(crate) fn tables(figures: &Figures) -> Result<String, fmt::Error> {
    let mut text = String::new();
    let it = &figures.settings;
    writeln!(text, "stack    {}", figures.drawn)?;
    writeln!(text, "load     {}", it.load())?;
    for (at, note) in figures.notes.iter().enumerate() {
        let label = if at == 0 { "notes" } else { "" };
        writeln!(text, "{label:<8} {note}")?;
    }
    for bulk in figures.sizes() {
        let write = size(bulk.write_bytes);
        let carried_mib = bulk.carried_bytes as f64 / f64::from(1 << 20);
        let above = above(bulk.depth);
        writeln!(
            text,
            "\nWrites of {write}{above}; {carried_mib:.1} MiB a run"
        )?;
        write!(text, "{}", carried(bulk))?;
    }
    let ping = size(it.ping_bytes);
    if let Some(quiet) = figures.quiet.first() {
        let (above, count) = (above(quiet.depth), quiet.exchanges);
        writeln!(
            text,
            "\nPing-pong of {ping}{above}, {count} a round; and idle"
        )?;
        write!(text, "{}", answered(quiet))?;
    }
    let sweep = figures.sweep();
    if sweep.len() > 1 {
        let write = size(it.depth_write_bytes);
        writeln!(text, "\nOurs by depth, writes of {write}")?;
        write!(text, "{}", carried_by_depth(&sweep))?;
        writeln!(text, "\nOurs by depth, ping-pong of {ping}; and idle")?;
        write!(text, "{}", answered_by_depth(&figures.quiet))?;
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
    let mut grid = Grid::new(
        ["", "MB/s", "ours/it", "quartiles", "cpu ns/B", "ours/it"]
            .into_iter()
            .chain(["quartiles", "allocs/MiB", "wire B/B"]),
    );
    for (i, it) in bulk.variants.iter().enumerate() {
        let [speed, cpu, allocations, wire] = costs(it);
        let ([ratio, quartiles], [cpus, spread]) = (beside(i, it.ratio), beside(i, it.cpu_ratio));
        let name = it.name.clone();
        grid.row([
            name,
            speed,
            ratio,
            quartiles,
            cpu,
            cpus,
            spread,
            allocations,
            wire,
        ]);
    }
    grid
}

fn answered(quiet: &Quiet) -> Grid {
    let mut grid = Grid::new(
        ["", "p50 us", "p90", "p99", "max", "ours/it", "quartiles"]
            .into_iter()
            .chain(["heap B", "the first's"]),
    );
    for (i, it) in quiet.variants.iter().enumerate() {
        let [ratio, quartiles] = beside(i, it.ratio);
        let (time, heap) = (it.latency_us, it.idle_heap_bytes);
        let times = [time.p50, time.p90, time.p99, time.max].map(|time| format!("{time:.1}"));
        let mut row = vec![it.name.clone()];
        row.extend(times);
        row.extend([ratio, quartiles]);
        row.extend([heap.further.to_string(), heap.first.to_string()]);
        grid.row(row);
    }
    grid
}

fn carried_by_depth(sweep: &[&Bulk]) -> Grid {
    let names = sweep[0].variants.iter().map(|it| it.name.as_str());
    let mut grid = Grid::new(head(["MB/s", "cpu ns/B", "allocs/MiB", "wire B/B"], names));
    for bulk in sweep {
        let (ours, others) = (&bulk.variants[0], &bulk.variants[1..]);
        let mut row = vec![bulk.depth.to_string()];
        row.extend(costs(ours));
        row.extend(others.iter().map(|it| ratio(it.ratio).join(" ")));
        grid.row(row);
    }
    grid
}

fn answered_by_depth(quiet: &[Quiet]) -> Grid {
    let names = quiet[0].variants.iter().map(|it| it.name.as_str());
    let mut grid = Grid::new(head(["p50 us", "p99", "heap B", "the first's"], names));
    for quiet in quiet {
        let (ours, others) = (&quiet.variants[0], &quiet.variants[1..]);
        let (time, heap) = (ours.latency_us, ours.idle_heap_bytes);
        let mut row = vec![quiet.depth.to_string()];
        row.extend([time.p50, time.p99].map(|time| format!("{time:.1}")));
        row.extend([heap.further.to_string(), heap.first.to_string()]);
        row.extend(others.iter().map(|it| ratio(it.ratio).join(" ")));
        grid.row(row);
    }
    grid
}

/// Figures of ours, and then ours beside each of the others.
fn head<'a>(ours: [&str; 4], names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut head = vec!["depth".to_owned()];
    head.extend(ours.map(str::to_owned));
    head.extend(names.skip(1).map(|name| match name {
        "ours again (A/A)" => "ours/ours (A/A)".to_owned(),
        _ => format!("ours/{name}"),
    }));
    head
}

fn costs(it: &Carried) -> [String; 4] {
    [
        megabytes(it.bytes_per_second.median),
        format!("{:.3}", it.cpu_ns_per_byte.median),
        format!("{:.2}", it.allocations_per_mib),
        format!("{:.4}", it.wire_bytes_per_byte),
    ]
}

/// Of the first there is none: it would be of the very same runs.
fn beside(i: usize, spread: Spread) -> [String; 2] {
    match i {
        0 => [String::new(), String::new()],
        _ => ratio(spread),
    }
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
