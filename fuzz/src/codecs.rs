//! The formats, each of which has a target of its name.

use compress_layer::CompressLayer;

/// Their names.
pub const CODECS: [&str; 6] = ["brotli", "deflate", "gzip", "lz4", "zlib", "zstd"];

/// A layer of the format of this name.
///
/// # Panics
///
/// If there is no such format.
pub fn make(name: &str, effort: u8) -> CompressLayer {
    let level = level(name, effort);
    match name {
        "brotli" => CompressLayer::brotli(level as u32),
        "deflate" => CompressLayer::deflate(level as u32),
        "gzip" => CompressLayer::gzip(level as u32),
        "lz4" => CompressLayer::lz4(level as u32),
        "zlib" => CompressLayer::zlib(level as u32),
        "zstd" => CompressLayer::zstd(level),
        _ => panic!("no format is called {name}"),
    }
}

/// A level of that format, of those that cost neither minutes nor hundreds of megabytes.
pub(crate) fn level(name: &str, effort: u8) -> i32 {
    match name {
        "brotli" => i32::from(effort % 6),
        "zstd" => i32::from(effort % 15) - 5,
        _ => i32::from(effort % 10),
    }
}
