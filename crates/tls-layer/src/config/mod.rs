//! Configurations out of what is mostly there: files in PEM, and the roots that the system trusts.
//!
//! They spare a page of rustls's builders where these defaults do: TLS 1.2 and 1.3, all that the
//! provider offers, and no certificate of the client. What comes out is rustls's own, and can be
//! changed before it is shared.
//!
//! ```
//! use std::sync::Arc;
//! use tls_layer::{TlsLayer, config};
//! # let made = rcgen::generate_simple_self_signed(["mail.example".to_owned()])?;
//! # let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
//! # let (chain, key) = (chain.as_bytes(), key.as_bytes());
//! # let _ = tls_layer::rustls::crypto::ring::default_provider().install_default();
//!
//! // From memory; from a file it is `Path::new("chain.pem")`.
//! let server = config::server(chain, key, None)?;
//! let server = TlsLayer::server(Arc::new(server));
//!
//! let mut client = config::client(config::roots(chain)?, None)?;
//! client.alpn_protocols = vec![b"imap".to_vec()];
//! let client = TlsLayer::client(Arc::new(client), "mail.example".try_into()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The cryptography is the provider that is given, or else the process's default
//! ([`CryptoProvider::install_default`]); none is chosen here.

mod error;
mod pem;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, Error, RootCertStore, ServerConfig};

pub use error::{ConfigError, ConfigErrorKind};
pub use pem::Pem;

/// A server that shows this chain of certificates, its own first, and has the private key of that
/// one (PKCS #8, PKCS #1 or SEC 1; not encrypted). Both may be in one file.
///
/// # Errors
///
/// As in [`ConfigErrorKind`].
pub fn server<'a>(
    chain: impl Into<Pem<'a>>,
    key: impl Into<Pem<'a>>,
    provider: Option<Arc<CryptoProvider>>,
) -> Result<ServerConfig, ConfigError> {
    let (chain, key) = (chain.into(), key.into());
    ServerConfig::builder_with_provider(or_default(provider)?)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigErrorKind::BadProvider.because(error))?
        .with_no_client_auth()
        .with_single_cert(chain.certificates()?, key.key()?)
        .map_err(|error| match error {
            Error::InvalidCertificate(_) => ConfigErrorKind::BadCertificate(1)
                .because(error)
                .of(chain.place()),
            Error::InconsistentKeys(_) => ConfigErrorKind::KeyMismatch.of(key.place()),
            _ => ConfigErrorKind::BadKey.because(error).of(key.place()),
        })
}

/// A client that trusts these [`roots`], and shows no certificate.
///
/// # Errors
///
/// As in [`ConfigErrorKind`].
pub fn client(
    roots: RootCertStore,
    provider: Option<Arc<CryptoProvider>>,
) -> Result<ClientConfig, ConfigError> {
    let config = ClientConfig::builder_with_provider(or_default(provider)?)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigErrorKind::BadProvider.because(error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// The certificates that are to be trusted: of authorities, or of single servers.
///
/// # Errors
///
/// As in [`ConfigErrorKind`]; one that cannot be read is an error even among many.
pub fn roots<'a>(pem: impl Into<Pem<'a>>) -> Result<RootCertStore, ConfigError> {
    let pem = pem.into();
    let mut roots = RootCertStore::empty();
    for (n, certificate) in pem.certificates()?.into_iter().enumerate() {
        roots.add(certificate).map_err(|error| {
            ConfigErrorKind::BadCertificate(n + 1)
                .because(error)
                .of(pem.place())
        })?;
    }
    Ok(roots)
}

/// The certificates that the system trusts, or those to which the environment variables
/// `SSL_CERT_FILE` and `SSL_CERT_DIR` point. What cannot be read among them is passed over. This
/// may take long: it is for a program's start.
///
/// # Errors
///
/// [`ConfigErrorKind::NoCertificate`], with the reason if there is one.
#[cfg(feature = "native-roots")]
pub fn native_roots() -> Result<RootCertStore, ConfigError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if !roots.is_empty() {
        return Ok(roots);
    }
    let none = ConfigErrorKind::NoCertificate.of(error::Place::System);
    Err(match found.errors.into_iter().next() {
        Some(reason) => none.because(reason),
        None => none,
    })
}

fn or_default(provider: Option<Arc<CryptoProvider>>) -> Result<Arc<CryptoProvider>, ConfigError> {
    provider
        .or_else(|| CryptoProvider::get_default().cloned())
        .ok_or_else(|| ConfigErrorKind::NoProvider.into())
}
