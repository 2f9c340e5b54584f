//! `curl --ssl-reqd`, and its two ways to take TLS off again.

use peers::{MAIL, Parting, Program, Result, Server, Service, Session, is_here};
use stack::{Blame, ErrorKind};

use crate::setting::{Setting, WAYS, session};

#[tokio::test]
async fn curl_sends_a_mail_by_smtp() -> Result<()> {
    if !is_here(&["curl"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    let mail = setting.folder.file("mail", MAIL)?.display().to_string();
    for way in WAYS {
        let mut server = setting.serve(Service::Smtp, way).await?;
        let options = [
            "--mail-from",
            "a@peer.test",
            "--mail-rcpt",
            "b@peer.test",
            "--upload-file",
            &mail,
        ];
        let client = curl(&setting, &server, "smtp", "", &options).await?;
        assert!(client.status.success(), "{way:?}: {client:#?}");
        let session = session(&mut server, way).await?;
        assert!(session.has_heard("tls: Subject: sealed"), "{session:#?}");
        assert!(session.has_heard("tls: QUIT"), "{session:#?}");
    }
    Ok(())
}

#[tokio::test]
async fn curl_fetches_a_mail_by_imap_and_by_pop3() -> Result<()> {
    if !is_here(&["curl"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    let services = [
        (Service::Imap, "INBOX;MAILINDEX=1", "LOGOUT"),
        (Service::Pop3, "1", "QUIT"),
    ];
    for way in WAYS {
        for (service, path, farewell) in services {
            let mut server = setting.serve(service, way).await?;
            let scheme = service.to_string();
            let options = ["--user", "alice:secret"];
            let client = curl(&setting, &server, &scheme, path, &options).await?;
            assert!(client.status.success(), "{way:?}: {client:#?}");
            assert_eq!(client.output, MAIL, "{way:?}: {client:#?}");
            let session = session(&mut server, way).await?;
            let last = session.heard.last().map_or("", String::as_str);
            assert!(last.starts_with("tls: "), "{session:#?}");
            assert!(last.ends_with(farewell), "{session:#?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn curl_sends_a_file_by_ftp_with_its_data_in_tls() -> Result<()> {
    if !is_here(&["curl"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    for way in WAYS {
        let mut server = setting.serve(Service::Ftp, way).await?;
        let client = send(&setting, &server, &[]).await?;
        assert!(client.status.success(), "{way:?}: {client:#?}");
        let session = session(&mut server, way).await?;
        assert!(session.has_heard("tls: PROT P"), "{session:#?}");
        assert!(session.has_heard("tls: QUIT"), "{session:#?}");
    }
    Ok(())
}

/// It sends its close_notify when CCC is answered, and waits for ours.
#[tokio::test]
async fn curl_with_active_ccc_goes_on_in_plain_to_the_end() -> Result<()> {
    if !is_here(&["curl"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    for way in WAYS {
        for parting in [Parting::First, Parting::Second] {
            let mut server = setting.serve_ftp(way, parting).await?;
            let client = send(&setting, &server, &ACTIVE).await?;
            assert!(client.status.success(), "{way:?}, {parting:?}: {client:#?}");
            goes_on_in_plain(&session(&mut server, way).await?);
        }
    }
    Ok(())
}

/// It waits for our close_notify, but sends none of its own: what follows could as well be anybody's.
#[tokio::test]
async fn t9_curl_with_passive_ccc_sends_no_close_notify_which_is_a_typed_error() -> Result<()> {
    if !is_here(&["curl"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    for way in WAYS {
        let mut server = setting.serve(Service::Ftp, way).await?;
        let client = send(&setting, &server, &PASSIVE).await?;
        assert!(!client.status.success(), "{way:?}: {client:#?}");
        let session = server.session().await?;
        let error = session.error().ok_or("no error of the stack's")?;
        assert_eq!(error.layer(), Some("tls"), "{session:#?}");
        assert_eq!(error.kind(), ErrorKind::Protocol, "{session:#?}");
        assert_eq!(error.blame(), Blame::Remote, "{session:#?}");
        let last = session.heard.last().map(String::as_str);
        assert_eq!(last, Some("tls: CCC"), "{session:#?}");
    }
    Ok(())
}

/// Whoever wants to serve it nevertheless says so.
#[tokio::test]
async fn curl_with_passive_ccc_goes_on_in_plain_where_the_server_rips_tls_out() -> Result<()> {
    if !is_here(&["curl"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    for way in WAYS {
        let mut server = setting.serve_ftp(way, Parting::Alone).await?;
        let client = send(&setting, &server, &PASSIVE).await?;
        assert!(client.status.success(), "{way:?}: {client:#?}");
        goes_on_in_plain(&session(&mut server, way).await?);
    }
    Ok(())
}

const ACTIVE: [&str; 2] = ["--ftp-ssl-ccc-mode", "active"];
const PASSIVE: [&str; 2] = ["--ftp-ssl-ccc-mode", "passive"];

fn goes_on_in_plain(session: &Session) {
    for heard in ["tls: PROT P", "tls: CCC", "PWD", "STOR file", "QUIT"] {
        assert!(session.has_heard(heard), "{heard}: {session:#?}");
    }
}

/// curl sends a file by FTP, its data in TLS.
async fn send(setting: &Setting, server: &Server, options: &[&str]) -> Result<Program> {
    let file = setting.folder.file("file", MAIL)?.display().to_string();
    let fixed = ["--user", "alice:secret", "--upload-file", &file];
    curl(setting, server, "ftp", "file", &[&fixed, options].concat()).await
}

/// curl, which requires TLS and trusts the authority only.
async fn curl(
    setting: &Setting,
    server: &Server,
    scheme: &str,
    path: &str,
    options: &[&str],
) -> Result<Program> {
    let (ca, url) = (
        setting.ca(),
        format!("{scheme}://localhost:{}/{path}", server.port),
    );
    let fixed = ["-sS", "-4", "--ssl-reqd", "--cacert", &ca, &url];
    Program::run("curl", &[&fixed, options].concat(), "").await
}
