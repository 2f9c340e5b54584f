//! The stack that is measured.

use std::time::Duration;

use compress_layer::CompressLayer;
use general_layers::{Counters, Deadlines, Trace};
use measure::nodes::Pass;
use measure::tls::{Tls, name};
use stack::{Connection, Template};
use tls_layer::TlsLayer;
use tokio::io::AsyncWriteExt;

use crate::configs::Configs;
use crate::kind::{Format, Kind};
use crate::medium::BoxedStream;
use crate::spec::Spec;

/// Longer than any run, so that what it costs is all that is seen of it.
const IDLE: Duration = Duration::from_secs(3600);

/// Both ends' stack, to be built for each connection.
#[derive(Clone)]
pub(crate) struct Ours {
    client: Template,
    server: Template,
}

impl Ours {
    /// Fails if the stack refuses one of the layers its place, unless the places are meant.
    pub(crate) fn new(
        spec: &Spec,
        configs: &Configs,
        anywhere: bool,
    ) -> Result<Self, stack::Error> {
        let mut ours = Self {
            client: Template::new(),
            server: Template::new(),
        };
        for kind in spec.kinds() {
            ours = ours.with(kind, configs, anywhere);
        }
        // What can be refused is refused here, and not at the thousandth connection.
        ours.client.stack()?;
        ours.server.stack()?;
        Ok(ours)
    }

    fn with(self, kind: Kind, configs: &Configs, anywhere: bool) -> Self {
        let label = kind.to_string();
        match kind {
            Kind::Tls(version) => {
                let meant = move |tls: TlsLayer| if anywhere { tls.anywhere() } else { tls };
                let Tls { client, server, .. } = configs.of(version).clone();
                let client = move || meant(TlsLayer::client(client.clone(), name()));
                let server = move || meant(TlsLayer::server(server.clone()));
                Self {
                    client: self.client.layer(label.as_str(), client),
                    server: self.server.layer(label, server),
                }
            }
            Kind::Codec(format, level) => self.both(&label, move || {
                let layer = compressor(format, level);
                if anywhere { layer.anywhere() } else { layer }
            }),
            Kind::Pass => self.both(&label, || Pass),
            Kind::Trace => self.both(&label, || Trace::new("measured")),
            Kind::Counters => self.both(&label, Counters::new),
            Kind::Deadlines => self.both(&label, || Deadlines::new().idle(IDLE)),
        }
    }

    /// The same layer at both ends.
    fn both<L: stack::Layer>(
        self,
        label: &str,
        make: impl Fn() -> L + Clone + Send + Sync + 'static,
    ) -> Self {
        Self {
            client: self.client.layer(label, make.clone()),
            server: self.server.layer(label, make),
        }
    }
}

impl Ours {
    pub(crate) async fn client(&self, io: BoxedStream) -> BoxedStream {
        opened(io, &self.client).await
    }

    pub(crate) async fn server(&self, io: BoxedStream) -> BoxedStream {
        opened(io, &self.server).await
    }
}

async fn opened(io: BoxedStream, template: &Template) -> BoxedStream {
    let made = Connection::from_template(io, template).await;
    let mut connection = made.expect("a stack that was built before");
    // The peer waits for the end of the handshake before it reads on.
    connection.flush().await.expect("a peer");
    Box::new(connection)
}

fn compressor(format: Format, level: i32) -> CompressLayer {
    // Only zstd has levels below 0.
    let natural = level.unsigned_abs();
    match format {
        Format::Deflate => CompressLayer::deflate(natural),
        Format::Zlib => CompressLayer::zlib(natural),
        Format::Gzip => CompressLayer::gzip(natural),
        Format::Zstd => CompressLayer::zstd(level),
        Format::Brotli => CompressLayer::brotli(natural),
        Format::Lz4 => CompressLayer::lz4(natural),
    }
}
