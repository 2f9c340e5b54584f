//! One TCP connection carries a file six times while its stack of layers changes: plain; TLS
//! pushed; zstd pushed above it; zstd popped; TLS popped, plain again; zstd alone.
//!
//! ```text
//! cargo run --release --example live_upgrade               # both peers, its own executable
//! cargo run --release --example live_upgrade -- FILE       # both peers, your file
//!
//! cargo run --release --example live_upgrade -- --listen 127.0.0.1:4000          # two processes:
//! cargo run --release --example live_upgrade -- --connect 127.0.0.1:4000 FILE    # one each
//! ```
//!
//! The peers agree on each change by a line protocol of their own: see `command.rs`. The heart is
//! in `sender.rs` and `receiver.rs`, which both hold a `Peer`.

mod board;
#[path = "../certificate/mod.rs"]
mod certificate;
mod command;
#[path = "../counted/mod.rs"]
mod counted;
mod failure;
mod parcel;
mod peer;
mod receiver;
mod sender;
mod step;

use std::io::Write;
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Parser;

use crate::board::Board;
use crate::failure::Failure;
use crate::parcel::Parcel;
use crate::step::STEPS;

/// How long a receiver may take to be reached.
const CONNECT: Duration = Duration::from_secs(5);

/// Carries a file over one TCP connection, six times, while TLS and zstd are pushed and popped.
#[derive(Parser)]
struct Arguments {
    /// The file to carry; without it, this program's own executable.
    #[arg(conflicts_with = "listen")]
    file: Option<PathBuf>,
    /// Be the receiver only, and wait for the sender at this address.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Be the sender only, and connect to the receiver at this address.
    #[arg(long, value_name = "ADDR", conflicts_with = "listen")]
    connect: Option<String>,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Asking for help is no error.
            let failed = error.use_stderr();
            let _ = error.print();
            return ExitCode::from(u8::from(failed));
        }
    };
    let done = run(arguments).and_then(|len| {
        let steps = STEPS.len();
        Board::loud().line(format_args!(
            "\nOK: {steps} steps, {len} bytes each, sha256 equal"
        ))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Not `eprintln`, which panics if nobody reads.
            let _ = writeln!(std::io::stderr(), "live_upgrade: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Runs one peer, or both. Returns the file's length.
fn run(arguments: Arguments) -> Result<u64, Failure> {
    let board = Board::loud();
    if let Some(address) = arguments.listen {
        let listener = listen(&address)?;
        let here = listener
            .local_addr()
            .map_err(Failure::because("listening"))?;
        board.line(format_args!("receiver: listening on {here}"))?;
        let (socket, _) = listener.accept().map_err(Failure::because("accepting"))?;
        return alone(|| receiver::run(socket, board));
    }
    let path = arguments.file.map_or_else(std::env::current_exe, Ok);
    let path = path.map_err(Failure::because("looking for this program's executable"))?;
    let parcel = Parcel::look_at(path)?;
    board.line(format_args!("{parcel}"))?;
    let Some(address) = arguments.connect else {
        return both(parcel, board);
    };
    let socket = connect(&address)?;
    let len = parcel.len;
    alone(|| sender::run(socket, parcel, board))?;
    Ok(len)
}

/// Both peers, each on a thread of its own.
fn both(parcel: Parcel, board: Board) -> Result<u64, Failure> {
    let listener = listen("127.0.0.1:0")?;
    let here = listener
        .local_addr()
        .map_err(Failure::because("listening"))?;
    let socket = connect(&here.to_string())?;
    let (accepted, _) = listener.accept().map_err(Failure::because("accepting"))?;
    let receiver = thread::spawn(|| alone(|| receiver::run(accepted, Board::quiet())));
    let sent = alone(|| sender::run(socket, parcel, board));
    let received = match receiver.join() {
        Ok(received) => received,
        Err(panic) => std::panic::resume_unwind(panic),
    };
    match (sent, received) {
        (Ok(()), received) => received,
        // That the peer has gone says less than why it has.
        (Err(sender), Err(receiver)) if sender.peer_has_gone() => Err(receiver),
        (Err(sender), _) => Err(sender),
    }
}

fn listen(address: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).map_err(Failure::because(format!("cannot listen on {address}")))
}

fn connect(address: &str) -> Result<TcpStream, Failure> {
    let doing = format!("cannot connect to {address}");
    let found = address
        .to_socket_addrs()
        .map_err(Failure::because(&doing))?;
    let mut failure = Failure::new(format_args!("{doing}: the name has no address"));
    for address in found {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(socket) => return Ok(socket),
            Err(error) => failure = Failure::because(&doing)(error),
        }
    }
    Err(failure)
}

/// Runs one peer on this thread.
fn alone<T, F>(peer: impl FnOnce() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::because("cannot start a runtime"))?;
    runtime.block_on(peer())
}
