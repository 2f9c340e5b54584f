//! How long those wait who share a thread with one who is never quiet.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use measure::pingpong::ping;
use measure::sockets::{Listener, raw};
use measure::thread::on_thread;
use measure::tls::Tls;
use measure::{Aligned, Bench, Quartiles, aligned};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::ends::{Ends, Layers, Stream, TokioRustls};

const QUIET: usize = 100;
/// How often each of them asks in a run.
const ASKS: usize = 3;
/// What the one who is never quiet writes at once, and the room that a read offers.
const CHUNK: usize = 64 << 10;

pub(crate) fn table(bench: &mut Bench, tls: &Tls) {
    let title = "latency of 100 quiet TLS connections beside a saturated one, on one thread";
    let Some(rounds) = bench.wants(title) else {
        return;
    };
    let (peer, ours) = (TokioRustls(tls.clone()), Layers::tls(tls));
    let mut variants = [
        row("tokio-rustls", &peer, true),
        row("tokio-rustls again (A/A)", &peer, true),
        row("stack + tls-layer", &ours, true),
        row("tokio-rustls, none saturated", &peer, false),
        row("stack + tls-layer, none saturated", &ours, false),
    ];
    let n = variants.len();
    for round in 0..=rounds {
        for i in 0..n {
            let variant = &mut variants[(i + round) % n];
            let waits = (variant.run)();
            // The first round warms caches and pools.
            if round > 0 {
                variant.waits.push(waits);
            }
        }
    }
    println!("\n### {title}\n");
    println!(
        "{rounds} rounds in turn of {} ping-pongs of 64 B, one after another. Ratios of the waits, round by \
         round: below 1 is shorter.\n",
        QUIET * ASKS
    );
    let head = [
        "",
        "p50, us",
        "ratio",
        "quartiles",
        "p99, us",
        "ratio",
        "quartiles",
        "longest, us",
        "bulk, MB/s",
    ];
    let mut lines = vec![head.map(str::to_owned)];
    for variant in &variants {
        lines.push(line(variant, &variants[0].waits));
    }
    print!("{}", aligned(&lines));
}

struct Row {
    name: &'static str,
    run: Box<dyn Fn() -> Waits>,
    /// A round each.
    waits: Vec<Waits>,
}

fn row(name: &'static str, ends: &impl Ends, saturated: bool) -> Row {
    let ends = ends.clone();
    Row {
        name,
        run: Box::new(move || waits(ends.clone(), saturated)),
        waits: Vec::new(),
    }
}

/// Of one run.
struct Waits {
    median: Duration,
    /// One in a hundred is longer.
    p99: Duration,
    longest: Duration,
    /// Bytes of the saturated connection, in a second.
    bulk: f64,
}

fn line(row: &Row, first: &[Waits]) -> [String; 9] {
    let middle = |of: &dyn Fn(&Waits) -> f64| Quartiles::of(row.waits.iter().map(of).collect());
    let ratios = |of: fn(&Waits) -> Duration| {
        let pairs = row.waits.iter().zip(first);
        let ratios = pairs.map(|(this, first)| of(this).as_secs_f64() / of(first).as_secs_f64());
        Quartiles::of(ratios.collect()).text()
    };
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let ([p50, p50s], [p99, p99s]) = (ratios(|waits| waits.median), ratios(|waits| waits.p99));
    let longest = row.waits.iter().map(|waits| waits.longest).max();
    [
        row.name.to_owned(),
        format!("{:.0}", middle(&|waits| micros(waits.median)).median),
        p50,
        p50s,
        format!("{:.0}", middle(&|waits| micros(waits.p99)).median),
        p99,
        p99s,
        format!("{:.0}", micros(longest.unwrap_or_default())),
        format!("{:.0}", middle(&|waits| waits.bulk).median / 1e6),
    ]
}

fn waits(ends: impl Ends, saturated: bool) -> Waits {
    let thread = on_thread(0, move || async move {
        let listener = Listener::new();
        let connect = async || {
            let (a, b) = listener.pair();
            ends.both((raw(a), raw(b))).await
        };
        let mut askers = Vec::new();
        for _ in 0..QUIET {
            let (asker, answerer) = connect().await;
            tokio::spawn(answer(answerer));
            askers.push(asker);
        }
        let carried = Arc::new(AtomicU64::new(0));
        if saturated {
            let (sender, receiver) = connect().await;
            tokio::spawn(fill(sender));
            tokio::spawn(drain(receiver, Arc::clone(&carried)));
        }
        let asked = tokio::spawn(ask(askers, carried)).await;
        let waits = asked.expect("answers");
        assert_eq!(waits.bulk > 0.0, saturated, "whether one was saturated");
        waits
    });
    thread.join().expect("the peers")
}

/// Asks on one after another, and measures the time until the answer.
async fn ask(mut askers: Vec<impl Stream>, carried: Arc<AtomicU64>) -> Waits {
    let mut waits = Vec::with_capacity(QUIET * ASKS);
    // Once around to begin with, until the bulk is under way.
    for asker in &mut askers {
        ping(asker, 1).await;
    }
    let (start, before) = (Instant::now(), carried.load(Ordering::Relaxed));
    for _ in 0..ASKS {
        for asker in &mut askers {
            let asked = Instant::now();
            ping(&mut *asker, 1).await;
            waits.push(asked.elapsed());
        }
    }
    let bulk = carried.load(Ordering::Relaxed) - before;
    let bulk = bulk as f64 / start.elapsed().as_secs_f64();
    waits.sort();
    Waits {
        median: waits[waits.len() / 2],
        p99: waits[waits.len() * 99 / 100],
        longest: waits[waits.len() - 1],
        bulk,
    }
}

/// Answers until the peer is gone.
async fn answer(mut stream: impl Stream) {
    let mut chunk = [0; 64];
    while stream.read_exact(&mut chunk).await.is_ok() {
        let answered = async {
            stream.write_all(&chunk).await?;
            stream.flush().await
        };
        if answered.await.is_err() {
            return;
        }
    }
}

/// Writes as fast as it can, as long as the runtime lives.
async fn fill(mut stream: impl Stream) {
    let mut chunk = Aligned::new(CHUNK);
    while stream.write_all(chunk.bytes()).await.is_ok() {}
}

async fn drain(mut stream: impl Stream, carried: Arc<AtomicU64>) {
    let mut chunk = Aligned::new(CHUNK);
    while let Ok(n) = stream.read(chunk.bytes()).await {
        carried.fetch_add(n as u64, Ordering::Relaxed);
    }
}
