//! Many connections: what each takes while it waits, ten thousand of them at once, quiet ones beside one that is
//! not, and as many as it takes to fill two threads; each beside its peer, with the same
//! configurations, pipes, sockets and flushes.
//!
//! Memory is counted, not measured, so it needs no rounds: live bytes of the Rust heap, to which deflate's
//! states belong, as zlib-rs is Rust. The allocator that counts them costs each allocation of every
//! variant some nanoseconds. The peers have the buffers that they make by default.

mod crowd;
mod ends;
mod exchange;
mod idle;
mod many;
mod quiet;

use std::process::ExitCode;

use measure::bench;
use measure::tls::Tls;
use tokio::runtime::{Builder, Runtime};

fn main() -> ExitCode {
    let tls = Tls::without_tickets();
    bench(|bench| {
        // First, while nothing else has made the process larger.
        many::table(bench, &tls);
        idle::tables(bench, &tls);
        quiet::table(bench, &tls);
        crowd::tables(bench, &tls);
    })
}

/// Of one thread.
fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
}
