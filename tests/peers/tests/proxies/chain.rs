//! What stands on one connection when a client reads mail through a proxy that is spoken to in TLS: TLS,
//! CONNECT, STARTTLS, TLS once more, and COMPRESS.

use std::sync::Arc;

use compress_layer::CompressLayer;
use net_layers::{HttpConnect, Starttls};
use peers::{Cut, Daemon, Result};
use rustls::version::{TLS12, TLS13};
use stack::{Connection, Template};
use tls_layer::TlsLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::squid::{PROGRAMS, SERVICES};
use crate::{line, tls_to};

async fn start() -> Result<Option<(Daemon, Daemon)>> {
    if !Daemon::is_here(&[PROGRAMS, &["dovecot"]].concat()) {
        return Ok(None);
    }
    let squid = Daemon::start("squid", SERVICES).await?;
    let dovecot = Daemon::start("dovecot", &["IMAP", "IMAPS", "POP3"]).await?;
    Ok(Some((squid, dovecot)))
}

const DRAWING: &str = "app <=> deflate <=> tls <=> starttls <=> http-connect <=> tls <=> network";

#[tokio::test]
async fn mail_is_read_compressed_in_tls_through_a_proxy_in_tls() -> Result<()> {
    let Some((squid, dovecot)) = start().await? else {
        return Ok(());
    };
    let target = dovecot.address("IMAP")?;
    for most in [usize::MAX, 1] {
        let socket = Cut::new(squid.connect("HTTPS").await?, most);
        let mut connection = Connection::new(socket);
        connection.push(tls_to(&squid)?).await?;
        connection
            .push(HttpConnect::new(target.ip().to_string(), target.port()))
            .await?;
        connection.push(Starttls::imap()).await?;
        connection.push(tls_to(&dovecot)?.anywhere()).await?;
        read_mail(connection).await?;
    }
    Ok(())
}

/// All that comes before the login as one.
#[tokio::test]
async fn the_way_to_the_mail_is_one_template() -> Result<()> {
    let Some((squid, dovecot)) = start().await? else {
        return Ok(());
    };
    let target = dovecot.address("IMAP")?;
    let config = |of: &Daemon| of.authority().client(&[&TLS12, &TLS13]).map(Arc::new);
    let (outer, inner) = (config(&squid)?, config(&dovecot)?);
    let name = "localhost".try_into()?;
    let (outer_name, inner_name) = (Clone::clone(&name), name);
    let way = Template::new()
        .layer("tls", move || {
            TlsLayer::client(outer.clone(), Clone::clone(&outer_name))
        })
        .layer("connect", move || {
            HttpConnect::new(target.ip().to_string(), target.port())
        })
        .layer("starttls", Starttls::imap)
        .layer("tls", move || {
            TlsLayer::client(inner.clone(), Clone::clone(&inner_name)).anywhere()
        });
    for most in [usize::MAX, 1] {
        let socket = Cut::new(squid.connect("HTTPS").await?, most);
        read_mail(Connection::from_template(socket, &way).await?).await?;
    }
    Ok(())
}

async fn read_mail<Io>(mut connection: Connection<Io>) -> Result<()>
where
    Io: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    ask(&mut connection, "LOGIN alice secret").await?;
    ask(&mut connection, "COMPRESS DEFLATE").await?;
    connection.push(CompressLayer::deflate(6)).await?;
    assert_eq!(connection.stack().to_string(), DRAWING);

    let mail = format!(
        "Subject: through a proxy\r\n\r\n{}",
        "and back\r\n".repeat(10_000)
    );
    let length = mail.len();
    connection
        .write_all(format!("x APPEND INBOX {{{length}}}\r\n").as_bytes())
        .await?;
    assert!(line(&mut connection).await?.starts_with('+'));
    connection.write_all(mail.as_bytes()).await?;
    connection.write_all(b"\r\n").await?;
    while !line(&mut connection).await?.starts_with("x OK") {}
    ask(&mut connection, "SELECT INBOX").await?;
    connection.write_all(b"x FETCH * BODY[]\r\n").await?;
    assert!(
        line(&mut connection)
            .await?
            .ends_with(&format!("{{{length}}}\r\n"))
    );
    let mut fetched = vec![0; length];
    connection.read_exact(&mut fetched).await?;
    assert!(
        fetched == mail.as_bytes(),
        "the mail has changed on its way"
    );
    while !line(&mut connection).await?.starts_with("x OK") {}
    connection.write_all(b"x LOGOUT\r\n").await?;
    while !line(&mut connection).await?.starts_with("x OK") {}
    // Each layer's end has come, and nothing before it.
    assert_eq!(connection.read_to_end(&mut Vec::new()).await?, 0);
    // It may be gone already.
    let _ = connection.shutdown().await;
    Ok(())
}

async fn ask<Io>(connection: &mut Connection<Io>, command: &str) -> Result<()>
where
    Io: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    connection
        .write_all(format!("x {command}\r\n").as_bytes())
        .await?;
    loop {
        let line = line(connection).await?;
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["x", "OK", ..] => return Ok(()),
            ["*", ..] => {}
            _ => return Err(format!("{command}: {line}").into()),
        }
    }
}
