//! The peer that receives the file, and does what it is asked for.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::io::AsyncBufReadExt;

use crate::board::Board;
use crate::certificate;
use crate::command::{Command, GOT, GREETING, HAVE, NO, OK, hex, shortened};
use crate::failure::Failure;
use crate::peer::{Peer, STALL, Tls, within};
use crate::step::{Carried, STEPS};

/// How often to say how much has come.
const HAVE_EVERY: Duration = Duration::from_secs(10);

/// Returns the length of the file.
pub(crate) async fn run(socket: TcpStream, board: Board) -> Result<u64, Failure> {
    let from = socket
        .peer_addr()
        .map_err(Failure::because("cannot look at the socket"))?;
    board.line(format_args!(
        "the sender is {from}; one TCP connection throughout"
    ))?;

    let (certificate, config) = certificate::make("localhost")
        .map_err(|error| Failure::new(format_args!("cannot make a certificate: {error}")))?;
    let tls = Tls::Server(config);
    let mut peer = Peer::new(socket)?;
    peer.say(format!("{GREETING}{}", hex(&certificate))).await?;

    // The steps that were made, the change that is due for the next one, the file's length.
    let (mut steps, mut due, mut last) = (0, STEPS[0].change, 0);
    loop {
        let line = peer.hear_soon("waiting for a command").await?;
        let asked: Result<Command, _> = line.parse();
        match asked {
            // Not `say` and then a push: the sender's first bytes could come in between.
            Ok(Command::Change(change)) if due == Some(change) => {
                let answer = format!("{OK}\n");
                peer.change(change, answer.as_bytes(), &tls).await?;
                due = None;
            }
            Ok(Command::File { step, len, sha256 })
                if due.is_none() && step == steps + 1 && step <= STEPS.len() =>
            {
                board.step(step, peer.stack())?;
                board.carried(&receive(&mut peer, step, len, &sha256, board).await?)?;
                (steps, last) = (step, len);
                due = STEPS.get(steps).and_then(|next| next.change);
            }
            Ok(Command::Quit) if steps == STEPS.len() => {
                peer.say(OK).await?;
                peer.close().await?;
                return Ok(last);
            }
            asked => {
                let out_of_turn = || format!("{:?} is out of turn", shortened(&line));
                let why = asked.err().unwrap_or_else(out_of_turn);
                // If the answer finds nobody, there is still our own error to report.
                let _ = peer.say(format!("{NO}{why}")).await;
                return Err(Failure::new(format_args!(
                    "not what was expected of the peer: {why}"
                )));
            }
        }
    }
}

/// Receives the file once.
async fn receive(
    peer: &mut Peer,
    step: usize,
    len: u64,
    sha256: &str,
    board: Board,
) -> Result<Carried, Failure> {
    peer.say(OK).await?;
    let (began, before) = (Instant::now(), peer.connection.io().counts().received());
    let bar = board.bar(len);
    let doing = format!("receiving the file in step {step}");
    let mut sum = Sha256::new();
    let (mut left, mut said) = (len, Instant::now());
    while left > 0 {
        let bytes = within(STALL, &doing, peer.connection.fill_buf()).await?;
        let n = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if n == 0 {
            let error = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
            return Err(Failure::because(doing)(error));
        }
        sum.update(&bytes[..n]);
        peer.connection.consume(n);
        left -= n as u64;
        bar.set_position(len - left);
        // A sender may be done long before a slow link is; it is to know that it need not give up.
        if said.elapsed() > HAVE_EVERY {
            peer.say(format!("{HAVE}{}", len - left)).await?;
            said = Instant::now();
        }
    }
    bar.finish_and_clear();
    let carried = Carried {
        app: len,
        wire: peer.connection.io().counts().received() - before,
        time: began.elapsed(),
    };
    let ours = hex(&sum.finalize());
    peer.say(format!("{GOT}{ours}")).await?;
    if ours != sha256 {
        return Err(Failure::new(format_args!(
            "step {step}: the sha256 differs: {ours}"
        )));
    }
    Ok(carried)
}
