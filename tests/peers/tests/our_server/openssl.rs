//! `openssl s_client -starttls`.

use peers::{Program, Result, Server, Service, is_here};
use rustls::version::{TLS12, TLS13};
use stack::Blame;
use tls_layer::TlsVersion;

use crate::setting::{Setting, WAYS, Way, run, session};

/// A service, what to say to it inside TLS, and what is then heard.
const SERVICES: [(Service, &str, &str); 7] = [
    (Service::Smtp, "QUIT\n", "tls: QUIT"),
    (Service::Imap, "a LOGOUT\n", "tls: a LOGOUT"),
    (Service::Pop3, "QUIT\n", "tls: QUIT"),
    (Service::Ftp, "QUIT\n", "tls: QUIT"),
    (Service::Xmpp, "</stream:stream>", "tls: </stream:stream>"),
    // An unbind, and a good-bye.
    (Service::Ldap, "0\x05\x02\x01\x09B\0", "tls: unbind"),
    (
        Service::Postgres,
        "\0\0\0\x09\0\x03\0\0\0X\0\0\0\x04",
        "tls: startup",
    ),
];

#[tokio::test]
async fn s_client_upgrades_smtp_imap_pop3_ftp_xmpp_ldap_and_postgres() -> Result<()> {
    if !is_here(&["openssl"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    for way in WAYS {
        for (service, words, heard) in SERVICES {
            let mut server = setting.serve(service, way).await?;
            let client = s_client(&setting, &server, service, way.tls(), &[], words).await?;
            assert!(client.output.contains("Verification: OK"), "{client:#?}");
            let session = session(&mut server, way).await?;
            assert!(session.has_heard(heard), "{service}, {way:?}: {session:#?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn s_client_resumes_a_session_that_it_had_before_in_tls_1_2_and_1_3() -> Result<()> {
    if !is_here(&["openssl"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    for way in WAYS {
        let mut server = setting.serve(Service::Smtp, way).await?;
        let kept = setting.folder.path().join("session.pem");
        let kept = kept.display().to_string();
        for (option, resumed) in [("-sess_out", false), ("-sess_in", true)] {
            let options = [option, &kept];
            let client = s_client(
                &setting,
                &server,
                Service::Smtp,
                way.tls(),
                &options,
                "QUIT\n",
            );
            let client = client.await?;
            assert_eq!(client.output.contains("Reused, "), resumed, "{client:#?}");
            let session = session(&mut server, way).await?;
            let tls = session.tls.as_ref();
            assert_eq!(tls.map(|tls| tls.resumed), Some(resumed), "{session:#?}");
        }
    }
    Ok(())
}

/// The client in `version`, which trusts the authority only, says `words` inside TLS, and stays
/// until the server ends.
async fn s_client(
    setting: &Setting,
    server: &Server,
    service: Service,
    version: TlsVersion,
    options: &[&str],
    words: &str,
) -> Result<Program> {
    let (service, address) = (service.to_string(), format!("127.0.0.1:{}", server.port));
    let ca = setting.ca();
    let version = match version {
        TlsVersion::Tls12 => "-tls1_2",
        _ => "-tls1_3",
    };
    let fixed = [
        "s_client",
        "-starttls",
        &service,
        "-connect",
        &address,
        version,
        "-verify_return_error",
        "-verify_hostname",
        "localhost",
        "-CAfile",
        &ca,
        "-ign_eof",
    ];
    run("openssl", &[&fixed, options].concat(), words).await
}

#[tokio::test]
async fn s_client_that_trusts_another_authority_ends_the_handshake_with_a_typed_error() -> Result<()>
{
    if !is_here(&["openssl"]) {
        return Ok(());
    }
    let (setting, stranger) = (Setting::new()?, Setting::new()?);
    for version in [&TLS12, &TLS13] {
        let way = Way {
            version,
            cut: false,
        };
        let mut server = setting.serve(Service::Smtp, way).await?;
        let address = format!("127.0.0.1:{}", server.port);
        let ca = stranger.ca();
        let arguments = [
            "s_client",
            "-starttls",
            "smtp",
            "-connect",
            &address,
            "-verify_return_error",
            "-CAfile",
            &ca,
        ];
        let client = Program::run("openssl", &arguments, "").await?;
        assert!(!client.status.success(), "{client:#?}");
        let session = server.session().await?;
        let error = session.error().ok_or("no error of the stack's")?;
        assert_eq!(error.layer(), Some("tls"), "{session:#?}");
        assert_eq!(error.blame(), Blame::Remote, "{session:#?}");
    }
    Ok(())
}
