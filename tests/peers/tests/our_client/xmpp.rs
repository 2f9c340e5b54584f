//! Prosody.

use peers::clients::{Ending, Xmpp};
use peers::{Daemon, Result};

use crate::{Service, each_way};

const XMPP: Service = Service {
    name: "XMPP",
    resumes: false,
    cut: 1,
};

#[tokio::test]
async fn prosody_lets_us_in_behind_starttls() -> Result<()> {
    if !Daemon::is_here(&["prosody"]) {
        return Ok(());
    }
    let server = Daemon::start("prosody", &["XMPP"]).await?;
    each_way(&server, XMPP, async |socket, tls| {
        let mut xmpp = Xmpp::start(socket, tls).await?;
        let info = xmpp.session.tls().cloned();
        xmpp.log_in("alice", "secret").await?;
        assert_eq!(xmpp.quit().await?, Ending::Clean);
        Ok(info.ok_or("no TLS")?)
    })
    .await
}
