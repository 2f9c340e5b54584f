//! hyper, axum and tonic over connections with layers, beside the same over tokio-rustls.

#[path = "../../../../examples/certificate/mod.rs"]
mod certificate;
mod client;
mod listener;
mod peer;
mod rpc;
mod server;
mod setting;
mod upgrade;
