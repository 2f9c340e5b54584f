//! ProFTPD.

use std::sync::Arc;
use std::time::Duration;

use peers::clients::{Ending, Ftp};
use peers::{Daemon, Result};
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::{LONGEST, Service, each_way, tls};

/// ProFTPD forgets a plain line whose CR and LF come in two reads; so nothing here is cut there.
const FTP: Service = Service {
    name: "FTP",
    resumes: true,
    cut: 7,
};

#[tokio::test]
async fn proftpd_goes_over_to_tls_and_by_ccc_back_to_plain() -> Result<()> {
    if !Daemon::is_here(&["proftpd", "openssl"]) {
        return Ok(());
    }
    let server = Daemon::start("proftpd", &["FTP"]).await?;
    each_way(&server, FTP, async |socket, tls| {
        let mut ftp = Ftp::start(socket, tls).await?;
        let info = ftp.lines.session.tls().cloned();
        ftp.log_in("alice", "secret").await?;
        let in_tls = ftp.folder().await?;
        ftp.clear().await?;
        assert!(ftp.lines.session.tls().is_none());
        assert_eq!(ftp.folder().await?, in_tls);
        assert_eq!(ftp.quit().await?, Ending::Clean);
        Ok(info.ok_or("no TLS")?)
    })
    .await
}

#[tokio::test]
async fn proftpd_ends_in_tls() -> Result<()> {
    if !Daemon::is_here(&["proftpd", "openssl"]) {
        return Ok(());
    }
    let server = Daemon::start("proftpd", &["FTP"]).await?;
    each_way(&server, FTP, async |socket, tls| {
        let mut ftp = Ftp::start(socket, tls).await?;
        let info = ftp.lines.session.tls().cloned();
        ftp.log_in("alice", "secret").await?;
        assert_eq!(ftp.quit().await?, Ending::Clean);
        Ok(info.ok_or("no TLS")?)
    })
    .await
}

/// ProFTPD ends TLS as soon as it has said that it will. To a slow client both come as one.
#[tokio::test]
async fn proftpd_ends_tls_in_the_read_that_brings_its_reply() -> Result<()> {
    if !Daemon::is_here(&["proftpd", "openssl"]) {
        return Ok(());
    }
    let server = Daemon::start("proftpd", &["FTP"]).await?;
    for version in [&TLS12, &TLS13] {
        let config = Arc::new(server.authority().client(&[version])?);
        let mut ftp = Ftp::start(server.connect("FTP").await?, tls(&config)?).await?;
        ftp.log_in("alice", "secret").await?;
        let in_tls = ftp.folder().await?;
        ftp.lines.ask("CCC").await?;
        let connection = &mut ftp.lines.session.connection;
        connection.flush().await?;
        timeout(LONGEST, two_records(connection.io())).await??;
        ftp.lines.reply("200").await?;
        assert!(ftp.lines.session.connection.parked().is_some());
        ftp.lines.session.end_tls().await?;
        assert_eq!(ftp.folder().await?, in_tls);
        assert_eq!(ftp.quit().await?, Ending::Clean);
    }
    Ok(())
}

/// Waits until two records of TLS have come, and reads neither.
async fn two_records(socket: &TcpStream) -> Result<()> {
    let mut bytes = [0; 1024];
    loop {
        let n = socket.peek(&mut bytes).await?;
        let behind_one = |at: usize| {
            let header = bytes[..n].get(at..at + 5)?;
            Some(at + 5 + usize::from(u16::from_be_bytes([header[3], header[4]])))
        };
        if behind_one(0)
            .and_then(behind_one)
            .is_some_and(|end| end <= n)
        {
            return Ok(());
        }
        sleep(Duration::from_millis(1)).await;
    }
}
