//! Our layers through proxies that are not ours.

mod chain;
mod haproxy;
mod postfix;
mod seam;
mod socks;
mod squid;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use peers::{Daemon, Result};
use rustls::version::{TLS12, TLS13};
use stack::{Connection, Error};
use tls_layer::TlsLayer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// TLS to a server that calls itself localhost.
fn tls_to(server: &Daemon) -> Result<TlsLayer> {
    let config = server.authority().client(&[&TLS12, &TLS13])?;
    Ok(TlsLayer::client(Arc::new(config), "localhost".try_into()?))
}

/// A port of 127.0.0.1 where somebody speaks first, and repeats what the first client says then.
async fn parrot() -> Result<(u16, JoinHandle<std::io::Result<()>>)> {
    parrot_at(Ipv4Addr::LOCALHOST.into()).await
}

/// The same at this address.
async fn parrot_at(ip: IpAddr) -> Result<(u16, JoinHandle<std::io::Result<()>>)> {
    let listener = TcpListener::bind((ip, 0)).await?;
    let port = listener.local_addr()?.port();
    let parrot = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await?;
        socket.write_all(b"hello\r\n").await?;
        let (mut from, mut to) = socket.split();
        tokio::io::copy(&mut from, &mut to).await?;
        to.shutdown().await
    });
    Ok((port, parrot))
}

/// What a parrot says, and repeats, comes through.
async fn talk<Io: AsyncRead + AsyncWrite + Unpin>(connection: &mut Connection<Io>) -> Result<()> {
    assert_eq!(line(connection).await?, "hello\r\n");
    connection.write_all(b"Polly\r\n").await?;
    assert_eq!(line(connection).await?, "Polly\r\n");
    connection.shutdown().await?;
    assert_eq!(line(connection).await?, "");
    Ok(())
}

/// The names and addresses by which a parrot of ours can be reached.
async fn hosts() -> Vec<(IpAddr, &'static str)> {
    let (v4, v6) = (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
    let mut hosts = vec![(v4, "127.0.0.1"), (v4, "localhost")];
    match TcpListener::bind((v6, 0)).await {
        Ok(_) => hosts.push((v6, "::1")),
        Err(error) => eprintln!("not tried: ::1, where nobody can listen: {error}"),
    }
    hosts
}

async fn line<Io: AsyncRead + AsyncWrite + Unpin>(
    connection: &mut Connection<Io>,
) -> Result<String> {
    let mut line = String::new();
    connection.read_line(&mut line).await?;
    Ok(line)
}

/// Why a layer did not come up, in its own type.
fn why<T: std::error::Error + Clone + 'static>(error: &Error) -> Option<T> {
    std::error::Error::source(error)?
        .downcast_ref::<T>()
        .cloned()
}
