//! Connections with TLS 1.3 that are opened one behind another, with full handshakes and with
//! resumed ones, beside tokio-rustls: same provider, suite, group, certificate, sockets and
//! tickets. Both ends are on one thread.
//!
//! Each goes from the connect of its socket to the first 64 B there and back, and has both ends'
//! cryptography in it, which is most of it.

use std::process::ExitCode;

use measure::handshake::{Handshake, handshakes};
use measure::tls::{Layered, Tls, TokioRustls};
use measure::unit::each;
use measure::{Variant, bench, variant};

/// In a run.
const COUNT: usize = 50;

fn main() -> ExitCode {
    bench(|bench| {
        for (title, tls, resumed) in [
            ("Full handshakes", Tls::without_tickets(), false),
            ("Resumed handshakes", Tls::with_tickets(), true),
        ] {
            let peer = TokioRustls(tls.clone());
            let rows = vec![
                row("tokio-rustls", peer.clone(), resumed),
                row("tokio-rustls again (A/A)", peer, resumed),
                row("stack + tls-layer", Layered(tls), resumed),
            ];
            bench.compare(title, rows, each(COUNT));
        }
    })
}

fn row(name: &str, open: impl Handshake, resumed: bool) -> Variant<'static> {
    variant(name, move || handshakes(open.clone(), COUNT, resumed))
}
