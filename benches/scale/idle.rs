//! The heap of connections that wait.

use allocation_counter::measure;
use compress_layer::Deflate;
use measure::tls::Tls;
use measure::{Bench, aligned};

use crate::ends::{AsyncDeflate, Bare, Ends, LEVEL, Layers, TokioRustls, Wrappers};
use crate::exchange::{Texts, park, pipe};
use crate::runtime;

/// How many are measured together.
const COUNT: usize = 1000;

pub(crate) fn tables(bench: &mut Bench, tls: &Tls) {
    let title = "heap of an idle connection by its layers, both ends";
    if bench.wants(title).is_some() {
        layers(title);
    }
    let title = "heap of an idle connection beside its peers, both ends";
    if bench.wants(title).is_some() {
        peers(title, tls);
    }
}

fn layers(title: &str) {
    let none = heap(&Layers::default());
    let mut lines = vec![["", "bytes", "each layer, an end"].map(str::to_owned)];
    lines.push(["Connection".into(), none.to_string(), String::new()]);
    for depth in [1, 4, 16] {
        let bytes = heap(&Layers::passes(depth));
        let each = (bytes - none) as f64 / (2 * depth) as f64;
        let name = format!("with {depth} that pass on");
        lines.push([name, bytes.to_string(), format!("{each:.0}")]);
    }
    let bytes = heap(&Wrappers(16));
    let each = bytes as f64 / 32.0;
    let name = "16 boxed wrappers, one around the other".into();
    lines.push([name, bytes.to_string(), format!("{each:.0}")]);
    show(title, &aligned(&lines));
}

fn peers(title: &str, tls: &Tls) {
    let deflate = Deflate::new(LEVEL);
    let narrow = Deflate::new(LEVEL).with_window_log(9);
    let over_tls = TokioRustls(tls.clone());
    let mut lines = vec![["", "bytes", "to the peer's"].map(str::to_owned)];
    let peer = heap(&over_tls);
    line(&mut lines, "tokio-rustls", peer, peer);
    line(&mut lines, "stack: tls", heap(&Layers::tls(tls)), peer);
    let peer = heap(&AsyncDeflate(Bare));
    line(&mut lines, "async-compression: deflate", peer, peer);
    let ours = heap(&Layers::default().with_deflate(deflate.clone()));
    line(&mut lines, "stack: deflate", ours, peer);
    let ours = heap(&Layers::default().with_deflate(narrow));
    line(&mut lines, "stack: deflate, window of 512 B", ours, peer);
    let peer = heap(&AsyncDeflate(over_tls));
    let name = "async-compression over tokio-rustls: deflate";
    line(&mut lines, name, peer, peer);
    let ours = heap(&Layers::tls(tls).with_deflate(deflate));
    line(&mut lines, "stack: deflate above tls", ours, peer);
    show(title, &aligned(&lines));
}

fn line(lines: &mut Vec<[String; 3]>, name: &str, bytes: usize, peer: usize) {
    let ratio = bytes as f64 / peer as f64;
    lines.push([name.into(), bytes.to_string(), format!("{ratio:.3}x")]);
}

fn show(title: &str, table: &str) {
    println!("\n### {title}\n");
    println!(
        "Each of {COUNT} has carried 1 KiB each way, and waits for input. The memory pipe is left out.\n"
    );
    print!("{table}");
}

/// What both ends of such a connection take: the objects themselves, and what they own.
fn heap(ends: &impl Ends) -> usize {
    let bytes = of_many(ends) - of_many(&Bare);
    let bytes = usize::try_from(bytes).expect("more than the pipe alone") / COUNT;
    assert!(bytes > 0, "nothing was measured");
    bytes
}

fn of_many<E: Ends>(ends: &E) -> i64 {
    let runtime = runtime();
    let texts = Texts::new();
    let open = async |i| {
        let (mut a, mut b) = ends.both(pipe().await).await;
        texts.exchange(i, &mut a, &mut b).await;
        park(&mut a).await;
        park(&mut b).await;
        (a, b)
    };
    // The first brings what the thread keeps for all.
    drop(runtime.block_on(open(0)));
    let mut kept = Vec::new();
    let allocated = measure(|| {
        kept.reserve_exact(COUNT);
        runtime.block_on(async {
            for i in 0..COUNT {
                kept.push(open(i).await);
            }
        });
    });
    allocated.bytes_current
}
