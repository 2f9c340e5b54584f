//! TLS 1.3 as a layer, beside tokio-rustls: same provider, suite, group, certificate, sockets,
//! buffers and flushes, and no session tickets in either.
//!
//! Run it twice. With glibc up to 2.36 and on some processors, a copy of 4 KiB or more between
//! buffers that lie a few bytes apart within a page is twenty times slower than others, and what
//! is gained may be no more than that. With this, copies never take that path:
//!
//! ```text
//! GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=1000000000 cargo bench --bench tls
//! ```
//!
//! tokio-openssl, which needs OpenSSL's headers, has its own package, `benches/openssl`.

use std::process::ExitCode;

use measure::load::Load;
use measure::open::{Buffered, Open};
use measure::tls::{Layered, Tls, TokioRustls};
use measure::{Variant, bench, variant};

fn main() -> ExitCode {
    let tls = Tls::without_tickets();
    bench(|bench| {
        for load in Load::of_tls() {
            bench.compare(&load.to_string(), rows(&tls, load), load.unit());
            if load.has_small_writes() {
                let load = load.of(48 << 20);
                let title = format!("{load}, beside a BufWriter");
                bench.compare(&title, buffered(&tls, load), load.unit());
            }
        }
    })
}

fn rows(tls: &Tls, load: Load) -> Vec<Variant<'static>> {
    let peer = TokioRustls(tls.clone());
    let mut rows = vec![
        row("tokio-rustls", load, peer.clone()),
        row("tokio-rustls again (A/A)", load, peer.clone()),
        row("stack + tls-layer", load, Layered(tls.clone())),
    ];
    if load.has_small_writes() {
        rows.push(row(BUFFERED, load, Buffered(peer)));
    }
    rows
}

const BUFFERED: &str = "BufWriter of 16 KiB over tokio-rustls";

/// The peer as its users have it where they care about small writes: fast enough for longer runs.
fn buffered(tls: &Tls, load: Load) -> Vec<Variant<'static>> {
    let peer = Buffered(TokioRustls(tls.clone()));
    vec![
        row(BUFFERED, load, peer.clone()),
        row(&format!("{BUFFERED} again (A/A)"), load, peer),
        row("stack + tls-layer", load, Layered(tls.clone())),
    ]
}

fn row(name: &str, load: Load, open: impl Open) -> Variant<'static> {
    variant(name, move || load.run(open.clone()))
}
