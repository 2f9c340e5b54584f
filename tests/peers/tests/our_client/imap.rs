//! Dovecot's IMAP.

use peers::clients::{Ending, Imap};
use peers::{Daemon, Result};
use tls_layer::TlsInfo;

use crate::{Service, Socket, each_way};

const IMAP: Service = Service {
    name: "IMAP",
    resumes: false,
    cut: 1,
};

const IMAPS: Service = Service {
    name: "IMAPS",
    ..IMAP
};

#[tokio::test]
async fn a_mailbox_of_dovecot_is_opened_behind_starttls_and_within_tls() -> Result<()> {
    if !Daemon::is_here(&["dovecot"]) {
        return Ok(());
    }
    let server = Daemon::start("dovecot", &["IMAP", "IMAPS", "POP3"]).await?;
    each_way(&server, IMAP, async |socket, tls| {
        open(Imap::start(socket, tls).await?).await
    })
    .await?;
    each_way(&server, IMAPS, async |socket, tls| {
        open(Imap::within(socket, tls).await?).await
    })
    .await
}

async fn open(mut imap: Imap<Socket>) -> Result<TlsInfo> {
    let info = imap.lines.session.tls().cloned();
    imap.log_in("alice", "secret").await?;
    let said = imap.select("INBOX").await?;
    assert!(said.contains(&"* 0 EXISTS".to_owned()), "{said:?}");
    assert_eq!(imap.quit().await?, Ending::Clean);
    Ok(info.ok_or("no TLS")?)
}
