//! Clients that show certificates, and servers that want one.

use std::error::Error as _;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use stack::{Blame, ErrorKind, Stack};
use tls_layer::TlsInfo;
use tls_layer::rustls::crypto::ring;
use tls_layer::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tls_layer::rustls::server::WebPkiClientVerifier;
use tls_layer::rustls::version::TLS13;
use tls_layer::rustls::{
    AlertDescription, CertificateError, ClientConfig, Error, RootCertStore, ServerConfig,
    SupportedProtocolVersion,
};

use crate::kit::*;

/// Who vouches for clients.
struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let issuer = Issuer::new(params, key);
        Self {
            certificate,
            issuer,
        }
    }

    /// A certificate as `change` has it, and its key.
    fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["client".to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.der().clone(), key.into())
    }
}

type Identity = (CertificateDer<'static>, PrivateKeyDer<'static>);

/// A server that asks for a certificate by this authority, and whether it lets in whoever has none.
fn asking(
    version: &'static SupportedProtocolVersion,
    authority: &Authority,
    may_be_missing: bool,
) -> ServerConfig {
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate.clone()).unwrap();
    let mut verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    if may_be_missing {
        verifier = verifier.allow_unauthenticated();
    }
    let (certificate, key) = certificate(version);
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(vec![certificate], PrivateKeyDer::try_from(key).unwrap())
        .unwrap()
}

/// A client that shows this certificate when it is asked for one.
fn showing(version: &'static SupportedProtocolVersion, (shown, key): Identity) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(certificate(version).0).unwrap();
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![shown], key)
        .unwrap()
}

/// What rustls says of this end's failure, and who is to blame.
#[track_caller]
fn reason(stack: &mut Stack) -> (Blame, Error) {
    assert_eq!(failed(stack).0, ErrorKind::Protocol);
    let end = stack.input_end().unwrap();
    let error = end.error().unwrap();
    let source = error.source().and_then(|source| source.downcast_ref());
    let reason: &Error = source.expect("the source is rustls's error");
    (error.blame(), reason.clone())
}

/// Each end's failure, the client's first.
#[track_caller]
fn refused(configs: &Configs) -> (Error, Error) {
    let mut pair = Pair::new(Cut::Every(50));
    pair.push(configs);
    pair.settle();
    let (client, server) = (reason(&mut pair.client), reason(&mut pair.server));
    assert_eq!((client.0, server.0), (Blame::Remote, Blame::Remote));
    (client.1, server.1)
}

#[test]
fn a_server_that_asks_for_a_certificate_knows_whose_it_is() {
    for version in VERSIONS {
        let authority = Authority::new("right");
        for may_be_missing in [false, true] {
            let identity = authority.issue(|_| ());
            let shown = identity.0.to_vec();
            let server = asking(version, &authority, may_be_missing);
            let client = showing(version, identity);
            let (mut pair, _) = Pair::up(&Configs { client, server }, Cut::Every(50));
            let info = pair.server.info::<TlsInfo>().unwrap();
            assert_eq!(info.peer_certificates, [shown]);
            pair.client.write(b"it is me").unwrap();
            assert_eq!(pair.exchange().1, b"it is me");
        }
    }
}

#[test]
fn a_client_without_a_certificate_is_let_in_only_where_it_may_be() {
    for version in VERSIONS {
        let authority = Authority::new("right");
        let client = configs(version).client;
        let server = asking(version, &authority, true);
        let (pair, _) = Pair::up(&Configs { client, server }, Cut::Every(50));
        let info = pair.server.info::<TlsInfo>().unwrap();
        assert!(info.peer_certificates.is_empty());

        let client = configs(version).client;
        let server = asking(version, &authority, false);
        let (client, server) = refused(&Configs { client, server });
        assert_eq!(server, Error::NoCertificatesPresented);
        let alert = AlertDescription::CertificateRequired;
        assert_eq!(client, Error::AlertReceived(alert));
    }
}

#[test]
fn a_certificate_that_does_not_do_is_refused_with_its_reason() {
    let (right, wrong) = (Authority::new("right"), Authority::new("wrong"));
    for version in VERSIONS {
        let refused_for = |identity, told: AlertDescription| {
            let client = showing(version, identity);
            let server = asking(version, &right, false);
            let (client, server) = refused(&Configs { client, server });
            assert_eq!(client, Error::AlertReceived(told));
            let Error::InvalidCertificate(why) = server else {
                panic!("{server:?}")
            };
            why
        };
        let why = refused_for(wrong.issue(|_| ()), AlertDescription::UnknownCA);
        assert_eq!(why, CertificateError::UnknownIssuer);
        let expired = right.issue(|params| params.not_after = rcgen::date_time_ymd(2001, 1, 1));
        let why = refused_for(expired, AlertDescription::CertificateExpired);
        assert!(matches!(why, CertificateError::ExpiredContext { .. }));
        let of_a_server = right.issue(|params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        });
        let why = refused_for(of_a_server, AlertDescription::UnsupportedCertificate);
        assert!(matches!(
            why,
            CertificateError::InvalidPurposeContext { .. }
        ));
    }
}

#[test]
fn under_tls_1_3_a_client_learns_of_its_refusal_after_it_is_up() {
    let authority = Authority::new("right");
    let client = configs(&TLS13).client;
    let server = asking(&TLS13, &authority, false);
    let mut pair = Pair::new(Cut::Whole);
    pair.push(&Configs { client, server });
    carry(&mut pair.client, &mut pair.server, Cut::Whole);
    carry(&mut pair.server, &mut pair.client, Cut::Whole);
    assert!(pair.client.is_up() && pair.client.info::<TlsInfo>().is_some());
    pair.client.write(b"never read").unwrap();
    pair.settle();
    assert_eq!(reason(&mut pair.server).1, Error::NoCertificatesPresented);
    let alert = AlertDescription::CertificateRequired;
    assert_eq!(reason(&mut pair.client).1, Error::AlertReceived(alert));
}
