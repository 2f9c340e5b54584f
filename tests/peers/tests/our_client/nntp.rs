//! INN.

use std::sync::Arc;
use std::time::Duration;

use peers::clients::{ClientError, Ending, Nntp, Session};
use peers::{Daemon, Result, text};
use rustls::version::TLS13;
use stack::{Blame, Error, ErrorKind, Outcome};
use tls_layer::TlsLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use crate::deflate::{self, gone, has_gained, refuses_tls};
use crate::{Service, Socket, each_way, tls};

/// Whether INN can be started here. It is not installed, but unpacked.
fn is_here() -> bool {
    let innd = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../target/peers-unpacked/usr/lib/news/bin/innd"
    );
    Daemon::is_here(&[innd, "openssl", "setpriv"])
}

async fn start() -> Result<Daemon> {
    Daemon::start("inn", &["NNTP", "FEED"]).await
}

const NNTP: Service = Service {
    name: "NNTP",
    resumes: false,
    cut: 1,
};

#[tokio::test]
async fn an_article_goes_to_inn_and_back_behind_starttls() -> Result<()> {
    if !is_here() {
        return Ok(());
    }
    let server = start().await?;
    each_way(&server, NNTP, async |socket, tls| {
        let mut nntp = Nntp::start(socket, tls).await?;
        let info = nntp.lines.session.tls().cloned();
        nntp.log_in("alice", "secret").await?;
        there_and_back(&mut nntp, 10_000).await?;
        assert_eq!(nntp.quit().await?, Ending::Clean);
        Ok(info.ok_or("no TLS")?)
    })
    .await
}

#[tokio::test]
async fn a_long_article_goes_to_inn_and_back_compressed() -> Result<()> {
    if !is_here() {
        return Ok(());
    }
    let server = start().await?;
    deflate::each_way(&server, "NNTP", async |socket, tls, level| {
        let mut nntp = compressed(socket, tls, level).await?;
        there_and_back(&mut nntp, 300_000).await?;
        has_gained(&nntp.lines.session, level)?;
        leave(nntp).await
    })
    .await
}

#[tokio::test]
async fn inn_answers_many_small_commands_at_once_compressed() -> Result<()> {
    if !is_here() {
        return Ok(());
    }
    let server = start().await?;
    deflate::each_way(&server, "NNTP", async |socket, tls, level| {
        let mut nntp = compressed(socket, tls, level).await?;
        for n in 0..250 {
            nntp.lines.ask("DATE").await?;
            nntp.lines.ask("GROUP peer.test").await?;
            if n % 7 == 0 {
                nntp.lines.session.connection.flush().await?;
            }
        }
        for _ in 0..250 {
            nntp.lines.reply("111").await?;
            nntp.lines.reply("211").await?;
        }
        leave(nntp).await
    })
    .await
}

#[tokio::test]
async fn inn_refuses_a_second_compress_and_goes_on() -> Result<()> {
    if !is_here() {
        return Ok(());
    }
    let server = start().await?;
    deflate::each_way(&server, "NNTP", async |socket, tls, level| {
        let mut nntp = compressed(socket, tls, level).await?;
        match nntp.compress(level).await {
            Err(ClientError::Refused(words)) => assert!(words.starts_with("502"), "{words}"),
            other => panic!("{other:?}"),
        }
        nntp.group("peer.test").await?;
        leave(nntp).await
    })
    .await
}

#[tokio::test]
async fn s14_tls_above_deflate_is_refused_and_inn_hears_nothing_of_it() -> Result<()> {
    if !is_here() {
        return Ok(());
    }
    let server = start().await?;
    let config = Arc::new(server.authority().client(&[&TLS13])?);
    deflate::each_way(&server, "NNTP", async |socket, below, level| {
        let mut nntp = compressed(socket, below, level).await?;
        refuses_tls(&mut nntp.lines.session, tls(&config)?).await;
        nntp.group("peer.test").await?;
        leave(nntp).await
    })
    .await
}

/// It ends TLS, if there is any, and the connection. So TLS parks below deflate; and once it is gone,
/// the end of the connection is one that deflate did not announce.
#[tokio::test]
async fn c7_inn_ends_what_is_below_deflate_but_never_deflate_itself() -> Result<()> {
    if !is_here() {
        return Ok(());
    }
    let server = start().await?;
    deflate::each_way(&server, "NNTP", async |socket, below, level| {
        let has_tls = below.is_some();
        let mut nntp = compressed(socket, below, level).await?;
        let connection = &mut log_out(&mut nntp).await?.connection;
        if has_tls {
            assert_eq!(connection.read(&mut [0]).await?, 0);
            let tls = connection.layers().next().ok_or("no TLS")?;
            assert_eq!(connection.parked(), Some(tls.key()));
            let tls = tls.id::<TlsLayer>().ok_or("no TLS")?;
            assert_eq!(connection.pop(tls).await?.1, Outcome::Clean);
        }
        let error = connection.read(&mut [0]).await.unwrap_err();
        let error: &Error = error
            .get_ref()
            .ok_or("no error of ours")?
            .downcast_ref()
            .ok_or("nor this")?;
        assert_eq!(error.kind(), ErrorKind::Truncated);
        assert_eq!(error.blame(), Blame::Remote);
        assert_eq!(error.layer(), Some("deflate"));
        Ok(())
    })
    .await
}

/// Posts an article of about this size, and reads it again.
async fn there_and_back(nntp: &mut Nntp<Socket>, size: usize) -> Result<()> {
    let count = nntp.group("peer.test").await?;
    let count = count.split(' ').nth(1).ok_or("no count")?;
    let id = format!("<{count}@client.test>");
    let head = "From: alice@client.test\r\nNewsgroups: peer.test\r\nSubject: long";
    let body = text(2, size);
    let article = format!("{head}\r\nMessage-ID: {id}\r\n\r\n{body}");
    nntp.post(&article).await?;
    let mut back = nntp.article(&id).await;
    for _ in 0..30_000 {
        match &back {
            // One process has taken it, and another is to give it back; nothing tells when.
            Err(ClientError::Refused(words)) if words.starts_with("430") => {
                sleep(Duration::from_millis(1)).await;
                back = nntp.article(&id).await;
            }
            _ => break,
        }
    }
    let back = String::from_utf8(back?)?;
    let (_, back) = back.split_once("\r\n\r\n").ok_or("no body")?;
    assert!(back == body, "it is not the same");
    Ok(())
}

async fn compressed(socket: Socket, tls: Option<TlsLayer>, level: u32) -> Result<Nntp<Socket>> {
    let mut nntp = match tls {
        Some(tls) => Nntp::start(socket, tls).await?,
        None => Nntp::plain(socket).await?,
    };
    nntp.log_in("alice", "secret").await?;
    nntp.compress(level).await?;
    Ok(nntp)
}

async fn leave(mut nntp: Nntp<Socket>) -> Result<()> {
    log_out(&mut nntp).await?;
    assert_eq!(nntp.lines.session.end().await?, Ending::Truncated);
    Ok(())
}

/// Takes leave, reads the answer, and waits until INN has gone.
async fn log_out(nntp: &mut Nntp<Socket>) -> Result<&mut Session<Socket>> {
    nntp.lines.session.connection.io().cut_no_more();
    nntp.lines.ask_for("205", "QUIT").await?;
    gone(nntp.lines.session.connection.io().io()).await?;
    Ok(&mut nntp.lines.session)
}
