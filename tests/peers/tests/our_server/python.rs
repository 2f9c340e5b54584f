//! What comes with Python: its scripts are in `python/`.

use peers::{MAIL, Parting, Program, Result, Server, Service, is_here, skip};

use crate::setting::{Setting, WAYS, run, session};

#[tokio::test]
async fn smtplib_sends_a_mail() -> Result<()> {
    if !is_here(&["python3"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    for way in WAYS {
        let mut server = setting.serve(Service::Smtp, way).await?;
        python(&setting, &server, "smtp.py", &[]).await?;
        let session = session(&mut server, way).await?;
        assert!(session.has_heard("tls: Subject: sealed"), "{session:#?}");
        assert!(session.has_heard("tls: QUIT"), "{session:#?}");
    }
    Ok(())
}

#[tokio::test]
async fn imaplib_and_poplib_fetch_a_mail() -> Result<()> {
    if !is_here(&["python3"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    for way in WAYS {
        for (service, script) in [(Service::Imap, "imap.py"), (Service::Pop3, "pop3.py")] {
            let mut server = setting.serve(service, way).await?;
            let client = python(&setting, &server, script, &[]).await?;
            let mail: Vec<_> = client.output.lines().collect();
            assert_eq!(mail, MAIL.lines().collect::<Vec<_>>(), "{client:#?}");
            session(&mut server, way).await?;
        }
    }
    Ok(())
}

/// `ccc()` sends its close_notify, and waits for ours.
#[tokio::test]
async fn ftplib_sends_a_file_in_tls_and_fetches_it_after_ccc() -> Result<()> {
    if !is_here(&["python3"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    for way in WAYS {
        for parting in [Parting::First, Parting::Second] {
            let mut server = setting.serve_ftp(way, parting).await?;
            python(&setting, &server, "ftp.py", &[]).await?;
            let session = session(&mut server, way).await?;
            for heard in ["tls: STOR file", "tls: CCC", "NOOP", "RETR file", "QUIT"] {
                assert!(session.has_heard(heard), "{heard}: {session:#?}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn asyncio_upgrades_a_stream() -> Result<()> {
    if !has_start_tls().await? {
        return Ok(());
    }
    let setting = Setting::new()?;
    for way in WAYS {
        let mut server = setting.serve(Service::Smtp, way).await?;
        let client = python(&setting, &server, "start_tls.py", &["1"]).await?;
        assert_eq!(client.output, "", "{client:#?}");
        let session = session(&mut server, way).await?;
        assert_eq!(session.heard, ["STARTTLS", "tls: NOOP", "tls: QUIT"]);
    }
    Ok(())
}

#[tokio::test]
async fn s12_starttls_within_tls_is_refused_and_the_session_goes_on() -> Result<()> {
    if !has_start_tls().await? {
        return Ok(());
    }
    let setting = Setting::new()?;
    for way in WAYS {
        let mut server = setting.serve(Service::Smtp, way).await?;
        let client = python(&setting, &server, "start_tls.py", &["2"]).await?;
        assert_eq!(client.output.trim(), "503 TLS is active already");
        let session = session(&mut server, way).await?;
        let heard = ["STARTTLS", "tls: STARTTLS", "tls: NOOP", "tls: QUIT"];
        assert_eq!(session.heard, heard);
    }
    Ok(())
}

#[tokio::test]
async fn s12_starttls_within_tls_is_done_where_it_is_meant() -> Result<()> {
    if !has_start_tls().await? {
        return Ok(());
    }
    let setting = Setting::new()?;
    for way in WAYS {
        let mut manner = setting.manner(way)?;
        manner.nests = true;
        let mut server = Server::start(Service::Smtp, manner).await?;
        let client = python(&setting, &server, "start_tls.py", &["2"]).await?;
        assert_eq!(client.output, "", "{client:#?}");
        let session = session(&mut server, way).await?;
        let heard = [
            "STARTTLS",
            "tls: STARTTLS",
            "tls: tls: NOOP",
            "tls: tls: QUIT",
        ];
        assert_eq!(session.heard, heard);
    }
    Ok(())
}

/// Whether `StreamWriter` has `start_tls`; if not, the test is skipped.
async fn has_start_tls() -> Result<bool> {
    if !is_here(&["python3"]) {
        return Ok(false);
    }
    let look = "import asyncio; print(hasattr(asyncio.StreamWriter, 'start_tls'))";
    let has = run("python3", &["-c", look], "").await?.output.trim() == "True";
    if !has {
        skip("this python3 is older than 3.11");
    }
    Ok(has)
}

/// Runs one of the scripts, which must end well.
async fn python(
    setting: &Setting,
    server: &Server,
    script: &str,
    more: &[&str],
) -> Result<Program> {
    let script = format!("{}/python/{script}", env!("CARGO_MANIFEST_DIR"));
    let (port, ca) = (server.port.to_string(), setting.ca());
    run("python3", &[&[&*script, &port, &ca], more].concat(), "").await
}
