//! `gnutls-cli --starttls-proto`.

use peers::{Program, Result, Server, Service, is_here};

use crate::setting::{Setting, WAYS, run, session};

/// A service, how to take leave of it, and what is then heard.
const SERVICES: [(Service, &str, &str); 7] = [
    (Service::Smtp, "QUIT", "tls: QUIT"),
    (Service::Imap, "a LOGOUT", "tls: a LOGOUT"),
    (Service::Pop3, "QUIT", "tls: QUIT"),
    (Service::Ftp, "QUIT", "tls: QUIT"),
    (Service::Xmpp, "</stream:stream>", "tls: </stream:stream>"),
    // Here it speaks lines only, which these do not; so it leaves with a close_notify.
    (Service::Ldap, "", "StartTLS"),
    (Service::Postgres, "", "SSLRequest"),
];

#[tokio::test]
async fn gnutls_cli_upgrades_smtp_imap_pop3_ftp_xmpp_ldap_and_postgres() -> Result<()> {
    if !is_here(&["gnutls-cli"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    for way in WAYS {
        for (service, farewell, heard) in SERVICES {
            let mut server = setting.serve(service, way).await?;
            let client = gnutls_cli(&setting, &server, service, &[], farewell).await?;
            let trusted = "Status: The certificate is trusted";
            assert!(client.output.contains(trusted), "{client:#?}");
            let session = session(&mut server, way).await?;
            let last = session.heard.last().map(String::as_str);
            assert_eq!(last, Some(heard), "{service}: {session:#?}");
        }
    }
    Ok(())
}

/// It connects, leaves as soon as it has what it needs, connects again and resumes.
#[tokio::test]
async fn gnutls_cli_resumes_a_session_in_tls_1_2_and_1_3() -> Result<()> {
    if !is_here(&["gnutls-cli"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    for way in WAYS {
        let mut server = setting.serve(Service::Smtp, way).await?;
        let options = ["--resume", "--waitresumption"];
        let client = gnutls_cli(&setting, &server, Service::Smtp, &options, "QUIT").await?;
        let resumed = "This is a resumed session";
        assert!(client.output.contains(resumed), "{client:#?}");
        let mut resumed = Vec::new();
        for _ in 0..2 {
            let session = session(&mut server, way).await?;
            resumed.extend(session.tls.map(|tls| tls.resumed));
        }
        // Who is over first is theirs to say.
        resumed.sort();
        assert_eq!(resumed, [false, true], "{way:?}");
    }
    Ok(())
}

/// The client, which trusts the authority only, and says `farewell` inside TLS.
async fn gnutls_cli(
    setting: &Setting,
    server: &Server,
    service: Service,
    options: &[&str],
    farewell: &str,
) -> Result<Program> {
    let (service, port, ca) = (service.to_string(), server.port.to_string(), setting.ca());
    let fixed = [
        "--starttls-proto",
        &service,
        "--x509cafile",
        &ca,
        "--verify-hostname=localhost",
        "--port",
        &port,
        "127.0.0.1",
    ];
    run("gnutls-cli", &[options, &fixed].concat(), farewell).await
}
