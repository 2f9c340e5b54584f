//! Both ends' configurations of TLS, the same for every variant; the peer, and ours.

use std::net::TcpStream;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{
    CipherSuite, ClientConfig, HandshakeKind, NamedGroup, RootCertStore, ServerConfig,
    SupportedProtocolVersion, version,
};
use stack::Connection;
use tls_layer::{TlsInfo, TlsLayer};
use tokio::io::AsyncWriteExt;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::handshake::Handshake;
use crate::open::Open;
use crate::sockets::raw;

/// The server's, in its certificate.
pub const NAME: &str = "localhost";

/// Both ends' configurations: TLS 1.3 unless 1.2 is said, AES-128-GCM, X25519, and a certificate of P-256 that signs
/// itself.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The client's.
    pub client: Arc<ClientConfig>,
    /// The server's.
    pub server: Arc<ServerConfig>,
    /// The server's, which the client trusts; for peers that are not rustls.
    pub certificate: CertificateDer<'static>,
    /// Its key, in PKCS #8.
    pub key: Arc<PrivatePkcs8KeyDer<'static>>,
}

impl Tls {
    /// Each handshake is a full one: the server gives no tickets. A client that only writes would
    /// leave them unread, too, and the socket's end would be an abort.
    pub fn without_tickets() -> Self {
        Self::new(&version::TLS13, |server| server.send_tls13_tickets = 0)
    }

    /// The same in TLS 1.2, in which no server gives a ticket unless it has a key for them.
    pub fn of_1_2() -> Self {
        Self::new(&version::TLS12, |_| ())
    }

    /// The server gives a ticket at each handshake, for the next one, and keeps no session.
    pub fn with_tickets() -> Self {
        Self::new(&version::TLS13, |server| {
            server.send_tls13_tickets = 1;
            server.ticketer = ring::Ticketer::new().expect("a key for tickets");
        })
    }

    /// As [`without_tickets`](Self::without_tickets), with a certificate that others have, too.
    pub fn of(certificate: CertificateDer<'static>, key: PrivatePkcs8KeyDer<'static>) -> Self {
        Self::with(certificate, key, &version::TLS13, |server| {
            server.send_tls13_tickets = 0;
        })
    }

    fn new(
        version: &'static SupportedProtocolVersion,
        tickets: impl FnOnce(&mut ServerConfig),
    ) -> Self {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).expect("a certificate");
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        Self::with(made.cert.der().clone(), key, version, tickets)
    }

    fn with(
        certificate: CertificateDer<'static>,
        key: PrivatePkcs8KeyDer<'static>,
        version: &'static SupportedProtocolVersion,
        tickets: impl FnOnce(&mut ServerConfig),
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).expect("a root");
        let provider = Arc::new(provider());
        let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[version])
            .expect("a suite")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .expect("a suite")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.clone()],
                PrivateKeyDer::from(key.clone_key()),
            )
            .expect("a certificate and its key");
        tickets(&mut server);
        Self {
            client: Arc::new(client),
            server: Arc::new(server),
            certificate,
            key: Arc::new(key),
        }
    }
}

/// Ring, kept to one suite of each version, and one group.
fn provider() -> CryptoProvider {
    let mut provider = ring::default_provider();
    let suites = [
        CipherSuite::TLS13_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ];
    provider
        .cipher_suites
        .retain(|s| suites.contains(&s.suite()));
    let group = NamedGroup::X25519;
    provider.kx_groups.retain(|g| g.name() == group);
    provider
}

/// The server's name.
pub fn name() -> ServerName<'static> {
    ServerName::try_from(NAME).expect("a name")
}

/// The peer.
#[derive(Clone, Debug)]
pub struct TokioRustls(pub Tls);

impl Open for TokioRustls {
    type Client = tokio_rustls::client::TlsStream<tokio::net::TcpStream>;
    type Server = tokio_rustls::server::TlsStream<tokio::net::TcpStream>;

    async fn client(self, socket: TcpStream) -> Self::Client {
        let connector = TlsConnector::from(self.0.client);
        let stream = connector.connect(name(), raw(socket)).await;
        stream.expect("a handshake")
    }

    async fn server(self, socket: TcpStream) -> Self::Server {
        let acceptor = TlsAcceptor::from(self.0.server);
        acceptor.accept(raw(socket)).await.expect("a handshake")
    }
}

impl Handshake for TokioRustls {
    fn resumed(client: &Self::Client) -> bool {
        client.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed)
    }
}

/// Our layer.
#[derive(Clone, Debug)]
pub struct Layered(pub Tls);

impl Open for Layered {
    type Client = Connection<tokio::net::TcpStream>;
    type Server = Connection<tokio::net::TcpStream>;

    async fn client(self, socket: TcpStream) -> Self::Client {
        opened(socket, TlsLayer::client(self.0.client, name())).await
    }

    async fn server(self, socket: TcpStream) -> Self::Server {
        opened(socket, TlsLayer::server(self.0.server)).await
    }
}

impl Handshake for Layered {
    fn resumed(client: &Self::Client) -> bool {
        client.info::<TlsInfo>().is_some_and(|info| info.resumed)
    }
}

async fn opened(socket: TcpStream, layer: TlsLayer) -> Connection<tokio::net::TcpStream> {
    let mut connection = Connection::new(raw(socket));
    connection.push(layer).await.expect("a handshake");
    // The peer waits for the end of the handshake before it reads on.
    connection.flush().await.expect("a peer");
    connection
}
