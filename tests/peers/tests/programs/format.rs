//! The formats, and who else speaks them.

use compress_layer::CompressLayer;

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
}

/// A program and its arguments.
pub(crate) type Command = &'static [&'static str];

const FLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/flate.py");

pub(crate) const FORMATS: &[Format] = &[
    Format {
        layer: |level| CompressLayer::deflate(level as u32),
        levels: &[0, 1, 6, 9],
        unpack: &["python3", FLATE, "unpack", "-15"],
        packs: &[
            &["python3", FLATE, "pack", "-15", "0"],
            &["python3", FLATE, "pack", "-15", "6"],
            // A smaller window.
            &["python3", FLATE, "pack", "-9", "9"],
        ],
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
    },
];
