//! `swaks -tls`.

use peers::{Result, Service, is_here};

use crate::setting::{Setting, WAYS, run, session};

#[tokio::test]
async fn swaks_sends_a_mail() -> Result<()> {
    if !is_here(&["swaks"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    for way in WAYS {
        let mut server = setting.serve(Service::Smtp, way).await?;
        let (port, ca) = (server.port.to_string(), setting.ca());
        let arguments = [
            "--server",
            "localhost",
            "--port",
            &port,
            "--from",
            "a@peer.test",
            "--to",
            "b@peer.test",
            "--body",
            "sealed",
            "-tls",
            "--tls-verify",
            "--tls-ca-path",
            &ca,
        ];
        run("swaks", &arguments, "").await?;
        let session = session(&mut server, way).await?;
        assert!(session.has_heard("tls: sealed"), "{session:#?}");
        assert!(session.has_heard("tls: QUIT"), "{session:#?}");
    }
    Ok(())
}
