//! ProFTPD.

use peers::clients::{Ending, Ftp};
use peers::{Result, Server};

use crate::{Service, each_way};

/// ProFTPD forgets a plain line whose CR and LF come in two reads; so nothing here is cut there.
const FTP: Service = Service {
    name: "FTP",
    resumes: true,
    cut: 7,
};

#[tokio::test]
async fn proftpd_goes_over_to_tls_and_by_ccc_back_to_plain() -> Result<()> {
    if !Server::is_here(&["proftpd", "openssl"]) {
        return Ok(());
    }
    let server = Server::start("proftpd", &["FTP"]).await?;
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
    if !Server::is_here(&["proftpd", "openssl"]) {
        return Ok(());
    }
    let server = Server::start("proftpd", &["FTP"]).await?;
    each_way(&server, FTP, async |socket, tls| {
        let mut ftp = Ftp::start(socket, tls).await?;
        let info = ftp.lines.session.tls().cloned();
        ftp.log_in("alice", "secret").await?;
        assert_eq!(ftp.quit().await?, Ending::Clean);
        Ok(info.ok_or("no TLS")?)
    })
    .await
}
