//! What a hostile client sends at the seam, byte for byte.

use std::sync::Arc;

use peers::{Result, Service};
use stack::{Blame, Connection, ErrorKind};
use tls_layer::TlsLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::setting::{Setting, WAYS, session};

/// How a service is asked for TLS.
struct Upgrade {
    service: Service,
    greeting: &'static [u8],
    /// What asks for TLS, and the same as the server hears it.
    request: &'static [u8],
    heard: &'static str,
    /// Go ahead.
    answer: &'static [u8],
    /// What TLS within TLS is answered.
    refusal: &'static [u8],
    /// What is smuggled behind the request.
    smuggled: &'static [u8],
}

const UPGRADES: [Upgrade; 6] = [
    Upgrade {
        service: Service::Smtp,
        greeting: b"220 peer.test ESMTP\r\n",
        request: b"STARTTLS\r\n",
        heard: "STARTTLS",
        answer: b"220 go ahead\r\n",
        refusal: b"503 TLS is active already\r\n",
        smuggled: b"NOOP\r\n",
    },
    Upgrade {
        service: Service::Imap,
        greeting: b"* OK peer.test\r\n",
        request: b"a STARTTLS\r\n",
        heard: "a STARTTLS",
        answer: b"a OK done\r\n",
        refusal: b"a BAD TLS is active already\r\n",
        smuggled: b"b NOOP\r\n",
    },
    Upgrade {
        service: Service::Pop3,
        greeting: b"+OK peer.test\r\n",
        request: b"STLS\r\n",
        heard: "STLS",
        answer: b"+OK go ahead\r\n",
        refusal: b"-ERR TLS is active already\r\n",
        smuggled: b"CAPA\r\n",
    },
    Upgrade {
        service: Service::Ftp,
        greeting: b"220 peer.test\r\n",
        request: b"AUTH TLS\r\n",
        heard: "AUTH TLS",
        answer: b"234 go ahead\r\n",
        refusal: b"534 TLS is active already\r\n",
        smuggled: b"NOOP\r\n",
    },
    Upgrade {
        service: Service::Xmpp,
        greeting: b"",
        request: b"<starttls/>",
        heard: "<starttls/>",
        answer: b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        refusal: b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        smuggled: b"</stream:stream>",
    },
    Upgrade {
        service: Service::Ldap,
        greeting: b"",
        request: b"0\x1d\x02\x01\x01w\x18\x80\x161.3.6.1.4.1.1466.20037",
        heard: "StartTLS",
        answer: b"0\x0c\x02\x01\x01x\x07\x0a\x01\0\x04\0\x04\0",
        refusal: b"0\x0c\x02\x01\x01x\x07\x0a\x01\x01\x04\0\x04\0",
        // A bind of nobody.
        smuggled: b"0\x0c\x02\x01\x02`\x07\x02\x01\x03\x04\0\x80\0",
    },
];

const POSTGRES: Upgrade = Upgrade {
    service: Service::Postgres,
    greeting: b"",
    request: b"\0\0\0\x08\x04\xd2\x16\x2f",
    heard: "SSLRequest",
    answer: b"S",
    refusal: b"E\0\0\0\x2aSFATAL\0C08P01\0MTLS is active already\0\0",
    // A startup of nobody.
    smuggled: b"\0\0\0\x09\0\x03\0\0\0",
};

#[tokio::test]
async fn s1_s2_a_command_smuggled_behind_the_request_is_never_run_whatever_the_cut() -> Result<()> {
    let setting = Setting::new()?;
    for upgrade in &UPGRADES {
        smuggle(&setting, upgrade).await?;
    }
    Ok(())
}

#[tokio::test]
async fn s4_a_startup_smuggled_behind_ssl_request_is_never_run_whatever_the_cut() -> Result<()> {
    smuggle(&Setting::new()?, &POSTGRES).await
}

#[tokio::test]
async fn s12_each_protocol_refuses_tls_within_tls_and_goes_on() -> Result<()> {
    let setting = Setting::new()?;
    for way in WAYS {
        for upgrade in UPGRADES.iter().chain([&POSTGRES]) {
            let mut server = setting.serve(upgrade.service, way).await?;
            let mut socket = connect(server.port, upgrade).await?;
            socket.write_all(upgrade.request).await?;
            expect(&mut socket, upgrade.answer).await?;
            let mut client = Connection::new(socket);
            let config = Arc::new(setting.authority.client(&[way.version])?);
            let tls = TlsLayer::client(config, "localhost".try_into()?);
            client.push(tls).await?;
            for _ in 0..2 {
                client.write_all(upgrade.request).await?;
                expect(&mut client, upgrade.refusal).await?;
            }
            client.shutdown().await?;
            let heard = format!("tls: {}", upgrade.heard);
            let session = session(&mut server, way).await?;
            assert_eq!(session.heard, [upgrade.heard, &heard, &heard]);
        }
    }
    Ok(())
}

/// Sends the request and what is smuggled behind it, cut in two at every byte.
async fn smuggle(setting: &Setting, upgrade: &Upgrade) -> Result<()> {
    let request = upgrade.request.len();
    let all = [upgrade.request, upgrade.smuggled].concat();
    for way in WAYS {
        for cut in 1..=all.len() {
            let mut server = setting.serve(upgrade.service, way).await?;
            let mut socket = connect(server.port, upgrade).await?;
            let (first, rest) = all.split_at(cut);
            socket.write_all(first).await?;
            let mut answer = upgrade.answer;
            if cut == request {
                expect(&mut socket, answer).await?;
                answer = b"";
            }
            // It may have seen enough, and be gone.
            let _ = socket.write_all(rest).await;
            let mut seen = Vec::new();
            let _ = socket.read_to_end(&mut seen).await;

            let session = server.session().await?;
            let at = format!("cut at {cut} in {way:?}, seen {seen:?}: {session:#?}");
            assert_eq!(session.heard, [upgrade.heard], "{at}");
            assert!(session.tls.is_none(), "{at}");
            let error = session.error().ok_or("no error of the stack's")?;
            assert_eq!(error.blame(), Blame::Remote, "{at}");
            // What is there before the answer is given prevents it; what comes later is no hello.
            let kinds = match (way.cut, cut == request) {
                (false, false) => &[ErrorKind::Residue][..],
                (_, true) => &[ErrorKind::Protocol],
                (true, false) => &[ErrorKind::Residue, ErrorKind::Protocol],
            };
            assert!(kinds.contains(&error.kind()), "{at}");
            match error.kind() {
                ErrorKind::Residue => assert!(seen.is_empty(), "{at}"),
                // Behind the answer there is an alert, if anything.
                _ => {
                    let n = answer.len().min(seen.len());
                    assert_eq!(&seen[..n], &answer[..n], "{at}");
                    assert!(matches!(seen[n..], [] | [0x15, ..]), "{at}");
                }
            }
        }
    }
    Ok(())
}

/// Connects, and hears the greeting.
async fn connect(port: u16, upgrade: &Upgrade) -> Result<TcpStream> {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await?;
    socket.set_nodelay(true)?;
    expect(&mut socket, upgrade.greeting).await?;
    Ok(socket)
}

/// Reads exactly this.
async fn expect(stream: &mut (impl AsyncReadExt + Unpin), what: &[u8]) -> Result<()> {
    let mut seen = vec![0; what.len()];
    stream.read_exact(&mut seen).await?;
    assert_eq!(seen, what, "{}", String::from_utf8_lossy(&seen));
    Ok(())
}
