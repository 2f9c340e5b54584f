//! How a variant makes its two ends of a pipe or a socket: ours, and the peers.

use async_compression::Level;
use async_compression::tokio::bufread::DeflateDecoder;
use async_compression::tokio::write::DeflateEncoder;
use compress_layer::{CompressLayer, Deflate};
use measure::nodes::Pass;
use measure::tls::{Tls, name};
use measure::wrapper::Wrapper;
use stack::Connection;
use tls_layer::TlsLayer;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A stream of bytes: what an end is made of, and an end.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// Makes both ends, handshakes and all.
pub(crate) trait Ends: Clone + Send + 'static {
    type Client<S: Stream>: Stream;
    type Server<S: Stream>: Stream;

    async fn client<S: Stream>(self, io: S) -> Self::Client<S>;
    async fn server<S: Stream>(self, io: S) -> Self::Server<S>;

    async fn both<S: Stream>(&self, (a, b): (S, S)) -> (Self::Client<S>, Self::Server<S>) {
        tokio::join!(self.clone().client(a), self.clone().server(b))
    }
}

/// The pipe or socket itself.
#[derive(Clone)]
pub(crate) struct Bare;

impl Ends for Bare {
    type Client<S: Stream> = S;
    type Server<S: Stream> = S;

    async fn client<S: Stream>(self, io: S) -> S {
        io
    }

    async fn server<S: Stream>(self, io: S) -> S {
        io
    }
}

/// So many boxed wrappers, one around the other.
#[derive(Clone)]
pub(crate) struct Wrappers(pub(crate) usize);

impl Ends for Wrappers {
    type Client<S: Stream> = Wrapper;
    type Server<S: Stream> = Wrapper;

    async fn client<S: Stream>(self, io: S) -> Wrapper {
        Wrapper::nested(self.0, io)
    }

    async fn server<S: Stream>(self, io: S) -> Wrapper {
        Wrapper::nested(self.0, io)
    }
}

#[derive(Clone)]
pub(crate) struct TokioRustls(pub(crate) Tls);

impl Ends for TokioRustls {
    type Client<S: Stream> = tokio_rustls::client::TlsStream<S>;
    type Server<S: Stream> = tokio_rustls::server::TlsStream<S>;

    async fn client<S: Stream>(self, io: S) -> Self::Client<S> {
        let connector = TlsConnector::from(self.0.client);
        connector.connect(name(), io).await.expect("a handshake")
    }

    async fn server<S: Stream>(self, io: S) -> Self::Server<S> {
        let acceptor = TlsAcceptor::from(self.0.server);
        acceptor.accept(io).await.expect("a handshake")
    }
}

/// async-compression's deflate with its own buffers, over other ends.
#[derive(Clone)]
pub(crate) struct AsyncDeflate<E>(pub(crate) E);

impl<E: Ends> Ends for AsyncDeflate<E> {
    type Client<S: Stream> = Deflated<E::Client<S>>;
    type Server<S: Stream> = Deflated<E::Server<S>>;

    async fn client<S: Stream>(self, io: S) -> Self::Client<S> {
        deflated(self.0.client(io).await)
    }

    async fn server<S: Stream>(self, io: S) -> Self::Server<S> {
        deflated(self.0.server(io).await)
    }
}

type Deflated<S> = DeflateDecoder<BufReader<DeflateEncoder<S>>>;

/// At which both sides compress.
pub(crate) const LEVEL: u32 = 6;

fn deflated<S: Stream>(io: S) -> Deflated<S> {
    let encoder = DeflateEncoder::with_quality(io, Level::Precise(LEVEL as i32));
    DeflateDecoder::new(BufReader::new(encoder))
}

/// A connection with these layers.
#[derive(Clone, Default)]
pub(crate) struct Layers {
    pub(crate) passes: usize,
    pub(crate) tls: Option<Tls>,
    pub(crate) deflate: Option<Deflate>,
}

impl Layers {
    pub(crate) fn passes(passes: usize) -> Self {
        Self {
            passes,
            ..Self::default()
        }
    }

    pub(crate) fn tls(tls: &Tls) -> Self {
        Self {
            tls: Some(tls.clone()),
            ..Self::default()
        }
    }

    pub(crate) fn with_deflate(self, deflate: Deflate) -> Self {
        Self {
            deflate: Some(deflate),
            ..self
        }
    }

    async fn over<S: Stream>(&self, io: S, tls: Option<TlsLayer>) -> Connection<S> {
        let mut connection = Connection::new(io);
        if let Some(tls) = tls {
            connection.push(tls).await.expect("a handshake");
            // The peer waits for the end of the handshake before it goes on.
            connection.flush().await.expect("a peer");
        }
        if let Some(deflate) = &self.deflate {
            let layer = CompressLayer::new(deflate.clone());
            connection.push(layer).await.expect("a place");
        }
        for _ in 0..self.passes {
            connection.push(Pass).await.expect("a place");
        }
        connection
    }
}

impl Ends for Layers {
    type Client<S: Stream> = Connection<S>;
    type Server<S: Stream> = Connection<S>;

    async fn client<S: Stream>(self, io: S) -> Connection<S> {
        let tls = self.tls.as_ref();
        let tls = tls.map(|tls| TlsLayer::client(tls.client.clone(), name()));
        self.over(io, tls).await
    }

    async fn server<S: Stream>(self, io: S) -> Connection<S> {
        let tls = self.tls.as_ref();
        let tls = tls.map(|tls| TlsLayer::server(tls.server.clone()));
        self.over(io, tls).await
    }
}
