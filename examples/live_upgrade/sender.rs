//! The peer that sends the file, and says what is pushed and popped.

use std::net::TcpStream;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::board::Board;
use crate::certificate;
use crate::command::{Command, GOT, GREETING, HAVE, NO, OK, shortened, unhex};
use crate::failure::Failure;
use crate::parcel::Parcel;
use crate::peer::{Peer, STALL, Tls, beginning, within};
use crate::step::{Carried, Change, STEPS};

/// How much of the file is in memory at once.
const BLOCK: usize = 256 * 1024;

pub(crate) async fn run(socket: TcpStream, parcel: Parcel, board: Board) -> Result<(), Failure> {
    let ends = socket
        .local_addr()
        .and_then(|here| Ok((here, socket.peer_addr()?)));
    let (here, there) = ends.map_err(Failure::because("cannot look at the socket"))?;
    board.line(format_args!(
        "{here} <=> {there}, one TCP connection throughout"
    ))?;

    let mut peer = Peer::new(socket)?;
    let tls = greeted(&mut peer).await?;
    for (step, change) in (1..).zip(STEPS.iter().map(|step| step.change)) {
        let began = Instant::now();
        if let Some(change) = change {
            ask(&mut peer, Command::Change(change)).await?;
            peer.change(change, b"", &tls).await?;
        }
        let took = began.elapsed();
        board.step(step, peer.stack())?;
        if change.is_some() {
            let agreed = peer.agreed().filter(|_| change == Some(Change::PushTls));
            let agreed = agreed.map_or_else(String::new, |agreed| format!(": {agreed}"));
            board.line(format_args!("   asked for and done in {took:.1?}{agreed}"))?;
        }
        let carried = carry(&mut peer, &parcel, step, board).await?;
        board.carried(&carried)?;
    }
    ask(&mut peer, Command::Quit).await?;
    peer.close().await
}

/// Takes the server's certificate from its greeting, and trusts it and no other.
///
/// Trust on first use, of a greeting in clear, is for this demonstration only: whoever stands
/// between the two can put his own certificate there. A real client has its roots.
async fn greeted(peer: &mut Peer) -> Result<Tls, Failure> {
    let greeting = peer.hear_soon("waiting for the greeting").await?;
    let certificate = greeting.strip_prefix(GREETING).and_then(unhex);
    let trusted = certificate.map(|der| certificate::trust(der.into()));
    match trusted {
        Some(Ok(config)) => Ok(Tls::Client(config)),
        Some(Err(error)) => Err(Failure::new(format_args!(
            "the certificate is no good: {error}"
        ))),
        None => Err(Failure::new(format_args!(
            "the peer speaks something else: {:?}",
            shortened(&greeting)
        ))),
    }
}

/// Says what is wanted, and waits for the receiver's OK.
async fn ask(peer: &mut Peer, command: Command) -> Result<(), Failure> {
    peer.say(&command).await?;
    let asked = beginning(&command.to_string());
    let doing = format!("waiting for the answer to {asked}");
    let answer = peer.hear_soon(&doing).await?;
    expect(&answer, (answer == OK).then_some(()))
}

/// Sends the file once.
async fn carry(
    peer: &mut Peer,
    parcel: &Parcel,
    step: usize,
    board: Board,
) -> Result<Carried, Failure> {
    let (len, sha256) = (parcel.len, parcel.sha256.clone());
    let mut file = parcel.open().await?.take(len);
    ask(peer, Command::File { step, len, sha256 }).await?;

    let (began, before) = (Instant::now(), peer.connection.io().counts().sent());
    let bar = board.bar(len);
    let doing = format!("sending the file in step {step}");
    let mut block = vec![0; BLOCK];
    let mut sent = 0;
    while sent < len {
        let n = file
            .read(&mut block)
            .await
            .map_err(Failure::because("reading the file"))?;
        if n == 0 {
            return Err(Failure::new("the file has become shorter in the meantime"));
        }
        let mut rest = &block[..n];
        while !rest.is_empty() {
            let n = within(STALL, &doing, peer.connection.write(rest)).await?;
            rest = &rest[n..];
            sent += n as u64;
            bar.set_position(sent);
        }
    }
    within(STALL, &doing, peer.connection.flush()).await?;
    let doing = format!("waiting for the sum of step {step}");
    let mut answer = peer.hear(&doing, STALL).await?;
    while answer.starts_with(HAVE) {
        answer = peer.hear(&doing, STALL).await?;
    }
    bar.finish_and_clear();

    let carried = Carried {
        app: sent,
        wire: peer.connection.io().counts().sent() - before,
        time: began.elapsed(),
    };
    let theirs = expect(&answer, answer.strip_prefix(GOT))?;
    if theirs != parcel.sha256 {
        return Err(Failure::new(format_args!(
            "step {step}: the receiver's sha256 differs, or the file has changed in the meantime: \
             {:?}",
            theirs.chars().take(64).collect::<String>()
        )));
    }
    Ok(carried)
}

/// What was wanted of an answer, if it is there.
fn expect<T>(answer: &str, wanted: Option<T>) -> Result<T, Failure> {
    wanted.ok_or_else(|| match answer.strip_prefix(NO) {
        Some(why) => Failure::new(format_args!("the peer refuses: {:?}", shortened(why))),
        None => Failure::new(format_args!(
            "the peer speaks something else: {:?}",
            shortened(answer)
        )),
    })
}
