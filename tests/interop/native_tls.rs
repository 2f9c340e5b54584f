//! The platform's TLS, by tokio-native-tls, as a layer of a live connection, against rustls as one.

use std::sync::Arc;
use std::time::Duration;

use native_tls::{Certificate, Identity};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use stack::{Connection, Error, ErrorKind, Residue, Role, StreamLayer, Wire};
use tls_layer::{TlsInfo, TlsLayer, TlsVersion};
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex,
    split,
};
use tokio::time::timeout;

const NAME: &str = "mail.example";

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Client,
    Server,
}

/// Which side is the platform's, and the version that both speak. On OpenSSL, native-tls's server
/// has no TLS 1.3.
const CASES: [(Side, &SupportedProtocolVersion); 3] = [
    (Side::Client, &TLS12),
    (Side::Client, &TLS13),
    (Side::Server, &TLS12),
];

/// The platform's TLS and ours, that trust each other: the one as this side, the other as its peer.
fn layers(theirs: Side, version: &'static SupportedProtocolVersion) -> (StreamLayer, TlsLayer) {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
    let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    match theirs {
        Side::Client => {
            let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
            let config = ServerConfig::builder_with_provider(provider)
                .with_protocol_versions(&[version])
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![made.cert.der().clone()], PrivateKeyDer::from(key))
                .unwrap();
            let root = Certificate::from_pem(pem.as_bytes()).unwrap();
            let connector = native_tls::TlsConnector::builder()
                .add_root_certificate(root)
                .build()
                .unwrap();
            let connector = tokio_native_tls::TlsConnector::from(connector);
            let theirs = StreamLayer::new("native-tls", |wire: Wire| async move {
                connector.connect(NAME, wire).await
            });
            (theirs, TlsLayer::server(Arc::new(config)))
        }
        Side::Server => {
            let identity = Identity::from_pkcs8(pem.as_bytes(), key.as_bytes()).unwrap();
            let acceptor = native_tls::TlsAcceptor::new(identity).unwrap();
            let acceptor = tokio_native_tls::TlsAcceptor::from(acceptor);
            let mut roots = RootCertStore::empty();
            roots.add(made.cert.der().clone()).unwrap();
            let config = ClientConfig::builder_with_provider(provider)
                .with_protocol_versions(&[version])
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            let theirs = StreamLayer::new("native-tls", |wire: Wire| async move {
                acceptor.accept(wire).await
            });
            let name = ServerName::try_from(NAME).unwrap();
            (theirs, TlsLayer::client(Arc::new(config), name))
        }
    }
}

/// Said where STARTTLS is: nothing may come along with the answer, and nothing stand in its way.
fn strict(layer: StreamLayer) -> StreamLayer {
    layer
        .with_residue(Residue::Reject)
        .with_role(Role::Encryption)
}

fn pattern(n: usize, seed: usize) -> Vec<u8> {
    (0..n).map(|i| ((i / 7 * 31 + seed) % 251) as u8).collect()
}

/// Both write `ours` and read as much, at once.
async fn exchange<S: AsyncRead + AsyncWrite>(stream: S, ours: &[u8], theirs: &[u8]) {
    let (mut reader, mut writer) = split(stream);
    let mut seen = vec![0; theirs.len()];
    let writing = async {
        writer.write_all(ours).await.unwrap();
        writer.flush().await.unwrap();
    };
    let (_, read) = tokio::join!(writing, reader.read_exact(&mut seen));
    read.unwrap();
    assert!(seen == theirs);
}

async fn soon<F: Future>(future: F) -> F::Output {
    let soon = timeout(Duration::from_secs(60), future).await;
    soon.expect("it hangs")
}

async fn line(connection: &mut Connection<DuplexStream>) -> String {
    let mut line = String::new();
    connection.read_line(&mut line).await.unwrap();
    line
}

/// Speaks in plain, then STARTTLS; both layers are up.
async fn starttls<L: stack::Layer>(
    connection: &mut Connection<DuplexStream>,
    side: Side,
    layer: L,
) -> stack::LayerId<L> {
    match side {
        Side::Client => {
            connection.write_all(b"STARTTLS\r\n").await.unwrap();
            assert_eq!(line(connection).await, "220 go\r\n");
            connection.push(layer).await.unwrap()
        }
        Side::Server => {
            assert_eq!(line(connection).await, "STARTTLS\r\n");
            connection.push_after(b"220 go\r\n", layer).await.unwrap()
        }
    }
}

fn other(side: Side) -> Side {
    match side {
        Side::Client => Side::Server,
        Side::Server => Side::Client,
    }
}

#[tokio::test]
async fn pushed_live_it_carries_data_both_ways_and_closes_cleanly() {
    let body = |seed| pattern(1_000_000, seed);
    for (side, version) in CASES {
        let (native, ours) = layers(side, version);
        // Wide, and narrower than any record.
        let (a, b) = duplex(if version == &TLS12 { 64 * 1024 } else { 777 });
        let native = async {
            let mut a = Connection::new(a);
            starttls(&mut a, side, strict(native)).await;
            exchange(&mut a, &body(1), &body(2)).await;
            // Ours closes first; theirs may still write.
            assert_eq!(a.read(&mut [0]).await.unwrap(), 0);
            a.write_all(b"last").await.unwrap();
            a.shutdown().await.unwrap();
        };
        let ours = async {
            let mut b = Connection::new(b);
            starttls(&mut b, other(side), ours).await;
            let spoken = b.info::<TlsInfo>().unwrap().version;
            assert_eq!(spoken == TlsVersion::Tls12, version == &TLS12);
            exchange(&mut b, &body(2), &body(1)).await;
            b.shutdown().await.unwrap();
            let mut rest = Vec::new();
            b.read_to_end(&mut rest).await.unwrap();
            assert_eq!(rest, b"last");
        };
        soon(async { tokio::join!(native, ours) }).await;
    }
}

#[tokio::test]
async fn the_native_side_closes_first() {
    for (side, version) in CASES {
        let (native, ours) = layers(side, version);
        let (a, b) = duplex(4096);
        let native = async {
            let mut a = Connection::new(a);
            starttls(&mut a, side, strict(native)).await;
            a.write_all(b"bye").await.unwrap();
            a.shutdown().await.unwrap();
            let mut rest = Vec::new();
            a.read_to_end(&mut rest).await.unwrap();
            assert_eq!(rest, b"and still heard");
        };
        let ours = async {
            let mut b = Connection::new(b);
            starttls(&mut b, other(side), ours).await;
            let mut rest = Vec::new();
            b.read_to_end(&mut rest).await.unwrap();
            assert_eq!(rest, b"bye");
            b.write_all(b"and still heard").await.unwrap();
            b.shutdown().await.unwrap();
        };
        soon(async { tokio::join!(native, ours) }).await;
    }
}

/// OpenSSL reads record by record, and so no byte behind the peer's close_notify: said by
/// `with_end_mark`, a pop is exact.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn popped_by_its_end_mark_the_stream_goes_on_in_plain_at_the_exact_byte() {
    for (side, version) in CASES {
        for native_asks in [true, false] {
            let (native, ours) = layers(side, version);
            let (a, b) = duplex(4096);
            let native = async {
                let mut a = Connection::new(a);
                let tls = starttls(&mut a, side, strict(native).with_end_mark()).await;
                exchange(&mut a, b"secret", b"SECRET").await;
                if !native_asks {
                    // The peer's close_notify, and what it sent in plain behind it at once.
                    assert_eq!(a.read(&mut [0]).await.unwrap(), 0);
                    assert_eq!(a.parked(), Some(tls.key()));
                }
                a.pop(tls).await.unwrap();
                exchange(&mut a, b"plain", b"PLAIN").await;
            };
            let ours = async {
                let mut b = Connection::new(b);
                let tls = starttls(&mut b, other(side), ours).await;
                exchange(&mut b, b"SECRET", b"secret").await;
                if native_asks {
                    assert_eq!(b.read(&mut [0]).await.unwrap(), 0);
                } else {
                    b.start_pop(tls).await.unwrap();
                    b.write_all(b"PLA").await.unwrap();
                    b.flush().await.unwrap();
                }
                b.pop(tls).await.unwrap();
                let rest: &[u8] = if native_asks { b"PLAIN" } else { b"IN" };
                exchange(&mut b, rest, b"plain").await;
            };
            soon(async { tokio::join!(native, ours) }).await;
        }
    }
}

/// Without, it answers the peer's close_notify when it is popped.
#[tokio::test]
async fn popped_behind_the_peers_close_notify_it_answers() {
    for (side, version) in CASES {
        let (native, ours) = layers(side, version);
        let (a, b) = duplex(4096);
        let native = async {
            let mut a = Connection::new(a);
            let tls = starttls(&mut a, side, strict(native)).await;
            exchange(&mut a, b"secret", b"SECRET").await;
            assert_eq!(a.read(&mut [0]).await.unwrap(), 0);
            a.pop(tls).await.unwrap();
            exchange(&mut a, b"plain", b"PLAIN").await;
        };
        let ours = async {
            let mut b = Connection::new(b);
            let tls = starttls(&mut b, other(side), ours).await;
            exchange(&mut b, b"SECRET", b"secret").await;
            b.pop(tls).await.unwrap();
            exchange(&mut b, b"PLAIN", b"plain").await;
        };
        soon(async { tokio::join!(native, ours) }).await;
    }
}

/// On OpenSSL, native-tls takes it for a clean end; so it is `with_end_mark` that finds it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_input_without_a_close_notify_is_truncated() {
    for (side, version) in CASES {
        let (native, ours) = layers(side, version);
        let (a, b) = duplex(4096);
        let native = async {
            let mut a = Connection::new(a);
            starttls(&mut a, side, strict(native).with_end_mark()).await;
            let mut seen = Vec::new();
            let error = a.read_to_end(&mut seen).await.unwrap_err();
            assert_eq!(seen, b"half a sto");
            let error = error.get_ref().unwrap().downcast_ref::<Error>().unwrap();
            assert_eq!(error.kind(), ErrorKind::Truncated);
            assert_eq!(error.layer(), Some("native-tls"));
        };
        let ours = async {
            let mut b = Connection::new(b);
            starttls(&mut b, other(side), ours).await;
            b.write_all(b"half a sto").await.unwrap();
            b.flush().await.unwrap();
        };
        soon(async { tokio::join!(native, ours) }).await;
    }
}
