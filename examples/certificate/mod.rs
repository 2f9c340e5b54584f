//! A certificate of the examples' own.

use std::error::Error;
use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Makes a self-signed certificate for `localhost`, and the configuration of a server that shows
/// it. The key lives as long as the process.
pub(crate) fn make() -> Result<(CertificateDer<'static>, Arc<ServerConfig>)> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)?;
    Ok((certificate, Arc::new(config)))
}

/// The configuration of a client that trusts this certificate, and nothing else.
pub(crate) fn trust(certificate: CertificateDer<'static>) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate)?;
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
