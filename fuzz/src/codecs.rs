//! The formats, each of which has a target of its name.

use compress_layer::CompressLayer;

/// Their names.
pub const CODECS: [&str; 2] = ["deflate", "zstd"];

/// A layer of the format of this name, at this level or at the nearest that costs neither minutes
/// nor hundreds of megabytes.
///
/// # Panics
///
/// If there is no such format.
pub fn make(name: &str, level: u8) -> CompressLayer {
    match name {
        "deflate" => CompressLayer::deflate(level.into()),
        "zstd" => CompressLayer::zstd(i32::from(level.min(14)) - 5),
        _ => panic!("no format is called {name}"),
    }
}
