//! Codecs as a layer, beside async-compression: the same codec libraries, levels, sockets and
//! flushes. The same above TLS, beside async-compression over tokio-rustls.
//!
//! Most of the time is the codec's own, so the ratios are near 1 where it is slow. An argument, as in
//! `cargo bench --bench compress -- zstd`, keeps the tables whose title has it.

use std::net::TcpStream;
use std::process::ExitCode;

use async_compression::Level;
use async_compression::tokio::{bufread, write};
use compress_layer::CompressLayer;
use measure::bulk::Bulk;
use measure::load::Load;
use measure::open::{Open, Raw};
use measure::sockets::raw;
use measure::text::Text;
use measure::tls::{Tls, TokioRustls, name};
use measure::{Bench, bench, variant};
use stack::Connection;
use tls_layer::TlsLayer;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};

fn main() -> ExitCode {
    bench(|bench| {
        alone(bench, Deflate(1));
        alone(bench, Deflate(6));
        alone(bench, Zlib(6));
        alone(bench, Gzip(6));
        alone(bench, Zstd(1));
        alone(bench, Zstd(3));
        alone(bench, Brotli(4));
        alone(bench, Lz4(1));
        above_tls(bench, Zstd(1));
        above_tls(bench, Zstd(3));
    })
}

fn alone(bench: &mut Bench, codec: impl Codec) {
    let peer = ("async-compression", Over(codec, Raw));
    let ours = ("stack + compress-layer", Layered { codec, tls: None });
    tables(bench, &format!("{} alone", codec.title()), peer, ours);
}

fn above_tls(bench: &mut Bench, codec: impl Codec) {
    let tls = Tls::without_tickets();
    let peer = Over(codec, TokioRustls(tls.clone()));
    let peer = ("async-compression over tokio-rustls", peer);
    let tls = Some(tls);
    let ours = ("stack + tls-layer + compress-layer", Layered { codec, tls });
    tables(bench, &format!("{} above TLS", codec.title()), peer, ours);
}

fn tables(
    bench: &mut Bench,
    title: &str,
    (name, peer): (&str, impl Open),
    (layers, ours): (&str, impl Open),
) {
    for (bytes, write, flushed) in [(16 << 20, 64 << 10, false), (8 << 20, 4 << 10, true)] {
        let load = Load::Bulk(Bulk {
            bytes,
            write,
            read: 64 << 10,
            flushed,
            text: Text::Mixed,
        });
        let rows = vec![
            variant(name, || load.run(peer.clone())),
            variant(format!("{name} again (A/A)"), || load.run(peer.clone())),
            variant(layers, || load.run(ours.clone())),
        ];
        bench.compare(&format!("{title}: {load}"), rows, load.unit());
    }
}

/// A format at a level, as both sides have it.
trait Codec: Copy + Send + 'static {
    type Stream<S: Stream>: Stream;

    fn title(self) -> String;
    fn layer(self) -> CompressLayer;
    fn over<S: Stream>(self, stream: S) -> Self::Stream<S>;
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// A format by the names that both sides have for it.
macro_rules! codec {
    ($name:ident, $layer:ident, $encoder:ident, $decoder:ident) => {
        #[derive(Clone, Copy)]
        struct $name(u8);

        impl Codec for $name {
            type Stream<S: Stream> = bufread::$decoder<BufReader<write::$encoder<S>>>;

            fn title(self) -> String {
                format!("{} {}", stringify!($layer), self.0)
            }

            fn layer(self) -> CompressLayer {
                CompressLayer::$layer(self.0.into())
            }

            fn over<S: Stream>(self, stream: S) -> Self::Stream<S> {
                let level = Level::Precise(self.0.into());
                let encoder = write::$encoder::with_quality(stream, level);
                bufread::$decoder::new(BufReader::with_capacity(BUFFER, encoder))
            }
        }
    };
}

codec!(Deflate, deflate, DeflateEncoder, DeflateDecoder);
codec!(Zlib, zlib, ZlibEncoder, ZlibDecoder);
codec!(Gzip, gzip, GzipEncoder, GzipDecoder);
codec!(Brotli, brotli, BrotliEncoder, BrotliDecoder);
codec!(Lz4, lz4, Lz4Encoder, Lz4Decoder);
codec!(Zstd, zstd, ZstdEncoder, ZstdDecoder);

/// What the peer reads at once: as much as we do.
const BUFFER: usize = 64 << 10;

/// Our layer, above TLS or not.
#[derive(Clone)]
struct Layered<C> {
    codec: C,
    tls: Option<Tls>,
}

impl<C: Codec> Open for Layered<C> {
    type Client = Connection<tokio::net::TcpStream>;
    type Server = Connection<tokio::net::TcpStream>;

    async fn client(self, socket: TcpStream) -> Self::Client {
        let tls = self.tls.map(|tls| TlsLayer::client(tls.client, name()));
        opened(socket, tls, self.codec.layer()).await
    }

    async fn server(self, socket: TcpStream) -> Self::Server {
        let tls = self.tls.map(|tls| TlsLayer::server(tls.server));
        opened(socket, tls, self.codec.layer()).await
    }
}

async fn opened(
    socket: TcpStream,
    tls: Option<TlsLayer>,
    codec: CompressLayer,
) -> Connection<tokio::net::TcpStream> {
    let mut connection = Connection::new(raw(socket));
    if let Some(tls) = tls {
        connection.push(tls).await.expect("a handshake");
    }
    connection.push(codec).await.expect("a free place");
    connection
}

/// The peer, over another stream.
#[derive(Clone)]
struct Over<C, O>(C, O);

impl<C: Codec, O: Open> Open for Over<C, O> {
    type Client = C::Stream<O::Client>;
    type Server = C::Stream<O::Server>;

    async fn client(self, socket: TcpStream) -> Self::Client {
        self.0.over(self.1.client(socket).await)
    }

    async fn server(self, socket: TcpStream) -> Self::Server {
        self.0.over(self.1.server(socket).await)
    }
}
