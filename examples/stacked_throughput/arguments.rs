//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use measure::text::Text;

use crate::depth::Depths;
use crate::medium::Medium;
use crate::peer::Peer;
use crate::size;
use crate::spec::Spec;

const EXAMPLES: &str = "\
THE STACK
  Words with commas between them, the lowest layer first: name[:argument][*count]

    tls[:1.2|1.3]     TLS, 1.3 unless 1.2 is said
    deflate[:0..9]  zlib[:0..9]  gzip[:0..9]  zstd[:-7..22]  brotli[:0..11]  lz4[:0..12]
                      a codec at a level (6, 6, 6, 3, 4, 1 if none is said)
    pass              passes everything on: what it costs to be a layer
    trace             tells tracing, to which nobody listens here
    counters          counts bytes and chunks
    deadlines         a deadline that never passes

  TLS above a codec, or two codecs, the stack refuses unless --anywhere says that it is meant.

THE FIGURES
  Throughput, the processor's time a byte (of both ends), and latency are measured in turn, ours and
  the peers', the order turned each round. 'ours/it' is the median of the ratios pair by pair, with
  the quartiles: of throughputs above 1 if ours is faster, of times and costs below 1. The row
  'ours again' is ours against itself: a difference smaller than what it shows is none.
  Bulk goes between two threads, each bound to a processor; the ping-pong on one.
  Allocations, bytes on the wire, and the heap of both ends while idle (behind the handshake and one
  exchange) are counted apart, on one thread. The heap is that of a further connection of a thread;
  'the first's' has in it what the thread keeps for all. Neither has the medium's, and what C
  libraries allocate is not seen.
  Every variant is behind one box above, and has one below.

EXAMPLES
  stacked_throughput --stack tls,zstd:3,trace*4 --size 64K --direction both --peer tokio-rustls
  stacked_throughput --stack tls --size 64,512,4K,16K,64K --peer tokio-rustls,bufwriter
  stacked_throughput --stack '' --depth 0..16 --peer raw,boxed --medium unix
  stacked_throughput --stack tls,zstd --flush --size 4K --json >figures.json
  stacked_throughput --stack tls --plot tls.svg";

/// Measures any stack of layers, beside what people would use instead.
#[derive(Parser, Debug)]
#[command(name = "stacked_throughput", after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The layers, the lowest first (below); '' for none.
    #[arg(long, default_value = "tls")]
    pub(crate) stack: Spec,
    /// Say that the layers' places are meant: TLS in TLS or above a codec, two codecs.
    #[arg(long)]
    pub(crate) anywhere: bool,
    /// The size of a write, up to 8M; several with commas.
    #[arg(long, value_delimiter = ',', default_value = "64K", value_parser = write_size)]
    pub(crate) size: Vec<usize>,
    /// Which way the bytes go.
    #[arg(long, default_value = "up")]
    pub(crate) direction: Direction,
    /// What carries them.
    #[arg(long, default_value = "tcp")]
    pub(crate) medium: Medium,
    /// What to compare with; several with commas, or each with its --peer. If none is named, what
    /// does most of the same work.
    #[arg(long, value_delimiter = ',')]
    pub(crate) peer: Vec<Peer>,
    /// Flush each write.
    #[arg(long)]
    pub(crate) flush: bool,
    /// What is sent. Mixed if anything compresses, else the same.
    #[arg(long)]
    pub(crate) text: Option<Sent>,
    /// How many bytes a run carries each way. As many as take about 50 ms, if it is not said.
    #[arg(long, value_parser = size::parse)]
    pub(crate) bytes: Option<usize>,
    /// How often each variant is run.
    #[arg(long, default_value_t = 21, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rounds: u32,
    /// The size of a message of the ping-pong, up to 8M.
    #[arg(long, default_value = "64", value_parser = write_size)]
    pub(crate) ping: usize,
    /// Put so many layers that pass everything on above the stack; of a range as 0..16, with the
    /// largest --size, each if it is short, else 0, 1, 2, 4, 8, 16.
    #[arg(long, value_name = "RANGE")]
    pub(crate) depth: Option<Depths>,
    /// Draw throughput against size and depth. What of them is not said is 64 B to 256 KiB, and 0..16.
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) plot: Option<PathBuf>,
    /// Print one JSON object instead of tables, and nothing else.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which way the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
    /// Both at once, and all figures are of both together.
    Both,
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sent {
    /// The same at each write.
    Same,
    /// Lines of a log, a seventh of it noise.
    Mixed,
}

impl From<Sent> for Text {
    fn from(sent: Sent) -> Self {
        match sent {
            Sent::Same => Self::Same,
            Sent::Mixed => Self::Mixed,
        }
    }
}

/// As the text of which writes are made allows.
fn write_size(text: &str) -> Result<usize, String> {
    match size::parse(text)? {
        bytes if bytes <= 8 << 20 => Ok(bytes),
        _ => Err("it is 8M at most".to_owned()),
    }
}
