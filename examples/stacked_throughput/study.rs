//! The measuring: ours and the peers' in turn.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::ProgressBar;
use measure::bulk::Bulk;
use measure::{Cost, in_turn};

use crate::account::{Account, account, idle_heap};
use crate::arguments::Arguments;
use crate::configs::Configs;
use crate::figures::{self, Answered, Carried, Percentiles, Quiet, Spread};
use crate::load::{Load, ping_pong};
use crate::medium::Medium;
use crate::ours::Ours;
use crate::plan::Point;
use crate::variant::Variant;

/// How long a run lasts, where its bytes are not said: long beside a wake-up, short beside what
/// else comes and goes on the machine.
const RUN: Duration = Duration::from_millis(50);
/// The same of a round of the ping-pong, and how many exchanges it has at least and at most.
const PINGS: (Duration, usize, usize) = (Duration::from_millis(25), 20, 1000);
/// The exchanges by which that is found.
const PROBE: usize = 20;
/// The room that a read offers.
const READ: usize = 64 << 10;

/// The measuring of one stack.
pub(crate) struct Study<'a> {
    arguments: &'a Arguments,
    configs: Configs,
    bar: &'a ProgressBar,
}

/// What is compared at one depth; ours first.
struct Field {
    names: Vec<String>,
    variants: Vec<Variant>,
}

impl<'a> Study<'a> {
    pub(crate) fn new(arguments: &'a Arguments, bar: &'a ProgressBar) -> Self {
        Self {
            arguments,
            configs: Configs::new(),
            bar,
        }
    }

    /// Fails, before anything is measured, if the stack refuses a layer.
    pub(crate) fn run(&self) -> Result<(Vec<figures::Bulk>, Vec<Quiet>), stack::Error> {
        let points = self.arguments.points();
        let mut fields = BTreeMap::new();
        for depth in self.arguments.depths() {
            fields.insert(depth, self.field(depth)?);
        }
        let variants = 2 + self.arguments.peers().len();
        let tables = points.len() + fields.len();
        let runs = self.arguments.rounds() + 1;
        self.bar.set_length((tables * runs * variants) as u64);

        let bulk = points.into_iter();
        let bulk = bulk.map(|point| (point, &fields[&point.depth]));
        let bulk = self.bulk(bulk.collect());
        Ok((bulk, self.quiet(fields)))
    }

    fn field(&self, depth: usize) -> Result<Field, stack::Error> {
        let Arguments {
            stack, anywhere, ..
        } = self.arguments;
        let stack = stack.with_passes(depth);
        let ours = Variant::Ours(Ours::new(&stack, &self.configs, *anywhere)?);
        let mut field = Field {
            names: vec!["ours".to_owned(), "ours again (A/A)".to_owned()],
            variants: vec![ours.clone(), ours],
        };
        for peer in self.arguments.peers() {
            let recipe = peer.beside(&stack);
            field.names.push(peer.to_string());
            let peer = Variant::Peer(recipe, self.configs.clone());
            field.variants.push(peer);
        }
        Ok(field)
    }

    /// The points in turn, too: a machine that becomes slower does so for all.
    fn bulk(&self, points: Vec<(Point, &Field)>) -> Vec<figures::Bulk> {
        self.bar.set_message("bulk");
        let loads: Vec<_> = points
            .iter()
            .map(|(point, field)| self.load(*point, &field.variants[0]))
            .collect();
        let n = points[0].1.variants.len();
        let costs = in_turn(self.arguments.rounds(), n * points.len(), |i| {
            self.bar.inc(1);
            loads[i / n].carry(&points[i / n].1.variants[i % n])
        });
        self.bar.set_message("counting");
        let tables = points.into_iter().zip(loads).zip(costs.chunks(n));
        tables
            .map(|(((point, field), load), costs)| figures::Bulk {
                depth: point.depth,
                write_bytes: point.size,
                carried_bytes: load.carried(),
                variants: carried(load, field, costs),
            })
            .collect()
    }

    fn load(&self, point: Point, ours: &Variant) -> Load {
        let (arguments, size) = (self.arguments, point.size);
        let bytes = arguments.bytes.unwrap_or(size).max(size);
        let load = Load {
            medium: arguments.medium,
            direction: arguments.direction,
            bulk: Bulk {
                bytes: bytes.next_multiple_of(size),
                write: size,
                read: READ,
                flushed: arguments.flush,
                text: arguments.sent().into(),
            },
        };
        match arguments.bytes {
            Some(_) => load,
            None => load.lasting(RUN, ours),
        }
    }

    /// The depths in turn, too.
    fn quiet(&self, fields: BTreeMap<usize, Field>) -> Vec<Quiet> {
        self.bar.set_message("ping-pong");
        let Arguments { medium, ping, .. } = *self.arguments;
        let fields: Vec<_> = fields.into_iter().collect();
        let counts: Vec<_> = fields
            .iter()
            .map(|(_, field)| self.exchanges(&field.variants[0]))
            .collect();
        let n = fields[0].1.variants.len();
        let times = in_turn(self.arguments.rounds(), n * fields.len(), |i| {
            self.bar.inc(1);
            let variant = &fields[i / n].1.variants[i % n];
            let times = ping_pong(medium, variant, ping, counts[i / n]);
            let micros = times.iter().map(|time| time.as_secs_f64() * 1e6);
            micros.collect::<Vec<_>>()
        });
        self.bar.set_message("counting");
        let tables = fields.iter().zip(counts).zip(times.chunks(n));
        tables
            .map(|(((depth, field), exchanges), times)| Quiet {
                depth: *depth,
                exchanges,
                variants: answered(medium, field, times),
            })
            .collect()
    }

    /// How many of them take as long as a round of the ping-pong should.
    fn exchanges(&self, variant: &Variant) -> usize {
        let Arguments { medium, ping, .. } = *self.arguments;
        let mut probe = ping_pong(medium, variant, ping, PROBE);
        probe.sort_unstable();
        let usual = probe[probe.len() / 2];
        let (time, least, most) = PINGS;
        let count = time.as_secs_f64() / usual.as_secs_f64();
        (count as usize).clamp(least, most)
    }
}

fn seconds(costs: &[Cost], of: fn(&Cost) -> Duration) -> Vec<f64> {
    costs.iter().map(|cost| of(cost).as_secs_f64()).collect()
}

/// Of the variants of a field, round by round.
fn carried(load: Load, field: &Field, costs: &[Vec<Cost>]) -> Vec<Carried> {
    let bytes = load.carried() as f64;
    let walls = |i: usize| seconds(&costs[i], |cost| cost.wall);
    let cpus = |i: usize| seconds(&costs[i], |cost| cost.cpu);
    let variants = field.variants.iter().zip(&field.names).enumerate();
    variants
        .map(|(i, (variant, name))| {
            let Account {
                allocations_per_mib,
                wire,
            } = account(load, variant);
            let speeds = walls(i).into_iter().map(|time| bytes / time);
            let prices = cpus(i).into_iter().map(|time| time * 1e9 / bytes);
            Carried {
                name: name.clone(),
                bytes_per_second: Spread::of(speeds.collect()),
                // The other's time by ours is our throughput by the other's.
                ratio: Spread::of_ratios(&walls(i), &walls(0)),
                cpu_ns_per_byte: Spread::of(prices.collect()),
                cpu_ratio: Spread::of_ratios(&cpus(0), &cpus(i)),
                allocations_per_mib,
                wire_bytes_per_byte: wire,
            }
        })
        .collect()
}

/// Of the variants of a field, round by round; in microseconds.
fn answered(medium: Medium, field: &Field, times: &[Vec<Vec<f64>>]) -> Vec<Answered> {
    let medians = |i: usize| -> Vec<f64> {
        let rounds = times[i].iter();
        rounds.map(|it| Percentiles::of(it.clone()).p50).collect()
    };
    let variants = field.variants.iter().zip(&field.names).enumerate();
    variants
        .map(|(i, (variant, name))| Answered {
            name: name.clone(),
            latency_us: Percentiles::of(times[i].concat()),
            ratio: Spread::of_ratios(&medians(0), &medians(i)),
            idle_heap_bytes: idle_heap(medium, variant),
        })
        .collect()
}
