//! Both ends' configurations of TLS, the same for every variant.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{CipherSuite, ClientConfig, NamedGroup, RootCertStore, ServerConfig};

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
