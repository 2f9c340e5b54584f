//! HTTP CONNECT, through Squid.

use net_layers::{ConnectError, HttpConnect};
use peers::{Cut, Daemon, Result};
use stack::Connection;

use crate::{hosts, parrot, parrot_at, talk, tls_to, why};

pub(crate) const PROGRAMS: &[&str] = &["squid", "openssl"];
pub(crate) const SERVICES: &[&str] = &["HTTP", "HTTPS", "AUTH"];

#[tokio::test]
async fn squid_connects_us_with_and_without_a_password_and_in_tls() -> Result<()> {
    if !Daemon::is_here(PROGRAMS) {
        return Ok(());
    }
    let proxy = Daemon::start("squid", SERVICES).await?;
    for service in SERVICES {
        for most in [usize::MAX, 1] {
            let (port, parrot) = parrot().await?;
            let socket = Cut::new(proxy.connect(service).await?, most);
            let mut connection = Connection::new(socket);
            if *service == "HTTPS" {
                connection.push(tls_to(&proxy)?).await?;
            }
            let connect = HttpConnect::new("127.0.0.1", port).with_password("alice", "secret");
            connection.push(connect).await?;
            talk(&mut connection).await?;
            parrot.await??;
        }
    }
    Ok(())
}

#[tokio::test]
async fn squid_connects_us_to_names_and_addresses() -> Result<()> {
    if !Daemon::is_here(PROGRAMS) {
        return Ok(());
    }
    let proxy = Daemon::start("squid", SERVICES).await?;
    for (ip, host) in hosts().await {
        let (port, parrot) = parrot_at(ip).await?;
        let socket = proxy.connect("HTTP").await?;
        let mut connection = Connection::wrap(socket, HttpConnect::new(host, port)).await?;
        talk(&mut connection).await?;
        parrot.await??;
    }
    Ok(())
}

#[tokio::test]
async fn squid_says_why_it_does_not_connect_us() -> Result<()> {
    if !Daemon::is_here(PROGRAMS) {
        return Ok(());
    }
    let proxy = Daemon::start("squid", SERVICES).await?;
    let cases = [
        ("HTTP", HttpConnect::new("127.0.0.2", 25), 403),
        ("HTTP", HttpConnect::new("127.0.0.1", 1), 503),
        ("AUTH", HttpConnect::new("127.0.0.1", 25), 407),
        (
            "AUTH",
            HttpConnect::new("127.0.0.1", 25).with_password("alice", "wrong"),
            407,
        ),
    ];
    for (service, layer, status) in cases {
        let error = Connection::wrap(proxy.connect(service).await?, layer).await;
        let error = error.unwrap_err();
        let told: ConnectError = why(&error).ok_or("the proxy's answer is not told")?;
        assert_eq!(told.status, status, "{error}");
        assert_eq!(error.layer(), Some("http-connect"));
    }
    Ok(())
}
