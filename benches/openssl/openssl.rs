//! TLS 1.3 as a layer, beside tokio-openssl and tokio-rustls: same suite, group, certificate,
//! sockets, buffers and flushes, and no session tickets.
//!
//! What differs is the cryptography: OpenSSL has its own, the others have ring's. Reads differ,
//! too: OpenSSL asks the socket for a record's header and then for the record, unless it is told to
//! read ahead, which has rows of its own.
//!
//! There are no resumed handshakes: the binding has a session set by an unsafe function only.

use std::net::TcpStream;
use std::pin::Pin;
use std::process::ExitCode;

use measure::handshake::{Handshake, handshakes};
use measure::load::Load;
use measure::open::{Buffered, Open};
use measure::sockets::raw;
use measure::tls::{Layered, NAME, Tls, TokioRustls};
use measure::unit::each;
use measure::{Variant, bench, variant};
use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{
    Ssl, SslAcceptor, SslConnector, SslContextBuilder, SslMethod, SslSessionCacheMode, SslVersion,
};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use tokio_openssl::SslStream;

/// Handshakes in a run.
const COUNT: usize = 50;
const SUITE: &str = "TLS_AES_128_GCM_SHA256";

fn main() -> ExitCode {
    let tls = Tls::without_tickets();
    let openssl = |read_ahead| TokioOpenssl::new(&tls, read_ahead).expect("a configuration");
    let (openssl, ahead) = (openssl(false), openssl(true));
    let (rustls, ours) = (TokioRustls(tls.clone()), Layered(tls.clone()));
    bench(|bench| {
        for load in Load::of_tls() {
            let mut rows = vec![
                row("tokio-rustls", load, rustls.clone()),
                row("tokio-rustls again (A/A)", load, rustls.clone()),
                row("tokio-openssl", load, openssl.clone()),
                row("tokio-openssl, reading ahead", load, ahead.clone()),
                row("stack + tls-layer", load, ours.clone()),
            ];
            if load.has_small_writes() {
                let name = "BufWriter of 16 KiB over tokio-openssl, reading ahead";
                rows.push(row(name, load, Buffered(ahead.clone())));
            }
            bench.compare(&load.to_string(), rows, load.unit());
        }
        let rows = vec![
            handshake("tokio-rustls", rustls.clone()),
            handshake("tokio-rustls again (A/A)", rustls),
            handshake("tokio-openssl", openssl),
            handshake("tokio-openssl, reading ahead", ahead),
            handshake("stack + tls-layer", ours),
        ];
        bench.compare("Full handshakes", rows, each(COUNT));
    })
}

fn row(name: &str, load: Load, open: impl Open) -> Variant<'static> {
    variant(name, move || load.run(open.clone()))
}

fn handshake(name: &str, open: impl Handshake) -> Variant<'static> {
    variant(name, move || handshakes(open.clone(), COUNT, false))
}

/// The peer.
#[derive(Clone)]
struct TokioOpenssl {
    client: SslConnector,
    server: SslAcceptor,
}

impl TokioOpenssl {
    /// With the certificate and the parameters that the others have.
    fn new(tls: &Tls, read_ahead: bool) -> Result<Self, ErrorStack> {
        let certificate = X509::from_der(&tls.certificate)?;
        let mut client = SslConnector::builder(SslMethod::tls_client())?;
        // In place of the system's.
        let mut roots = X509StoreBuilder::new()?;
        roots.add_cert(certificate.clone())?;
        client.set_cert_store(roots.build());
        narrow(&mut client, read_ahead)?;
        let mut server = SslAcceptor::mozilla_modern_v5(SslMethod::tls_server())?;
        server.set_certificate(&certificate)?;
        let key = PKey::private_key_from_pkcs8(tls.key.secret_pkcs8_der())?;
        server.set_private_key(&key)?;
        server.set_num_tickets(0)?;
        narrow(&mut server, read_ahead)?;
        Ok(Self {
            client: client.build(),
            server: server.build(),
        })
    }
}

/// One version, one suite, one group; no sessions kept.
fn narrow(context: &mut SslContextBuilder, read_ahead: bool) -> Result<(), ErrorStack> {
    context.set_min_proto_version(Some(SslVersion::TLS1_3))?;
    context.set_max_proto_version(Some(SslVersion::TLS1_3))?;
    context.set_ciphersuites(SUITE)?;
    context.set_groups_list("X25519")?;
    context.set_session_cache_mode(SslSessionCacheMode::OFF);
    context.set_read_ahead(read_ahead);
    Ok(())
}

impl Open for TokioOpenssl {
    type Client = SslStream<tokio::net::TcpStream>;
    type Server = SslStream<tokio::net::TcpStream>;

    async fn client(self, socket: TcpStream) -> Self::Client {
        let ssl = self.client.configure().and_then(|c| c.into_ssl(NAME));
        let stream = SslStream::new(ssl.expect("a session"), raw(socket));
        let mut stream = stream.expect("a stream");
        Pin::new(&mut stream).connect().await.expect("a handshake");
        let suite = stream.ssl().current_cipher().map(|suite| suite.name());
        assert_eq!(suite, Some(SUITE));
        stream
    }

    async fn server(self, socket: TcpStream) -> Self::Server {
        let ssl = Ssl::new(self.server.context()).expect("a session");
        let mut stream = SslStream::new(ssl, raw(socket)).expect("a stream");
        Pin::new(&mut stream).accept().await.expect("a handshake");
        stream
    }
}

impl Handshake for TokioOpenssl {
    fn resumed(client: &Self::Client) -> bool {
        client.ssl().session_reused()
    }
}
