//! Compress.
