//! A certificate authority of the tests' own.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};

use crate::Result;

/// An authority, and a certificate for `localhost`, `peer.test` and 127.0.0.1, of a server or a client.
#[derive(Debug)]
pub struct Authority {
    root: CertificateDer<'static>,
    /// The authority's certificate.
    pub root_pem: String,
    leaf: CertificateDer<'static>,
    key: Vec<u8>,
    /// The server's certificate, and the authority's behind it.
    pub chain_pem: String,
    /// The server's key (PKCS #8).
    pub key_pem: String,
}

impl Authority {
    /// Makes one.
    pub fn new() -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params
            .distinguished_name
            .push(DnType::CommonName, "authority of the tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

        let names = ["localhost", "peer.test", "127.0.0.1"].map(str::to_owned);
        let mut params = CertificateParams::new(names)?;
        params
            .distinguished_name
            .push(DnType::CommonName, "localhost");
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        // Strict clients ask for it (Python from 3.13 on).
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let leaf = params.signed_by(&key, &issuer)?;
        Ok(Self {
            root: issuer.der().clone(),
            root_pem: issuer.pem(),
            chain_pem: leaf.pem() + &issuer.pem(),
            leaf: leaf.der().clone(),
            key_pem: key.serialize_pem(),
            key: key.serialize_der(),
        })
    }

    /// A client that trusts this authority only, and speaks these versions.
    pub fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone())?;
        Ok(
            ClientConfig::builder_with_provider(Arc::new(default_provider()))
                .with_protocol_versions(versions)?
                .with_root_certificates(roots)
                .with_no_client_auth(),
        )
    }

    /// A client that trusts this authority only, shows the certificate, and speaks these versions.
    pub fn client_with_certificate(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<ClientConfig> {
        let mut config = self.client(versions)?;
        let (chain, key) = self.chain_and_key();
        let certified = CertifiedKey::from_der(chain, key, config.crypto_provider())?;
        config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(certified));
        Ok(config)
    }

    /// A server with the certificate, which speaks these versions.
    pub fn server(&self, versions: &[&'static SupportedProtocolVersion]) -> Result<ServerConfig> {
        let (chain, key) = self.chain_and_key();
        Ok(
            ServerConfig::builder_with_provider(Arc::new(default_provider()))
                .with_protocol_versions(versions)?
                .with_no_client_auth()
                .with_single_cert(chain, key)?,
        )
    }

    fn chain_and_key(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let chain = vec![self.leaf.clone(), self.root.clone()];
        (chain, PrivateKeyDer::Pkcs8(self.key.clone().into()))
    }
}
