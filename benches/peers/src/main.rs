//! Our layers beside the TLS of other ecosystems: Go, Netty, asyncio and uvloop. `run.sh`, in this
//! package's folder, builds what they need, and starts this where their programs lie.
//!
//! Each is a program of ours, which does the same as the others, as a user of that ecosystem would
//! write it for speed:
//!
//! ```text
//! PROGRAM about        prints what it is, on one line
//! PROGRAM serve        prints a port, and serves there until it is killed
//! PROGRAM load PORT    reads orders, a line each, and prints how many nanoseconds each took
//! ```
//!
//! An order is one of these, with `plain` or `tls`:
//!
//! ```text
//! bulk tls COUNT       COUNT bytes to the server in writes of 64 KiB, and its answer
//! pingpong tls COUNT   64 B to the server and back, COUNT times on one connection
//! upgrade tls COUNT    COUNT connections, one behind another, and a line there and back on each
//! ```
//!
//! Each connection begins in clear. The client says `tls sink COUNT`, or `tls echo`, on a line (or
//! `plain` for `tls`), the server says `go ahead`, and then TLS begins on the live connection, if it
//! is to. An echo sends back what it gets. A sink counts, and when all is there it says the count on
//! a line, which the client compares. Bulk and ping-pong are timed from behind the handshake on, an
//! upgrade from its connect on. At its end the client resets the connection, so that no port lingers.
//!
//! In all of them: TLS 1.3, AES-128-GCM, X25519, a certificate of P-256 in `certificate.pem` with
//! its key in `key.pem`, which the client trusts by that file and for the name `localhost`; no
//! session is resumed; no delays; reads of 64 KiB, or more where the ecosystem chooses; a flush
//! behind what is to be answered. A program that finds another suite or another count fails.

mod order;
mod program;

use std::path::Path;
use std::process::ExitCode;

use measure::{Variant, bench, variant};

use crate::order::Order;
use crate::program::{Pair, Program};

/// The first is what the others are compared with.
const PROGRAMS: [(&str, Program); 8] = [
    ("stack + tls-layer", at_once("ours")),
    ("stack + tls-layer again (A/A)", at_once("ours")),
    ("tokio-rustls", at_once("tokio-rustls")),
    ("Go", at_once("go")),
    ("Netty, the JDK's TLS", compiled_as_it_runs("netty")),
    ("Netty, OpenSSL", compiled_as_it_runs("netty-openssl")),
    ("asyncio", at_once("asyncio")),
    ("uvloop", at_once("uvloop")),
];

/// What is as fast at once as it ever gets.
const fn at_once(file: &'static str) -> Program {
    let compiles = false;
    Program { file, compiles }
}

/// What compiles what it runs often.
const fn compiled_as_it_runs(file: &'static str) -> Program {
    let compiles = true;
    Program { file, compiles }
}

fn main() -> ExitCode {
    assert!(
        PROGRAMS[0].1.exists(),
        "run.sh makes the programs, and starts this where they lie"
    );
    write_certificate();
    let (present, missing): (Vec<_>, Vec<_>) = PROGRAMS
        .into_iter()
        .partition(|(_, program)| program.exists());
    println!("Each end is a process. Above 1x it is faster than ours.\n");
    for (name, program) in &present {
        println!("- {name}: {}", program.about());
    }
    bench(|bench| {
        for order in Order::ALL {
            let rows = present
                .iter()
                .map(|&(name, program)| row(name, program, order));
            if bench
                .compare(&order.title(), rows.collect(), order.unit())
                .is_some()
            {
                for (name, _) in &missing {
                    println!("| {name} | not installed | | | | |");
                }
            }
        }
    })
}

/// What is measured of a program, which is started only when its turn comes.
fn row(name: &str, program: Program, order: Order) -> Variant<'static> {
    let mut pair = None;
    variant(name, move || {
        pair.get_or_insert_with(|| Pair::start(program, order))
            .run(order)
    })
}

fn write_certificate() {
    let name = measure::tls::NAME.to_owned();
    let made = rcgen::generate_simple_self_signed([name]).expect("a certificate");
    for (file, text) in [
        ("certificate.pem", made.cert.pem()),
        ("key.pem", made.signing_key.serialize_pem()),
    ] {
        std::fs::write(Path::new(file), text).expect("a folder to write to");
    }
}
