//! Dovecot's POP3.

use peers::clients::{Ending, Pop3};
use peers::{Daemon, Result};

use crate::{Service, each_way};

const POP3: Service = Service {
    name: "POP3",
    resumes: false,
    cut: 1,
};

#[tokio::test]
async fn dovecot_counts_mails_behind_stls() -> Result<()> {
    if !Daemon::is_here(&["dovecot"]) {
        return Ok(());
    }
    let server = Daemon::start("dovecot", &["IMAP", "IMAPS", "POP3"]).await?;
    each_way(&server, POP3, async |socket, tls| {
        let mut pop3 = Pop3::start(socket, tls).await?;
        let info = pop3.lines.session.tls().cloned();
        pop3.log_in("alice", "secret").await?;
        assert_eq!(pop3.stat().await?, "0 0");
        assert_eq!(pop3.quit().await?, Ending::Clean);
        Ok(info.ok_or("no TLS")?)
    })
    .await
}
