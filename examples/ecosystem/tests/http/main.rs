//! HTTP with programs that are not ours, over TLS as a layer.

mod curl;
mod nginx;
