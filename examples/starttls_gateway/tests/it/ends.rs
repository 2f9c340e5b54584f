//! How it ends, and how what it stands between ends.

use peers::clients::Pop3;
use peers::{Folder, Program, Result};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use crate::gateway::Gateway;
use crate::stranger::{Talk, listen};
use crate::{connect, tls};

/// A client in TLS, and its server.
async fn begin(gateway: &Gateway, listener: &TcpListener) -> Result<(Pop3<TcpStream>, Talk)> {
    let socket = connect(gateway.port).await?;
    let serve = async {
        let mut server = Talk::accept(listener).await?;
        server.say("+OK x\r\n").await?;
        assert_eq!(server.hear().await?, "CAPA");
        server.say("+OK\r\nUSER\r\n.\r\n").await?;
        Ok(server)
    };
    let start = async { Ok(Pop3::start(socket, tls(&gateway.authority)?).await?) };
    tokio::try_join!(start, serve)
}

/// A question, as the server hears it, and the answer as the client does.
async fn ask(client: &mut Pop3<TcpStream>, server: &mut Talk, question: &str) -> Result<()> {
    let asked = async {
        client.lines.ask(question).await?;
        Ok(client.lines.answer(|_| true).await?)
    };
    let answered = async {
        assert_eq!(server.hear().await?, question);
        server.say("+OK so\r\n").await
    };
    let (answer, ()) = tokio::try_join!(asked, answered)?;
    assert_eq!(answer, ["+OK so"]);
    Ok(())
}

#[tokio::test]
async fn sigterm_lets_a_session_come_to_its_end_and_nobody_else_in() -> Result<()> {
    let listener = listen()?;
    let mut gateway = Gateway::start("pop3", listener.local_addr()?, &[]).await?;
    let (mut client, mut server) = begin(&gateway, &listener).await?;
    ask(&mut client, &mut server, "USER a").await?;
    gateway.signal("TERM").await?;
    while connect(gateway.port).await.is_ok() {}
    ask(&mut client, &mut server, "PASS b").await?;
    drop(server);
    client.lines.session.end().await?;
    let account = gateway.account().await?;
    assert!(account.ends_with("end=clean"), "{account}");
    assert!(gateway.wait().await?.success());
    Ok(())
}

#[tokio::test]
async fn whoever_lives_longer_than_the_drain_is_told_properly() -> Result<()> {
    let listener = listen()?;
    let more = ["--drain", "0.05"];
    let mut gateway = Gateway::start("pop3", listener.local_addr()?, &more).await?;
    let (mut client, mut server) = begin(&gateway, &listener).await?;
    ask(&mut client, &mut server, "USER a").await?;
    gateway.signal("INT").await?;
    // With close_notify.
    let connection = &mut client.lines.session.connection;
    assert_eq!(connection.read(&mut [0]).await?, 0);
    assert!(connection.parked().is_some());
    let account = gateway.account().await?;
    assert!(account.ends_with("end=\"the gateway ends\""), "{account}");
    assert!(gateway.wait().await?.success());
    Ok(())
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() -> Result<()> {
    let listener = listen()?;
    let more = ["--drain", "3600"];
    let mut gateway = Gateway::start("pop3", listener.local_addr()?, &more).await?;
    let (mut client, mut server) = begin(&gateway, &listener).await?;
    ask(&mut client, &mut server, "USER a").await?;
    gateway.signal("TERM").await?;
    while connect(gateway.port).await.is_ok() {}
    gateway.signal("TERM").await?;
    assert!(gateway.wait().await?.success());
    Ok(())
}

#[tokio::test]
async fn a_server_that_goes_ends_the_session_and_so_does_a_client() -> Result<()> {
    let listener = listen()?;
    let mut gateway = Gateway::start("pop3", listener.local_addr()?, &[]).await?;
    let (mut client, mut server) = begin(&gateway, &listener).await?;
    ask(&mut client, &mut server, "USER a").await?;
    drop(server);
    client.lines.session.end().await?;
    assert!(gateway.account().await?.ends_with("end=clean"));

    // Without its close_notify.
    let (mut client, mut server) = begin(&gateway, &listener).await?;
    ask(&mut client, &mut server, "USER a").await?;
    drop(client);
    assert_eq!(server.hear_all().await?, b"");
    let account = gateway.account().await?;
    assert!(!account.ends_with("end=clean"), "{account}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_of() -> Result<()> {
    let listener = listen()?;
    let backend = listener.local_addr()?;
    drop(listener);
    let mut gateway = Gateway::start("imap", backend, &[]).await?;
    let mut client = connect(gateway.port).await?;
    assert_eq!(client.read(&mut [0]).await?, 0);
    let account = gateway.account().await?;
    assert!(account.contains("refused"), "{account}");
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_is_said_at_the_start() -> Result<()> {
    let folder = Folder::new("bad")?;
    let bad = folder.file("bad.pem", "no PEM")?;
    let bad = bad.to_str().ok_or("no text")?;
    let listener = listen()?;
    let taken = listener.local_addr()?.to_string();
    let of = |protocol, listen, certificate| {
        [
            "--protocol",
            protocol,
            "--listen",
            listen,
            "--backend",
            "localhost:1",
            "--certificate",
            certificate,
            "--key",
            certificate,
        ]
    };
    for (arguments, status, words) in [
        (of("gopher", "127.0.0.1:0", bad), 2, "gopher"),
        (of("imap", "nowhere", bad), 2, "nowhere"),
        (of("imap", "127.0.0.1:0", "missing.pem"), 1, "missing.pem: "),
        (of("imap", "127.0.0.1:0", bad), 1, "certificate and key: "),
    ] {
        let done = Program::run(env!("CARGO_BIN_EXE_starttls_gateway"), &arguments, "").await?;
        assert_eq!(done.status.code(), Some(status), "{done:#?}");
        assert!(done.errors.contains(words), "{done:#?}");
    }
    let nobody = [&of("imap", "127.0.0.1:0", bad)[..], &["--connections", "0"]].concat();
    let done = Program::run(env!("CARGO_BIN_EXE_starttls_gateway"), &nobody, "").await?;
    assert_eq!(done.status.code(), Some(2), "{done:#?}");
    let gateway = Gateway::start("imap", listener.local_addr()?, &[]).await?;
    let chain = gateway.folder.path().join("chain.pem");
    let key = gateway.folder.path().join("key.pem");
    let mut arguments = of("imap", &taken, chain.to_str().ok_or("no text")?);
    arguments[9] = key.to_str().ok_or("no text")?;
    let done = Program::run(env!("CARGO_BIN_EXE_starttls_gateway"), &arguments, "").await?;
    assert_eq!(done.status.code(), Some(1), "{done:#?}");
    assert!(done.errors.contains(&taken), "{done:#?}");
    Ok(())
}
