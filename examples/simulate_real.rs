//! The testing kit's simulations with real layers: TLS and codecs come and go at random
//! between two peers who both write all the while.
//!
//!     cargo run --release --example simulate_real -- --changes 100000
//!
//! Whatever TLS draws for itself differs from run to run, and how long its records are does not: so
//! the schedule of a seed is the same each time, and a seed that fails can be run again.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use compress_layer::CompressLayer;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use stack::Layer;
use stack::testing::{Campaign, Kind, Order, Simulation, Wares};
use tls_layer::TlsLayer;

/// Plays lives of two connected stacks of real layers, each from a seed.
#[derive(Parser)]
struct Arguments {
    /// How many changes of a stack, both peers together.
    #[arg(long, default_value_t = 100_000)]
    changes: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// This seed only: its plan and script, and what it comes to.
    #[arg(long)]
    seed: Option<u64>,
    /// How many threads; by default, as many as there are processors.
    #[arg(long)]
    threads: Option<usize>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A panic in a simulation is part of its report.
    std::panic::set_hook(Box::new(|_| {}));
    let real = Real::new();
    let simulation = Simulation::new(&real);
    if let Some(seed) = arguments.seed {
        println!("{}", simulation.script(seed));
    }
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    let campaign = Campaign {
        from: arguments.seed.unwrap_or(arguments.from),
        seeds: arguments.seed.map_or(u64::MAX, |_| 1),
        changes: arguments.changes,
        threads: arguments.threads.unwrap_or_else(processors),
    };
    let begun = Instant::now();
    let tally = campaign.run(&simulation);
    let seconds = begun.elapsed().as_secs_f64();
    let sum = &tally.sum;
    println!(
        "{} seeds, {} steps, {} bytes read in {seconds:.1} s: {:.0} changes/s",
        tally.seeds,
        sum.steps,
        sum.bytes,
        sum.changes as f64 / seconds
    );
    match tally.failure {
        Some(failure) => {
            println!("\nFAILED with {failure}");
            ExitCode::FAILURE
        }
        None => {
            println!(
                "OK: {} changes, nothing lost, doubled or crossed",
                sum.changes
            );
            ExitCode::SUCCESS
        }
    }
}

/// Real layers, for each side of each simulation.
struct Real {
    tls: [(Arc<ClientConfig>, Arc<ServerConfig>); 2],
}

// Behind the last byte that a codec's peer can decode comes what ends the flush, and nobody can tell
// from the bytes read that it is still under way.
const KINDS: &[Kind] = &[
    Kind::named("tls").greets(),
    Kind::named("tls12").greets(),
    Kind::named("zstd").chatty(),
    Kind::named("deflate").chatty(),
    Kind::named("gzip").chatty(),
    Kind::named("brotli").chatty(),
    Kind::named("lz4").chatty(),
];

impl Real {
    fn new() -> Self {
        // Ed25519: its signatures are all of one length.
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
        let names = vec!["peer.example".to_owned()];
        let certificate = rcgen::CertificateParams::new(names).expect("a name");
        let certificate = certificate.self_signed(&key).expect("a certificate");
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let configs = |version: &'static SupportedProtocolVersion| {
            let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_protocol_versions(&[version])
                .expect("a version of the provider's")
                .with_root_certificates(roots.clone())
                .with_no_client_auth();
            let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
            let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
                .with_protocol_versions(&[version])
                .expect("a version of the provider's")
                .with_no_client_auth()
                .with_single_cert(vec![certificate.der().clone()], der)
                .expect("a certificate with its key");
            // A server that sends tickets speaks unasked, and nobody knows when that is over: then
            // nothing could come or go in silence.
            server.send_tls13_tickets = 0;
            (Arc::new(client), Arc::new(server))
        };
        Self {
            tls: [configs(&TLS13), configs(&TLS12)],
        }
    }
}

impl Wares for Real {
    fn kinds(&self) -> &[Kind] {
        KINDS
    }

    /// Every layer may stand anywhere here: the order rules would leave little to draw.
    fn make(&self, order: &Order) -> Box<dyn Layer> {
        match order.kind {
            2 => Box::new(CompressLayer::zstd(1).anywhere()),
            3 => Box::new(CompressLayer::deflate(1).anywhere()),
            4 => Box::new(CompressLayer::gzip(1).anywhere()),
            5 => Box::new(CompressLayer::brotli(1).anywhere()),
            6 => Box::new(CompressLayer::lz4(1).anywhere()),
            version => {
                let (client, server) = &self.tls[version];
                let name = "peer.example".try_into().expect("a name");
                let layer = match order.client {
                    true => TlsLayer::client(Arc::clone(client), name),
                    false => TlsLayer::server(Arc::clone(server)),
                };
                Box::new(layer.with_residue(order.residue).anywhere())
            }
        }
    }

    /// Full records, and blocks of the codecs.
    fn scale(&self) -> usize {
        200
    }
}
