//! Dovecot's IMAP, compressed.

use std::sync::Arc;

use compress_layer::CompressLayer;
use peers::clients::{ClientError, Ending, Imap, Lines};
use peers::{Daemon, Result, text};
use rustls::version::TLS13;
use stack::{Outcome, State};
use tls_layer::TlsLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::deflate::{each_way, gone, has_gained, refuses_tls};
use crate::{Socket, tls};

const SERVICES: [&str; 3] = ["IMAP", "IMAPS", "POP3"];

#[tokio::test]
async fn a_long_mail_goes_to_dovecot_and_back_compressed() -> Result<()> {
    if !Daemon::is_here(&["dovecot"]) {
        return Ok(());
    }
    let server = Daemon::start("dovecot", &SERVICES).await?;
    let mail = format!("Subject: long\r\n\r\n{}", text(1, 300_000));
    each_way(&server, "IMAP", async |socket, tls, level| {
        let mut imap = compressed(socket, tls, level).await?;
        let said = imap.select("INBOX").await?;
        let count = |line: &String| {
            line.strip_prefix("* ")?
                .strip_suffix(" EXISTS")?
                .parse()
                .ok()
        };
        let count: usize = said.iter().find_map(count).ok_or("no count")?;
        imap.append("INBOX", &mail).await?;
        let back = imap.fetch(count + 1).await?;
        assert!(back == mail.as_bytes(), "it is not the same");
        has_gained(&imap.lines.session, level)?;
        leave(imap).await
    })
    .await
}

#[tokio::test]
async fn dovecot_answers_many_small_commands_at_once_compressed() -> Result<()> {
    if !Daemon::is_here(&["dovecot"]) {
        return Ok(());
    }
    let server = Daemon::start("dovecot", &SERVICES).await?;
    each_way(&server, "IMAP", async |socket, tls, level| {
        let mut lines = compressed(socket, tls, level).await?.lines;
        for n in 0..500 {
            lines.ask(&format!("n{n} NOOP")).await?;
            if n % 7 == 0 {
                lines.session.connection.flush().await?;
            }
        }
        for n in 0..500 {
            let answer = lines.answer(|_| true).await?.concat();
            assert!(answer.starts_with(&format!("n{n} OK")), "{answer}");
        }
        leave(Imap { lines }).await
    })
    .await
}

#[tokio::test]
async fn dovecot_refuses_a_second_compress_and_goes_on() -> Result<()> {
    if !Daemon::is_here(&["dovecot"]) {
        return Ok(());
    }
    let server = Daemon::start("dovecot", &SERVICES).await?;
    each_way(&server, "IMAP", async |socket, tls, level| {
        let mut imap = compressed(socket, tls, level).await?;
        match imap.compress(level).await {
            Err(ClientError::Refused(words)) => {
                assert!(words.starts_with("a NO [COMPRESSIONACTIVE]"), "{words}");
            }
            other => panic!("{other:?}"),
        }
        imap.select("INBOX").await?;
        leave(imap).await
    })
    .await
}

#[tokio::test]
async fn s14_tls_above_deflate_is_refused_and_dovecot_hears_nothing_of_it() -> Result<()> {
    if !Daemon::is_here(&["dovecot"]) {
        return Ok(());
    }
    let server = Daemon::start("dovecot", &SERVICES).await?;
    let config = Arc::new(server.authority().client(&[&TLS13])?);
    each_way(&server, "IMAP", async |socket, below, level| {
        let mut imap = compressed(socket, below, level).await?;
        refuses_tls(&mut imap.lines.session, tls(&config)?).await;
        imap.select("INBOX").await?;
        leave(imap).await
    })
    .await
}

/// The last block is a part of the answer to LOGOUT, and behind it comes TLS's end, and the
/// connection's: each is read as an end of its own.
#[tokio::test]
async fn dovecot_ends_deflate_and_what_is_below_it_one_by_one() -> Result<()> {
    if !Daemon::is_here(&["dovecot"]) {
        return Ok(());
    }
    let server = Daemon::start("dovecot", &SERVICES).await?;
    each_way(&server, "IMAP", async |socket, below, level| {
        let has_tls = below.is_some();
        let mut lines = log_out(compressed(socket, below, level).await?).await?;
        let connection = &mut lines.session.connection;

        assert_eq!(connection.read(&mut [0]).await?, 0);
        let deflate = connection.layers().next_back().ok_or("no layer")?;
        assert_eq!(deflate.state(), State::Parked);
        assert_eq!(connection.parked(), Some(deflate.key()));
        let deflate = deflate.id::<CompressLayer>().ok_or("no codec")?;
        let (_, outcome) = connection.pop(deflate).await?;
        assert_eq!(outcome, Outcome::Clean);

        if has_tls {
            assert_eq!(connection.read(&mut [0]).await?, 0);
            let tls = connection.layers().next_back().ok_or("no layer")?;
            assert_eq!(connection.parked(), Some(tls.key()));
            let tls = tls.id::<TlsLayer>().ok_or("no TLS")?;
            // A pop would say farewell, and who has gone may have refused what came before it.
            assert_eq!(connection.rip(tls)?.1, Outcome::Ripped { held: 0 });
        }
        assert_eq!(connection.read(&mut [0]).await?, 0);
        assert_eq!(connection.parked(), None);
        assert_eq!(connection.stack().to_string(), "app <=> network");
        Ok(())
    })
    .await
}

async fn compressed(socket: Socket, tls: Option<TlsLayer>, level: u32) -> Result<Imap<Socket>> {
    let mut imap = match tls {
        Some(tls) => Imap::start(socket, tls).await?,
        None => Imap::plain(socket).await?,
    };
    imap.log_in("alice", "secret").await?;
    imap.compress(level).await?;
    Ok(imap)
}

async fn leave(imap: Imap<Socket>) -> Result<()> {
    let lines = log_out(imap).await?;
    assert_eq!(lines.session.end().await?, Ending::Clean);
    Ok(())
}

/// Takes leave, reads the answer, and waits until Dovecot has gone. It goes at the last letter of the
/// command, so if the end of our block came after that, it would be answered with a reset.
async fn log_out(imap: Imap<Socket>) -> Result<Lines<Socket>> {
    let mut lines = imap.lines;
    lines.session.connection.io().cut_no_more();
    lines.ask("a LOGOUT").await?;
    lines.answer(|line| line.starts_with("a OK")).await?;
    gone(lines.session.connection.io().io()).await?;
    Ok(lines)
}
