//! The formats, and who else speaks them.

use compress_layer::{CompressLayer, Deflate, Lz4, Zlib, Zstd};

/// A format, and the programs that read and make streams of it.
pub(crate) struct Format {
    /// Our layer.
    pub(crate) layer: fn(i32) -> CompressLayer,
    /// The levels at which it is to compress.
    pub(crate) levels: &'static [i32],
    /// The command that reads a stream.
    pub(crate) unpack: Command,
    /// The commands that make one.
    pub(crate) packs: &'static [Command],
    /// Whether the level can change, and the history be forgotten, so that the programs notice nothing.
    pub(crate) changes: Changes,
}

/// Where a format can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changes {
    /// Within a stream.
    Within,
    /// Between two streams of a series, which the programs read as one.
    Between,
    /// Between two streams, but the programs read one only.
    Never,
}

/// A program and its arguments.
pub(crate) type Command = &'static [&'static str];

const FLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/flate.py");
const NAMED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/gzip_named.py");
/// What both sides know beforehand.
const KNOWN: &str = "read there, What is written here and is again: ";

pub(crate) const FORMATS: &[Format] = &[
    Format {
        layer: |level| CompressLayer::deflate(level as u32),
        levels: &[0, 1, 6, 9],
        unpack: &["python3", FLATE, "unpack", "-15"],
        packs: &[
            &["python3", FLATE, "pack", "-15", "0"],
            &["python3", FLATE, "pack", "-15", "6"],
            &["python3", FLATE, "pack", "-9", "9"],
        ],
        changes: Changes::Within,
    },
    Format {
        layer: |level| {
            let deflate = Deflate::new(level as u32).with_window_log(9);
            CompressLayer::new(deflate.with_dictionary(KNOWN.as_bytes()))
        },
        levels: &[6],
        unpack: &["python3", FLATE, "unpack", "-9", "6", KNOWN],
        packs: &[&["python3", FLATE, "pack", "-9", "6", KNOWN]],
        changes: Changes::Within,
    },
    Format {
        layer: |level| CompressLayer::zlib(level as u32),
        levels: &[0, 1, 6, 9],
        unpack: &["python3", FLATE, "unpack", "15"],
        packs: &[
            &["python3", FLATE, "pack", "15", "1"],
            &["python3", FLATE, "pack", "9", "9"],
        ],
        changes: Changes::Within,
    },
    Format {
        layer: |level| {
            CompressLayer::new(Zlib::new(level as u32).with_dictionary(KNOWN.as_bytes()))
        },
        levels: &[6],
        unpack: &["python3", FLATE, "unpack", "15", "6", KNOWN],
        packs: &[&["python3", FLATE, "pack", "15", "6", KNOWN]],
        changes: Changes::Within,
    },
    Format {
        layer: |level| CompressLayer::gzip(level as u32),
        levels: &[0, 1, 6, 9],
        unpack: &["gzip", "-dc"],
        packs: &[&["gzip", "-c1"], &["gzip", "-c9"], &["python3", NAMED]],
        changes: Changes::Between,
    },
    Format {
        layer: CompressLayer::zstd,
        levels: &[-7, 1, 3, 19],
        unpack: &["zstd", "-dcq"],
        packs: &[
            &["zstd", "-cq"],
            &["zstd", "-cq", "--fast=5", "--no-check"],
            &["zstd", "-cq", "-19"],
        ],
        changes: Changes::Between,
    },
    Format {
        layer: |level| CompressLayer::new(Zstd::new(level).with_checksum()),
        levels: &[3],
        unpack: &["zstd", "-dcq"],
        packs: &[],
        changes: Changes::Between,
    },
    Format {
        layer: |level| CompressLayer::brotli(level as u32),
        levels: &[0, 1, 5, 11],
        unpack: &["brotli", "-dc"],
        packs: &[
            &["brotli", "-cq", "0"],
            &["brotli", "-cq", "5", "-w", "10"],
            &["brotli", "-cq", "11", "-w", "24"],
        ],
        changes: Changes::Never,
    },
    Format {
        layer: |level| CompressLayer::lz4(level as u32),
        levels: &[0, 3, 12],
        unpack: &["lz4", "-dc"],
        packs: &[
            &["lz4", "-cq1"],
            &["lz4", "-cq9", "-B4", "-BD", "-BX"],
            &["lz4", "-cq1", "-B7", "--no-frame-crc"],
        ],
        changes: Changes::Between,
    },
    Format {
        layer: |level| CompressLayer::new(Lz4::new(level as u32).with_checksum()),
        levels: &[1],
        unpack: &["lz4", "-dc"],
        packs: &[],
        changes: Changes::Between,
    },
];
