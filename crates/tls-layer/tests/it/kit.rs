//! Two stacks, a wire that cuts as it is told, and certificates.

use std::error::Error as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use stack::{Blame, ErrorKind, LayerId, Limits, Outcome, Residue, Stack};
use tls_layer::TlsLayer;
use tls_layer::rustls::crypto::{CryptoProvider, aws_lc_rs, ring};
use tls_layer::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tls_layer::rustls::version::{TLS12, TLS13};
use tls_layer::rustls::{AlertDescription, ClientConfig, Error as TlsError};
use tls_layer::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

pub(crate) const NAME: &str = "shop.example";
pub(crate) const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

pub(crate) fn name() -> ServerName<'static> {
    NAME.try_into().unwrap()
}

pub(crate) struct Configs {
    pub(crate) client: ClientConfig,
    pub(crate) server: ServerConfig,
}

/// A certificate for [`NAME`] and its key: Ed25519 under TLS 1.3, ECDSA under TLS 1.2.
pub(crate) fn certificate(
    version: &SupportedProtocolVersion,
) -> (CertificateDer<'static>, Vec<u8>) {
    static MADE: [OnceLock<(CertificateDer<'static>, Vec<u8>)>; 2] = [const { OnceLock::new() }; 2];
    let ed25519 = version.version == TLS13.version;
    let made = MADE[usize::from(ed25519)].get_or_init(|| {
        let algorithm = if ed25519 {
            &rcgen::PKCS_ED25519
        } else {
            &rcgen::PKCS_ECDSA_P256_SHA256
        };
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let params = rcgen::CertificateParams::new([NAME.to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        (certificate.der().clone(), key.serialize_der())
    });
    made.clone()
}

pub(crate) fn configs(version: &'static SupportedProtocolVersion) -> Configs {
    with_provider(ring::default_provider(), version)
}

pub(crate) fn with_aws(version: &'static SupportedProtocolVersion) -> Configs {
    with_provider(aws_lc_rs::default_provider(), version)
}

pub(crate) fn with_provider(
    provider: CryptoProvider,
    version: &'static SupportedProtocolVersion,
) -> Configs {
    let provider = Arc::new(provider);
    let (certificate, key) = certificate(version);
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::try_from(key).unwrap())
        .unwrap();
    Configs { client, server }
}

impl Configs {
    pub(crate) fn client(&self) -> TlsLayer {
        self.client_of(NAME)
    }

    pub(crate) fn client_of(&self, name: &str) -> TlsLayer {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        client(Arc::new(self.client.clone()), name)
    }

    pub(crate) fn server(&self) -> TlsLayer {
        server(Arc::new(self.server.clone()))
    }
}

/// A layer on the engine that this run of the tests is for.
pub(crate) fn client(config: Arc<ClientConfig>, name: ServerName<'static>) -> TlsLayer {
    if crate::EXPORTS {
        TlsLayer::client(config, name).with_exporter()
    } else {
        TlsLayer::client(config, name)
    }
}

pub(crate) fn server(config: Arc<ServerConfig>) -> TlsLayer {
    if crate::EXPORTS {
        TlsLayer::server(config).with_exporter()
    } else {
        TlsLayer::server(config)
    }
}

/// How the wire cuts what it carries.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    Whole,
    /// Into pieces of so many bytes.
    Every(usize),
    /// Once, before this byte of each lump, if it is so long.
    At(usize),
}

impl Cut {
    pub(crate) fn pieces<'a>(&self, bytes: &'a mut [u8]) -> Vec<&'a mut [u8]> {
        match *self {
            Self::Whole => vec![bytes],
            Self::Every(n) => bytes.chunks_mut(n).collect(),
            Self::At(n) => {
                let (a, b) = bytes.split_at_mut(n.min(bytes.len()));
                [a, b].into_iter().filter(|p| !p.is_empty()).collect()
            }
        }
    }
}

pub(crate) struct Pair {
    pub(crate) client: Stack,
    pub(crate) server: Stack,
    pub(crate) cut: Cut,
}

impl Pair {
    pub(crate) fn new(cut: Cut) -> Self {
        Self::with_limits(cut, Limits::default())
    }

    pub(crate) fn with_limits(cut: Cut, limits: Limits) -> Self {
        Self {
            client: Stack::new(limits.clone()),
            server: Stack::new(limits),
            cut,
        }
    }

    /// Two stacks with a layer each, the handshake behind them.
    pub(crate) fn up(configs: &Configs, cut: Cut) -> (Self, Ids) {
        let mut pair = Self::new(cut);
        let ids = pair.push(configs);
        pair.settle();
        assert!(pair.client.is_up() && pair.server.is_up());
        (pair, ids)
    }

    /// Pushes a layer at each end; above another, if there is one, for that is meant here.
    pub(crate) fn push(&mut self, configs: &Configs) -> Ids {
        Ids {
            server: self.server.push(configs.server().anywhere()).unwrap(),
            client: self.client.push(configs.client().anywhere()).unwrap(),
        }
    }

    /// Moves bytes until nothing moves.
    pub(crate) fn settle(&mut self) {
        loop {
            let moved = carry(&mut self.client, &mut self.server, self.cut)
                + carry(&mut self.server, &mut self.client, self.cut);
            if moved == 0 {
                return;
            }
        }
    }

    /// What each end reads, the client's first, once everything has arrived.
    pub(crate) fn exchange(&mut self) -> (Vec<u8>, Vec<u8>) {
        let (mut client, mut server) = (Vec::new(), Vec::new());
        loop {
            self.settle();
            let (c, s) = (read(&mut self.client), read(&mut self.server));
            if c.is_empty() && s.is_empty() {
                return (client, server);
            }
            client.extend(c);
            server.extend(s);
        }
    }

    pub(crate) fn take(&mut self, ids: Ids) {
        let client = self.client.take_popped(ids.client);
        let server = self.server.take_popped(ids.server);
        assert_eq!(client.unwrap().1, Outcome::Clean);
        assert_eq!(server.unwrap().1, Outcome::Clean);
    }

    pub(crate) fn pop_both(&mut self, ids: Ids) {
        self.client.start_pop(ids.client.key()).unwrap();
        self.server.start_pop(ids.server.key()).unwrap();
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Ids {
    pub(crate) client: LayerId<TlsLayer>,
    pub(crate) server: LayerId<TlsLayer>,
}

/// Everything that one stack has to send now.
pub(crate) fn outgoing(stack: &mut Stack) -> Vec<u8> {
    work(stack);
    stack.flush();
    let bytes = stack.outgoing().to_vec();
    stack.sent(bytes.len());
    bytes
}

pub(crate) fn work(stack: &mut Stack) {
    stack.advance(Duration::ZERO);
    while stack.has_work() {
        stack.advance(Duration::ZERO);
    }
}

pub(crate) fn carry(from: &mut Stack, to: &mut Stack, cut: Cut) -> usize {
    let mut bytes = outgoing(from);
    for piece in cut.pieces(&mut bytes) {
        to.receive(piece);
        work(to);
    }
    bytes.len()
}

/// Everything that can be read now.
pub(crate) fn read(stack: &mut Stack) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        work(stack);
        let n = stack.readable().len();
        if n == 0 {
            return all;
        }
        all.extend_from_slice(stack.readable());
        stack.consume(n);
    }
}

/// The input has ended with an error of the layer, in which the peer erred; nothing is readable,
/// and nothing can be written. Says which.
#[track_caller]
pub(crate) fn error(stack: &mut Stack) -> stack::Error {
    work(stack);
    assert!(stack.readable().is_empty());
    let end = stack.input_end().expect("the input has not ended");
    let error = end.error().expect("the input has ended clean").clone();
    let who = (error.layer(), error.blame());
    assert_eq!(who, (Some("tls"), Blame::Remote), "{error}");
    assert!(stack.write(b"never in clear").is_err());
    error
}

/// The same, in short.
#[track_caller]
pub(crate) fn failed(stack: &mut Stack) -> (ErrorKind, String) {
    let error = error(stack);
    (error.kind(), error.to_string())
}

/// The same, as rustls has put it.
#[track_caller]
pub(crate) fn why(stack: &mut Stack) -> TlsError {
    let error = error(stack);
    let source = error.source().expect("rustls has not said why");
    source.downcast_ref::<TlsError>().unwrap().clone()
}

/// The alert that one end has sent, as the other takes it.
#[track_caller]
pub(crate) fn alert(from: &mut Stack, to: &mut Stack) -> AlertDescription {
    carry(from, to, Cut::Whole);
    match why(to) {
        TlsError::AlertReceived(alert) => alert,
        other => panic!("no alert: {other}"),
    }
}

pub(crate) fn feed(layer: TlsLayer) -> TlsLayer {
    layer.with_residue(Residue::Feed)
}

pub(crate) fn pattern(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * 7 + i / 251) as u8).collect()
}
