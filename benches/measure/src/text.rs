//! What is sent.

use std::sync::OnceLock;

use crate::Aligned;

/// A kind of bytes.
#[derive(Clone, Copy, Debug)]
pub enum Text {
    /// The same at each write; nobody looks at it.
    Same,
    /// What compresses about as well as what people send: lines of a log, a seventh of it noise.
    Mixed,
}

impl Text {
    /// Made for writes of this size, one behind another.
    pub fn for_writes(self, size: usize) -> Aligned {
        match self {
            Self::Same => Aligned::new(size),
            Self::Mixed => Aligned::of(mixed()),
        }
    }
}

/// More than the largest window at hand, so that no codec finds it again when it comes again.
const MIXED: usize = 8 << 20;

fn mixed() -> &'static [u8] {
    static TEXT: OnceLock<Vec<u8>> = OnceLock::new();
    TEXT.get_or_init(|| {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut text = Vec::with_capacity(MIXED);
        while text.len() < MIXED {
            let lines = text.len() + 48 * 1024;
            while text.len() < lines {
                text.extend(line(&mut random).into_bytes());
            }
            text.extend((0..8 * 1024).map(|_| random.below(256) as u8));
        }
        text.truncate(MIXED);
        text
    })
}

fn line(random: &mut Random) -> String {
    const WORDS: [&str; 24] = [
        "connection",
        "from",
        "to",
        "layer",
        "pushed",
        "popped",
        "stack",
        "the",
        "of",
        "and",
        "in",
        "with",
        "bytes",
        "network",
        "refused",
        "accepted",
        "handshake",
        "took",
        "peer",
        "closed",
        "timeout",
        "retry",
        "user",
        "session",
    ];
    let (second, host, session) = (
        random.below(86_400),
        random.below(250),
        random.below(1 << 32),
    );
    let mut line = format!("2026-11-27 {second:05} host-{host} [{session:08x}]");
    for _ in 0..4 + random.below(12) {
        // The first words come up more often than the last.
        let word = random.below(24) * random.below(24) / 24;
        line.push(' ');
        line.push_str(WORDS[word as usize]);
    }
    line.push_str("\r\n");
    line
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) % bound
    }
}
