//! Stands before a server of SMTP, IMAP, POP3 or PostgreSQL that speaks plain text only, and gives it
//! STARTTLS (STLS, SSLRequest), the PROXY protocol to tell it who its clients are, and for IMAP
//! compression.
//!
//! ```text
//! clients  ==TLS, deflate==>  starttls_gateway  --PROXY header, plain text-->  server
//! ```
//!
//! ```sh
//! cargo run --release -p starttls_gateway -- --protocol imap --listen 0.0.0.0:143 \
//!     --backend 127.0.0.1:1143 --certificate chain.pem --key key.pem --proxy-protocol v2 --require-tls
//! ```
//!
//! It follows a dialogue as long as TLS can begin in it, or compression, and answers for the server there.
//! Everything else it passes on. For each connection that ends it prints a line. SIGTERM, or Ctrl-C, lets
//! those that live come to their end, for as long as `--drain` says; a second one ends them at once.

mod account;
mod arguments;
mod dialogue;
mod gateway;
mod imap;
mod lines;
mod offers;
mod pop3;
mod postgres;
mod relay;
mod scanner;
mod session;
mod smtp;

use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::Runtime;

use arguments::Arguments;
use gateway::{Gateway, Result};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Two a connection; if the system allows no more, accepting waits.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("starttls_gateway: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    let runtime = Runtime::new()?;
    let ended = runtime.block_on(async { Gateway::new(arguments).await?.run().await });
    // Without waiting for a log that nobody reads.
    runtime.shutdown_background();
    ended
}
