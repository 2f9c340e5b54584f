//! How servers end.

use std::sync::Arc;

use peers::clients::{Ending, Ldap};
use peers::{Daemon, Result};
use rustls::version::{TLS12, TLS13};
use tokio::net::TcpStream;

use crate::tls;

#[tokio::test]
async fn a_server_that_is_killed_has_not_ended_its_tls() -> Result<()> {
    if !Daemon::is_here(&["slapd"]) {
        return Ok(());
    }
    for version in [&TLS12, &TLS13] {
        let mut server = Daemon::start("slapd", &["LDAP"]).await?;
        let config = Arc::new(server.authority().client(&[version])?);
        let mut ldap = Ldap::start(server.connect("LDAP").await?, tls(&config)?).await?;
        // In TLS 1.3 it has read all that we sent only when it answers; else it would reset.
        assert_eq!(ldap.who_am_i().await?, "");
        server.kill()?;
        assert_eq!(ldap.session.end().await?, Ending::Truncated);
    }
    Ok(())
}

#[tokio::test]
async fn a_server_ends_also_with_a_test_that_panics() -> Result<()> {
    if !Daemon::is_here(&["slapd"]) {
        return Ok(());
    }
    let server = Daemon::start("slapd", &["LDAP"]).await?;
    let address = server.address("LDAP")?;
    let test = tokio::spawn(async move {
        let _server = server;
        panic!("as a test does");
    });
    assert!(test.await.is_err_and(|error| error.is_panic()));
    assert!(TcpStream::connect(address).await.is_err());
    Ok(())
}
