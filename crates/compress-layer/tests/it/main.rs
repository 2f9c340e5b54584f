//! The layer between two stacks in memory, and against bytes that no honest peer sends.

mod alloc;
mod asymmetric;
mod brotli;
mod ceilings;
mod changes;
mod checksums;
mod compat;
mod dictionaries;
mod framed;
mod gzip;
mod hostile;
mod levels;
mod lz4;
mod nested;
mod oracle;
mod regressions;
mod round_trip;
mod windows;
mod wire;
