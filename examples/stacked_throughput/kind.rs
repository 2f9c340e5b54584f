//! Which layer.

use std::fmt;
use std::ops::RangeInclusive;

/// Which layer, with its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tls(Version),
    /// With its level.
    Codec(Format, i32),
    /// Passes everything on: the price of being a layer.
    Pass,
    Trace,
    Counters,
    Deadlines,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V12,
    V13,
}

/// A format of compressed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Deflate,
    Zlib,
    Gzip,
    Zstd,
    Brotli,
    Lz4,
}

/// All that a word can begin with.
const NAMES: &str = "tls, deflate, zlib, gzip, zstd, brotli, lz4, pass, trace, counters, deadlines";

impl Kind {
    /// The layer of this name; an error says what is allowed instead.
    pub(crate) fn new(name: &str, argument: Option<&str>) -> Result<Self, String> {
        let plain = match name {
            "tls" => {
                return match argument {
                    None | Some("1.3") => Ok(Self::Tls(Version::V13)),
                    Some("1.2") => Ok(Self::Tls(Version::V12)),
                    Some(_) => Err("the version of tls is 1.2 or 1.3".to_owned()),
                };
            }
            "pass" => Self::Pass,
            "trace" => Self::Trace,
            "counters" => Self::Counters,
            "deadlines" => Self::Deadlines,
            "" => return Err(format!("a name is missing; there are {NAMES}")),
            _ => {
                let format = Format::ALL.into_iter().find(|format| format.name() == name);
                return match format {
                    Some(format) => format.at(argument),
                    None => Err(format!("there is no layer '{name}', but {NAMES}")),
                };
            }
        };
        match argument {
            None => Ok(plain),
            Some(_) => Err(format!("{name} takes no argument")),
        }
    }
}

impl Format {
    const ALL: [Self; 6] = [
        Self::Deflate,
        Self::Zlib,
        Self::Gzip,
        Self::Zstd,
        Self::Brotli,
        Self::Lz4,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Deflate => "deflate",
            Self::Zlib => "zlib",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Brotli => "brotli",
            Self::Lz4 => "lz4",
        }
    }

    /// Whether its library is written in C, and allocates past Rust's allocator.
    pub(crate) fn is_in_c(self) -> bool {
        matches!(self, Self::Zstd | Self::Lz4)
    }

    fn at(self, level: Option<&str>) -> Result<Kind, String> {
        let (usual, levels) = self.levels();
        match level.map_or(Ok(usual), str::parse) {
            Ok(level) if levels.contains(&level) => Ok(Kind::Codec(self, level)),
            _ => Err(format!(
                "the level of {} is a number from {} to {}",
                self.name(),
                levels.start(),
                levels.end()
            )),
        }
    }

    /// The level where none is said, and all that there are.
    fn levels(self) -> (i32, RangeInclusive<i32>) {
        match self {
            Self::Deflate | Self::Zlib | Self::Gzip => (6, 0..=9),
            Self::Zstd => (3, -7..=22),
            Self::Brotli => (4, 0..=11),
            Self::Lz4 => (1, 0..=12),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V12 => "1.2",
            Self::V13 => "1.3",
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(version) => write!(f, "tls:{version}"),
            Self::Codec(format, level) => write!(f, "{}:{level}", format.name()),
            Self::Pass => f.write_str("pass"),
            Self::Trace => f.write_str("trace"),
            Self::Counters => f.write_str("counters"),
            Self::Deadlines => f.write_str("deadlines"),
        }
    }
}
