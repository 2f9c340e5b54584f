//! The line protocol by which the two peers agree.
//!
//! ```text
//! receiver                            sender
//! LIVE-UPGRADE/1 <certificate>
//!                                     PUSH tls | PUSH zstd     OK stands below the new layer,
//! OK                                                           what follows goes through it
//!                                     POP                      OK goes through the old layer,
//! OK                                                           what follows goes past it
//!                                     FILE <step> <len> <sha256>
//! OK
//!                                     <len bytes>
//! HAVE <len>                           now and then, while the bytes come
//! GOT <sha256>
//!                                     QUIT
//! OK
//! ```
//!
//! A receiver that cannot do what it is asked for answers `NO <why>`. The seams are exact since
//! neither peer says anything more until both have made the change: the receiver changes right
//! behind its `OK`, the sender when it has read it.

use std::fmt;
use std::str::FromStr;

use crate::step::Change;

/// What the sender asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Change(Change),
    File {
        step: usize,
        len: u64,
        sha256: String,
    },
    Quit,
}

pub(crate) const OK: &str = "OK";
pub(crate) const NO: &str = "NO ";
pub(crate) const HAVE: &str = "HAVE ";
pub(crate) const GOT: &str = "GOT ";
pub(crate) const GREETING: &str = "LIVE-UPGRADE/1 ";

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change(Change::PushTls) => f.write_str("PUSH tls"),
            Self::Change(Change::PushZstd) => f.write_str("PUSH zstd"),
            Self::Change(Change::Pop) => f.write_str("POP"),
            Self::File { step, len, sha256 } => write!(f, "FILE {step} {len} {sha256}"),
            Self::Quit => f.write_str("QUIT"),
        }
    }
}

impl FromStr for Command {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let words: Vec<_> = line.split(' ').collect();
        let unknown = || format!("{:?} is no command", shortened(line));
        Ok(match words[..] {
            ["PUSH", "tls"] => Self::Change(Change::PushTls),
            ["PUSH", "zstd"] => Self::Change(Change::PushZstd),
            ["POP"] => Self::Change(Change::Pop),
            ["FILE", step, len, sha256] => Self::File {
                step: step.parse().map_err(|_| unknown())?,
                len: len.parse().map_err(|_| unknown())?,
                sha256: sha256.to_owned(),
            },
            ["QUIT"] => Self::Quit,
            _ => return Err(unknown()),
        })
    }
}

/// Enough of a stranger's line to recognize it by.
pub(crate) fn shortened(line: &str) -> String {
    line.chars().take(60).collect()
}

/// Bytes as a word of a line.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of such a word, if it is one.
pub(crate) fn unhex(word: &str) -> Option<Vec<u8>> {
    let pairs = word.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some((digit(*high)? << 4) | digit(*low)?),
            _ => None,
        })
        .collect()
}

fn digit(letter: u8) -> Option<u8> {
    char::from(letter).to_digit(16).map(|digit| digit as u8)
}
