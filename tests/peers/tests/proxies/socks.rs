//! SOCKS5, through microsocks.

use std::net::Ipv4Addr;

use net_layers::{Socks5, Socks5Error};
use peers::{Cut, Daemon, Result};
use stack::Connection;
use tokio::net::TcpSocket;

use crate::{parrot, talk, why};

const PROGRAMS: &[&str] = &["microsocks"];
const SERVICES: &[&str] = &["OPEN", "CLOSED"];

#[tokio::test]
async fn microsocks_connects_us_with_and_without_a_password() -> Result<()> {
    if !Daemon::is_here(PROGRAMS) {
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
    if !Daemon::is_here(PROGRAMS) {
        return Ok(());
    }
    let proxy = Daemon::start("microsocks", SERVICES).await?;
    // A port that somebody has, and nobody listens on.
    let nobody = TcpSocket::new_v4()?;
    nobody.bind((Ipv4Addr::LOCALHOST, 0).into())?;
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
        let error = Connection::wrap(proxy.connect(service).await?, layer).await;
        let error = error.unwrap_err();
        assert_eq!(why(&error), Some(expected), "{error}");
        assert_eq!(error.layer(), Some("socks5"));
    }
    Ok(())
}
