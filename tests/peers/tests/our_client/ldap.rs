//! slapd.

use peers::clients::{Ending, Ldap};
use peers::{Daemon, Result};

use crate::{Service, each_way};

const LDAP: Service = Service {
    name: "LDAP",
    resumes: false,
    cut: 1,
};

#[tokio::test]
async fn slapd_knows_who_we_are_behind_starttls() -> Result<()> {
    if !Daemon::is_here(&["slapd"]) {
        return Ok(());
    }
    let server = Daemon::start("slapd", &["LDAP"]).await?;
    each_way(&server, LDAP, async |socket, tls| {
        let mut ldap = Ldap::start(socket, tls).await?;
        let info = ldap.session.tls().cloned();
        let alice = "cn=alice,dc=peer,dc=test";
        ldap.bind(alice, "secret").await?;
        assert_eq!(ldap.who_am_i().await?, format!("dn:{alice}"));
        assert_eq!(ldap.quit().await?, Ending::Clean);
        Ok(info.ok_or("no TLS")?)
    })
    .await
}
