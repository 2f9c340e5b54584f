//! Dovecot's POP3.

use peers::clients::{Ending, Pop3};
use peers::{Result, Server};

use crate::{Resumes, each_way};

#[tokio::test]
async fn dovecot_counts_mails_behind_stls() -> Result<()> {
    if !Server::is_here(&["dovecot"]) {
        return Ok(());
    }
    let server = Server::start("dovecot", &["IMAP", "IMAPS", "POP3"]).await?;
    each_way(&server, "POP3", Resumes::No, async |socket, tls| {
        let mut pop3 = Pop3::start(socket, tls).await?;
        let info = pop3.lines.session.tls().cloned();
        pop3.log_in("alice", "secret").await?;
        assert_eq!(pop3.stat().await?, "0 0");
        assert_eq!(pop3.quit().await?, Ending::Clean);
        Ok(info.ok_or("no TLS")?)
    })
    .await
}
