//! Both ends' configurations of TLS, the same for every variant, and the peer.

use std::net::TcpStream;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{CipherSuite, ClientConfig, NamedGroup, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::open::Open;
use super::sockets::raw;

const NAME: &str = "localhost";

/// Both ends' configurations: TLS 1.3, AES-128-GCM, X25519.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) client: Arc<ClientConfig>,
    pub(crate) server: Arc<ServerConfig>,
}

impl Tls {
    pub(crate) fn new() -> Self {
        let mut provider = ring::default_provider();
        let suite = CipherSuite::TLS13_AES_128_GCM_SHA256;
        provider.cipher_suites.retain(|s| s.suite() == suite);
        provider
            .kx_groups
            .retain(|group| group.name() == NamedGroup::X25519);
        let provider = Arc::new(provider);
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).expect("a root");
        let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("a suite for TLS 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("a suite for TLS 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a certificate and its key");
        // A client that only writes would leave them unread, and the socket's end would be an
        // abort.
        server.send_tls13_tickets = 0;
        Self {
            client: Arc::new(client),
            server: Arc::new(server),
        }
    }
}

/// The server's name.
pub(crate) fn name() -> ServerName<'static> {
    ServerName::try_from(NAME).expect("a name")
}

/// The peer.
#[derive(Clone)]
pub(crate) struct TokioRustls(pub(crate) Tls);

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
