//! One of the streams that are compared.

use async_compression::Level;
use async_compression::tokio::{bufread, write};
use measure::open::Open;
use measure::tls::{Tls, name};
use measure::wrapper::Wrapper;
use tokio::io::{BufReader, BufWriter};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::configs::Configs;
use crate::kind::Format;
use crate::medium::{BoxedStream, End};
use crate::ours::Ours;
use crate::peer::Recipe;

/// What a peer reads at once, where that can be said: as much as we do.
const READ: usize = 64 << 10;
/// What a `BufWriter` keeps: a record of TLS.
const WRITE: usize = 16 << 10;

/// One of the streams that are compared.
#[derive(Clone)]
pub(crate) enum Variant {
    Ours(Ours),
    Peer(Recipe, Configs),
}

/// Which end of a connection.
#[derive(Clone, Copy)]
enum Side {
    Client,
    Server,
}

impl Variant {
    /// The client's end over `io`, handshake and all.
    pub(crate) async fn client_over(&self, io: BoxedStream) -> BoxedStream {
        match self {
            Self::Ours(ours) => ours.client(io).await,
            Self::Peer(recipe, configs) => recipe.over(io, Side::Client, configs).await,
        }
    }

    /// The server's.
    pub(crate) async fn server_over(&self, io: BoxedStream) -> BoxedStream {
        match self {
            Self::Ours(ours) => ours.server(io).await,
            Self::Peer(recipe, configs) => recipe.over(io, Side::Server, configs).await,
        }
    }
}

impl Open<End> for Variant {
    type Client = BoxedStream;
    type Server = BoxedStream;

    async fn client(self, end: End) -> BoxedStream {
        self.client_over(end.open()).await
    }

    async fn server(self, end: End) -> BoxedStream {
        self.server_over(end.open()).await
    }
}

impl Recipe {
    async fn over(self, io: BoxedStream, side: Side, configs: &Configs) -> BoxedStream {
        match self {
            Self::Raw => io,
            Self::Boxed(depth) => Box::new(Wrapper::nested(depth, io)),
            Self::TokioRustls(version) => tokio_rustls(io, side, configs.of(version)).await,
            Self::BufWriter(version) => {
                let tls = tokio_rustls(io, side, configs.of(version)).await;
                Box::new(BufWriter::with_capacity(WRITE, tls))
            }
            Self::AsyncCompression(format, level, tls) => {
                let io = match tls {
                    Some(version) => tokio_rustls(io, side, configs.of(version)).await,
                    None => io,
                };
                async_compression(io, format, level)
            }
        }
    }
}

async fn tokio_rustls(io: BoxedStream, side: Side, tls: &Tls) -> BoxedStream {
    match side {
        Side::Client => {
            let connector = TlsConnector::from(tls.client.clone());
            Box::new(connector.connect(name(), io).await.expect("a handshake"))
        }
        Side::Server => {
            let acceptor = TlsAcceptor::from(tls.server.clone());
            Box::new(acceptor.accept(io).await.expect("a handshake"))
        }
    }
}

/// Its encoder for what is written, around that its decoder for what is read.
fn async_compression(io: BoxedStream, format: Format, level: i32) -> BoxedStream {
    let level = Level::Precise(level);
    macro_rules! codec {
        ($encoder:ident, $decoder:ident) => {{
            let encoder = write::$encoder::with_quality(io, level);
            let reader = BufReader::with_capacity(READ, encoder);
            Box::new(bufread::$decoder::new(reader))
        }};
    }
    match format {
        Format::Deflate => codec!(DeflateEncoder, DeflateDecoder),
        Format::Zlib => codec!(ZlibEncoder, ZlibDecoder),
        Format::Gzip => codec!(GzipEncoder, GzipDecoder),
        Format::Zstd => codec!(ZstdEncoder, ZstdDecoder),
        Format::Brotli => codec!(BrotliEncoder, BrotliDecoder),
        Format::Lz4 => codec!(Lz4Encoder, Lz4Decoder),
    }
}
