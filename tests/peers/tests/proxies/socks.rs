//! SOCKS5, through microsocks and Dante.

use std::net::Ipv4Addr;

use net_layers::{Socks5, Socks5Error};
use peers::{Cut, Daemon, Result};
use stack::Connection;
use tokio::net::TcpSocket;

use crate::{hosts, parrot, parrot_at, talk, why};

const MICROSOCKS: &[&str] = &["microsocks"];
const DANTE: &[&str] = &["danted"];
const SERVICES: &[&str] = &["OPEN", "CLOSED"];

#[tokio::test]
async fn microsocks_connects_us_with_and_without_a_password() -> Result<()> {
    if !Daemon::is_here(MICROSOCKS) {
        return Ok(());
    }
    let proxy = Daemon::start("microsocks", SERVICES).await?;
    for host in ["127.0.0.1", "localhost"] {
        for most in [usize::MAX, 1] {
            let with_password = |port| Socks5::new(host, port).with_password("alice", "secret");
            let ways: [(_, &dyn Fn(u16) -> Socks5); 3] = [
                ("OPEN", &|port| Socks5::new(host, port)),
                ("OPEN", &with_password),
                ("CLOSED", &with_password),
            ];
            for (service, layer) in ways {
                let (port, parrot) = parrot().await?;
                let socket = Cut::new(proxy.connect(service).await?, most);
                // It takes one read for one message.
                socket.cut_no_more();
                let mut connection = Connection::wrap(socket, layer(port)).await?;
                talk(&mut connection).await?;
                parrot.await??;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn microsocks_says_why_it_does_not_connect_us() -> Result<()> {
    if !Daemon::is_here(MICROSOCKS) {
        return Ok(());
    }
    let proxy = Daemon::start("microsocks", SERVICES).await?;
    let nobody = nobody()?;
    let port = nobody.local_addr()?.port();
    let cases = [
        (
            "OPEN",
            Socks5::new("127.0.0.1", port),
            Socks5Error::ConnectionRefused,
        ),
        (
            "CLOSED",
            Socks5::new("127.0.0.1", port),
            Socks5Error::NoMethod,
        ),
        (
            "CLOSED",
            Socks5::new("127.0.0.1", port).with_password("alice", "wrong"),
            Socks5Error::Password,
        ),
    ];
    for (service, layer, expected) in cases {
        refuses(&proxy, service, layer, expected).await?;
    }
    Ok(())
}

/// Dante takes what we say in any pieces, and names and addresses of all kinds.
#[tokio::test]
async fn dante_connects_us_to_names_and_addresses() -> Result<()> {
    if !Daemon::is_here(DANTE) {
        return Ok(());
    }
    let proxy = Daemon::start("danted", SERVICES).await?;
    for (ip, host) in hosts().await {
        for most in [usize::MAX, 1] {
            let (port, parrot) = parrot_at(ip).await?;
            let socket = Cut::new(proxy.connect("OPEN").await?, most);
            // It may want the password or not.
            let layer = Socks5::new(host, port).with_password("alice", "secret");
            let mut connection = Connection::wrap(socket, layer).await?;
            talk(&mut connection).await?;
            parrot.await??;
        }
    }
    Ok(())
}

#[tokio::test]
async fn dante_says_why_it_does_not_connect_us() -> Result<()> {
    if !Daemon::is_here(DANTE) {
        return Ok(());
    }
    let proxy = Daemon::start("danted", SERVICES).await?;
    let nobody = nobody()?;
    let port = nobody.local_addr()?.port();
    let unknown = Socks5::new("127.0.0.1", port).with_password("nobody-of-this-name", "wrong");
    let cases = [
        (
            "OPEN",
            Socks5::new("127.0.0.1", port),
            Socks5Error::ConnectionRefused,
        ),
        (
            "OPEN",
            Socks5::new("127.0.0.2", port),
            Socks5Error::NotAllowed,
        ),
        (
            "CLOSED",
            Socks5::new("127.0.0.1", port),
            Socks5Error::NoMethod,
        ),
        ("CLOSED", unknown, Socks5Error::Password),
    ];
    for (service, layer, expected) in cases {
        refuses(&proxy, service, layer, expected).await?;
    }
    Ok(())
}

async fn refuses(
    proxy: &Daemon,
    service: &str,
    layer: Socks5,
    expected: Socks5Error,
) -> Result<()> {
    let error = Connection::wrap(proxy.connect(service).await?, layer).await;
    let error = error.unwrap_err();
    assert_eq!(why(&error), Some(expected), "{error}");
    assert_eq!(error.layer(), Some("socks5"));
    Ok(())
}

/// Has a port where nobody listens.
fn nobody() -> Result<TcpSocket> {
    let nobody = TcpSocket::new_v4()?;
    nobody.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    Ok(nobody)
}
