//! A certificate made at run time, for examples and tests.

use std::error::Error;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tls_layer::config;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Makes a self-signed certificate for a server of this name, and the configuration of one that
/// shows it. The key lives as long as that.
pub(crate) fn make(name: &str) -> Result<(CertificateDer<'static>, Arc<ServerConfig>)> {
    let made = rcgen::generate_simple_self_signed([name.to_owned()])?;
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let config = config::server(chain.as_bytes(), key.as_bytes(), provider())?;
    Ok((made.cert.into(), Arc::new(config)))
}

/// The configuration of a client that trusts this certificate, and nothing else.
pub(crate) fn trust(certificate: CertificateDer<'static>) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate)?;
    Ok(Arc::new(config::client(roots, provider())?))
}

fn provider() -> Option<Arc<CryptoProvider>> {
    Some(Arc::new(default_provider()))
}
