//! Many clients at once, and slow ones.

use std::sync::Arc;

use peers::Result;
use rustls::version::TLS13;
use stack::Connection;
use tls_layer::TlsLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::connect;
use crate::gateway::Gateway;
use crate::stranger::{Talk, listen};

const CLIENTS: u64 = 2_000;
/// Every so many-th speaks TLS.
const IN_TLS: u64 = 10;

/// A server of POP3 that answers whatever it is told with the same.
async fn echo(listener: TcpListener) -> Result<()> {
    loop {
        let mut talk = Talk::accept(&listener).await?;
        tokio::spawn(async move {
            talk.say("+OK x\r\n").await?;
            loop {
                let line = talk.hear().await?;
                if line.is_empty() {
                    return Result::Ok(());
                }
                talk.say(format!("+OK {line}\r\n")).await?;
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_are_served_at_once() -> Result<()> {
    // Two files a client here: its own end, and the server's.
    let files = rlimit::increase_nofile_limit(u64::MAX)?;
    let clients = CLIENTS.min(files.saturating_sub(100) / 2);
    assert!(clients >= 100, "the system allows {files} files");
    let listener = listen().await?;
    let mut gateway = Gateway::start("pop3", listener.local_addr()?, &[]).await?;
    tokio::spawn(echo(listener));
    let config = Arc::new(gateway.authority.client(&[&TLS13])?);
    let all_are_in = Arc::new(tokio::sync::Barrier::new(clients.try_into()?));
    let mut tasks = JoinSet::new();
    for n in 0..clients {
        let (all_are_in, config, port) =
            (Arc::clone(&all_are_in), Arc::clone(&config), gateway.port);
        tasks.spawn(async move {
            let mut client = Connection::new(connect(port).await?);
            let mut greeting = [0; 7];
            client.read_exact(&mut greeting).await?;
            if n % IN_TLS == 0 {
                client.write_all(b"STLS\r\n").await?;
                client.read_exact(&mut [0; 14]).await?;
                client
                    .push(TlsLayer::client(config, "localhost".try_into()?))
                    .await?;
            }
            for word in ["USER", "PASS"] {
                client
                    .write_all(format!("{word} {n}\r\n").as_bytes())
                    .await?;
                let expected = format!("+OK {word} {n}\r\n");
                let mut answer = vec![0; expected.len()];
                client.read_exact(&mut answer).await?;
                assert_eq!(answer, expected.as_bytes());
                all_are_in.wait().await;
            }
            client.shutdown().await?;
            assert_eq!(client.read(&mut [0]).await?, 0);
            Result::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    for _ in 0..clients {
        let account = gateway.account().await?;
        assert!(account.ends_with("end=clean"), "{account}");
    }
    Ok(())
}

/// The server sends much more than anybody buffers; the client takes it in small pieces, and comes to the
/// same.
#[tokio::test]
async fn a_slow_client_gets_all_of_it() -> Result<()> {
    const LINE: &[u8] = b"+OK the quick brown fox jumps over the lazy dog\r\n";
    const LINES: usize = 200_000;
    for protocol in ["pop3", "imap"] {
        let listener = listen().await?;
        let gateway = Gateway::start(protocol, listener.local_addr()?, &[]).await?;
        let mut client = connect(gateway.port).await?;
        let (mut server, _) = listener.accept().await?;
        let serve = async move {
            for _ in 0..LINES / 1000 {
                server.write_all(&LINE.repeat(1000)).await?;
            }
            Result::Ok(server.shutdown().await?)
        };
        let hear = async move {
            // What begins a session of either.
            client.write_all(b"USER a\r\n").await?;
            client.shutdown().await?;
            let mut heard = 0;
            let mut piece = [0; 777];
            loop {
                let n = client.read(&mut piece).await?;
                if n == 0 {
                    return Result::Ok(heard);
                }
                for byte in &piece[..n] {
                    assert_eq!(*byte, LINE[heard % LINE.len()]);
                    heard += 1;
                }
            }
        };
        let ((), heard) = tokio::try_join!(serve, hear)?;
        assert_eq!(heard, LINE.len() * LINES, "{protocol}");
    }
    Ok(())
}
