//! What the fuzz targets share: a target names a format, and this plays a layer of it.
//!
//! The stack is sans-IO, so a whole connection is played from the input alone, with no thread, no
//! socket and no clock, and what was found is played again exactly.

mod codecs;
mod decode;
mod encode;
mod end;
mod noise;

pub use codecs::{CODECS, make};
pub use decode::decode;
pub use encode::{Life, encode};
pub use noise::noise;
