//! Postfix.

use peers::clients::{Ending, Smtp};
use peers::{Daemon, Result};

use crate::{Service, each_way};

const SMTP: Service = Service {
    name: "SMTP",
    resumes: true,
    cut: 1,
};

#[tokio::test]
async fn a_mail_is_handed_to_postfix_behind_starttls() -> Result<()> {
    if !Daemon::is_here(&["postfix"]) {
        return Ok(());
    }
    let server = Daemon::start("postfix", &["SMTP"]).await?;
    each_way(&server, SMTP, async |socket, tls| {
        let mut smtp = Smtp::start(socket, tls).await?;
        let info = smtp.lines.session.tls().cloned();
        let text = format!("Subject: long\r\n\r\n{}", "a line\r\n".repeat(1_000));
        smtp.send("bob@client.test", "alice@peer.test", &text)
            .await?;
        assert_eq!(smtp.quit().await?, Ending::Clean);
        Ok(info.ok_or("no TLS")?)
    })
    .await
}
