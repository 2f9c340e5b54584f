//! As many live connections as a server may have, in one process.

use std::time::{Duration, Instant};

use allocation_counter::measure;
use compress_layer::CompressLayer;
use measure::tls::{Tls, name};
use measure::{Bench, aligned};
use stack::{Connection, LayerId};
use tls_layer::TlsLayer;
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::runtime::Runtime;

use crate::ends::LEVEL;
use crate::exchange::{Texts, park, pipe};
use crate::runtime;

const COUNT: usize = 10_000;
/// How many of them have something under way at the same time.
const AT_ONCE: usize = 100;
/// How often each has.
const EXCHANGES: usize = 2;

pub(crate) fn table(bench: &mut Bench, tls: &Tls) {
    let title = "10,000 live connections of deflate above TLS";
    if bench.wants(title).is_none() {
        return;
    }
    let runtime = runtime();
    let texts = Texts::new();
    let mut pairs = Vec::new();
    let head = ["", "heap, MB", "KiB an end", "resident, MB", "time, s"];
    let mut lines = vec![head.map(str::to_owned)];
    let pipes = pipes(&runtime);

    let start = Instant::now();
    let opened = measure(|| {
        pairs.reserve_exact(COUNT);
        runtime.block_on(async {
            for _ in 0..COUNT {
                pairs.push(open(tls).await);
            }
        });
    });
    let mut bytes = opened.bytes_current - pipes;
    let time = start.elapsed();
    lines.push(line(
        "all up, nothing said yet",
        bytes,
        resident(),
        Some(time),
    ));
    for round in 1..=EXCHANGES {
        let start = Instant::now();
        let exchanged = measure(|| {
            runtime.block_on(async {
                for (i, some) in pairs.chunks_mut(AT_ONCE).enumerate() {
                    exchange(&texts, round * COUNT + i * AT_ONCE, some).await;
                }
            });
        });
        let time = start.elapsed();
        let peak = bytes + exchanged.bytes_max as i64;
        bytes += exchanged.bytes_current;
        let name = format!("exchange {round}, at its highest");
        lines.push(line(&name, peak, None, Some(time)));
        lines.push(line("behind it, all wait", bytes, resident(), None));
    }
    println!("\n### {title}\n");
    println!(
        "{} ends on one thread over memory pipes, whose heap is left out of the first two columns. Each end says 1 KiB in an exchange, \
         {AT_ONCE} connections at once, and every byte is compared; then it forgets what it has sent \
         (CompressLayer::reset), and waits for input.\n",
        2 * COUNT
    );
    print!("{}", aligned(&lines));
}

/// What the pipes take on the heap: the ends' own share lies in the connections.
fn pipes(runtime: &Runtime) -> i64 {
    let mut one = None;
    let allocated = measure(|| one = Some(runtime.block_on(pipe())));
    drop(one);
    COUNT as i64 * allocated.bytes_current
}

/// What the system says that the process takes, where it can be asked so.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024.0)
}

fn line(name: &str, bytes: i64, resident: Option<f64>, time: Option<Duration>) -> [String; 5] {
    assert!(bytes > 0, "nothing was measured");
    let each = bytes as f64 / (2 * COUNT * 1024) as f64;
    [
        name.into(),
        format!("{:.0}", bytes as f64 / 1e6),
        format!("{each:.2}"),
        resident.map_or(String::new(), |bytes| format!("{:.0}", bytes / 1e6)),
        time.map_or(String::new(), |time| format!("{:.2}", time.as_secs_f64())),
    ]
}

struct End {
    connection: Connection<DuplexStream>,
    deflate: LayerId<CompressLayer>,
}

impl End {
    async fn new(pipe: DuplexStream, tls: TlsLayer) -> Self {
        let mut connection = Connection::new(pipe);
        connection.push(tls).await.expect("a handshake");
        connection.flush().await.expect("a peer");
        let deflate = connection.push(CompressLayer::deflate(LEVEL)).await;
        Self {
            connection,
            deflate: deflate.expect("a place"),
        }
    }

    async fn rest(&mut self) {
        let reset = |layer: &mut CompressLayer, _: &mut stack::Context<'_>| layer.reset();
        let reset = self.connection.with_layer(self.deflate, reset);
        reset.expect("the layer").expect("a codec that can");
        park(&mut self.connection).await;
    }
}

async fn open(tls: &Tls) -> (End, End) {
    let (a, b) = pipe().await;
    let client = TlsLayer::client(tls.client.clone(), name());
    let server = TlsLayer::server(tls.server.clone());
    tokio::join!(End::new(a, client), End::new(b, server))
}

async fn exchange(texts: &Texts, first: usize, pairs: &mut [(End, End)]) {
    for (i, (a, b)) in pairs.iter_mut().enumerate() {
        let (a, b) = (&mut a.connection, &mut b.connection);
        texts.say(first + i, a, b).await;
    }
    for (i, (a, b)) in pairs.iter_mut().enumerate() {
        let ends = (&mut a.connection, &mut b.connection);
        texts.hear(first + i, ends.0, ends.1).await;
        a.rest().await;
        b.rest().await;
    }
}
