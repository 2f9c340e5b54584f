//! `gnutls-cli --starttls-proto`.

use peers::{Result, Service, is_here};

use crate::setting::{Setting, WAYS, run, session};

/// A service, and how to take leave of it.
const SERVICES: [(Service, &str); 7] = [
    (Service::Smtp, "QUIT"),
    (Service::Imap, "a LOGOUT"),
    (Service::Pop3, "QUIT"),
    (Service::Ftp, "QUIT"),
    (Service::Xmpp, "</stream:stream>"),
    (Service::Ldap, ""),
    (Service::Postgres, ""),
];

#[tokio::test]
async fn gnutls_cli_upgrades_smtp_imap_pop3_ftp_xmpp_ldap_and_postgres() -> Result<()> {
    if !is_here(&["gnutls-cli"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    for way in WAYS {
        for (service, farewell) in SERVICES {
            let mut server = setting.serve(service, way).await?;
            let (port, ca) = (server.port.to_string(), setting.ca());
            let name = service.to_string();
            let arguments = [
                "--starttls-proto",
                &name,
                "--x509cafile",
                &ca,
                "--verify-hostname=localhost",
                "--port",
                &port,
                "127.0.0.1",
            ];
            eprintln!("{service} {way:?}");
            let client = run("gnutls-cli", &arguments, farewell).await?;
            let trusted = "Status: The certificate is trusted";
            assert!(client.output.contains(trusted), "{client:#?}");
            let session = session(&mut server, way).await?;
            eprintln!("{service} {way:?} {client:#?} {session:#?}");
        }
    }
    Ok(())
}
