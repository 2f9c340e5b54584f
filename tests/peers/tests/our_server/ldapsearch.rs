//! `ldapsearch -ZZ`.

use peers::{Result, Service, is_here};

use crate::setting::{Setting, WAYS, run, session};

#[tokio::test]
async fn ldapsearch_binds_and_searches_inside_tls() -> Result<()> {
    if !is_here(&["ldapsearch"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    let trust = format!("LDAPTLS_CACERT={}", setting.ca());
    for way in WAYS {
        let mut server = setting.serve(Service::Ldap, way).await?;
        let url = format!("ldap://127.0.0.1:{}", server.port);
        let arguments = [&trust, "ldapsearch", "-ZZ", "-x", "-H", &url];
        run("env", &arguments, "").await?;
        let heard = session(&mut server, way).await?.heard;
        assert_eq!(
            heard,
            ["StartTLS", "tls: bind", "tls: search", "tls: unbind"]
        );
    }
    Ok(())
}
