//! What OpenSSL derives from a session, and from a certificate, is what we do.

use std::sync::Arc;

use peers::{Authority, Folder, Program, Result, is_here};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::{TLS12, TLS13};
use stack::Connection;
use tls_layer::{Exporter, TlsLayer, server_end_point};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

const LABEL: &str = "EXPORTER-Channel-Binding";

/// The bytes in hexadecimal digits, as OpenSSL prints them.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[tokio::test]
async fn both_ends_export_the_same() -> Result<()> {
    if !is_here(&["openssl"]) {
        return Ok(());
    }
    let authority = Authority::new()?;
    let folder = Folder::new("openssl-export")?;
    let root = folder.file("root.pem", &authority.root_pem)?;
    for (version, option) in [(&TLS12, "-tls1_2"), (&TLS13, "-tls1_3")] {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let root = root.to_str().ok_or("the folder's name is no text")?;
        let arguments = [
            ["s_client", "-verify_return_error", option].as_slice(),
            &["-connect", &address, "-CAfile", root],
            &["-keymatexport", LABEL, "-keymatexportlen", "32"],
        ]
        .concat();
        let client = Program::run("openssl", &arguments, "Q\n");
        let server = async {
            let (socket, _) = listener.accept().await?;
            let mut connection = Connection::new(socket);
            let config = Arc::new(authority.server(&[version])?);
            connection
                .push(TlsLayer::server(config).with_exporter())
                .await?;
            let exporter = connection.info::<Exporter>().ok_or("there is none")?;
            let key = exporter.export(LABEL.as_bytes(), None, [0; 32])?;
            // For TLS 1.3 no context is an empty one.
            let binding = exporter.channel_binding().ok();
            connection.read_to_end(&mut Vec::new()).await?;
            Result::Ok((key, binding))
        };
        let (client, server) = tokio::join!(client, server);
        let (client, (key, binding)) = (client?, server?);
        let line = format!("Keying material: {}", hex(&key));
        assert!(client.output.contains(&line), "{client:?}");
        assert_eq!(binding, (option == "-tls1_3").then_some(key));
    }
    Ok(())
}

#[tokio::test]
async fn the_hash_that_binds_is_the_certificates_fingerprint() -> Result<()> {
    if !is_here(&["openssl"]) {
        return Ok(());
    }
    let folder = Folder::new("openssl-binding")?;
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (key, certificate) = (file("key.pem"), file("certificate.pem"));
    let pss = "rsa_padding_mode:pss";
    for (algorithm, signed_with, options, hash) in [
        ("ED25519", "-sha256", &[][..], None),
        (
            "EC",
            "-sha1",
            &["-pkeyopt", "ec_paramgen_curve:P-256"],
            Some("-sha256"),
        ),
        (
            "EC",
            "-sha384",
            &["-pkeyopt", "ec_paramgen_curve:P-384"],
            Some("-sha384"),
        ),
        ("RSA", "-sha1", &[], Some("-sha256")),
        ("RSA", "-sha512", &[], Some("-sha512")),
        ("RSA", "-sha1", &["-sigopt", pss], Some("-sha256")),
        ("RSA", "-sha384", &["-sigopt", pss], Some("-sha384")),
        ("RSA-PSS", "-sha256", &["-sigopt", pss], Some("-sha256")),
    ] {
        let arguments = [
            ["req", "-x509", "-nodes", "-newkey", algorithm].as_slice(),
            &["-subj", "/CN=localhost", signed_with],
            &["-keyout", &key, "-out", &certificate],
            options,
        ]
        .concat();
        let made = Program::run("openssl", &arguments, "").await?;
        assert!(made.status.success(), "{made:?}");
        let der = CertificateDer::from_pem_file(&certificate)?;
        let binding = server_end_point(&der);
        let Some(hash) = hash else {
            assert_eq!(binding, None);
            continue;
        };
        let ask = ["x509", "-in", &certificate, "-noout", "-fingerprint", hash];
        let fingerprint = Program::run("openssl", &ask, "").await?.output;
        let fingerprint = fingerprint.trim().replace(':', "");
        let binding = hex(&binding.ok_or_else(|| format!("{algorithm} {signed_with}"))?);
        assert!(
            fingerprint.ends_with(&format!("={binding}")),
            "{fingerprint}"
        );
    }
    Ok(())
}
