//! [hyper], axum and tonic over live connections whose layers change.
//!
//! A [`Connection`](stack::Connection) is a stream of tokio's kind, so much of this needs nothing of this
//! crate: hyper's servers take a `TokioIo::new(connection)`, with any layers. Here is what they need to know
//! beyond the bytes:
//!
//! - [`Stream`] tells hyper-util's pooling client that TLS has agreed on HTTP/2, and tonic's server whom
//!   it talks to;
//! - [`take_back`] makes a connection of what hyper has upgraded, so that layers are pushed on it;
//! - `Listener` (feature `axum`) has axum serve connections with layers, and shake hands where they are served.
//!
//! # A client
//!
//! The connector is built of tower's services. Layers are chosen by the URI, and what connects below them
//! is hyper-util's own, or any other:
//!
//! ```
//! # use std::sync::Arc;
//! use hyper_stack::Stream;
//! use hyper_util::client::legacy::{Client, connect::HttpConnector};
//! use hyper_util::rt::{TokioExecutor, TokioIo};
//! use stack::{Template, tower::{BoxError, PushLayer}};
//! use tls_layer::{TlsLayer, rustls::{ClientConfig, pki_types::ServerName}};
//! use tower::ServiceBuilder;
//!
//! # type Body = http_body_util::Empty<&'static [u8]>;
//! # fn client(config: Arc<ClientConfig>) {
//! let mut tcp = HttpConnector::new();
//! tcp.enforce_http(false); // it would refuse https://
//! let layers = move |uri: &hyper::Uri| {
//!     let name = ServerName::try_from(uri.host().unwrap_or_default())?.to_owned();
//!     let config = Arc::clone(&config); // with h2 and http/1.1 in its alpn_protocols
//!     let tls = move || TlsLayer::client(Arc::clone(&config), name.clone());
//!     Ok::<_, BoxError>(Template::new().layer("tls", tls))
//! };
//! let connector = ServiceBuilder::new()
//!     .map_response(Stream::for_hyper)
//!     .layer(PushLayer::new(layers))
//!     .map_response(TokioIo::into_inner)
//!     .service(tcp);
//! let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build(connector);
//! # }
//! ```
//!
//! tonic's `Endpoint::connect_with_connector` takes the same connector, with an `http://` URI: what TLS there is
//! the connector has. Unlike tonic's own, it sets `TCP_NODELAY` only if the service beneath does, without
//! which small messages wait for each other.
//!
//! # A server
//!
//! Handshakes belong to the task that serves: [`Connection::with_template`](stack::Connection::with_template)
//! has them done by whoever reads, within [`Limits::handshake`](stack::Limits::handshake), so that a client
//! that says nothing holds up nobody.
//!
//! ```
//! use hyper_util::rt::{TokioExecutor, TokioIo};
//! use hyper_util::server::conn::auto::Builder;
//! use stack::{Connection, Template, tower::BoxError};
//! # use std::convert::Infallible;
//! # use hyper::{Request, Response, body::Incoming, service::service_fn};
//! # async fn hello(_: Request<Incoming>) -> Result<Response<http_body_util::Empty<&'static [u8]>>, Infallible> {
//! #     Ok(Response::default())
//! # }
//!
//! async fn serve(listener: tokio::net::TcpListener, template: Template) -> Result<(), BoxError> {
//!     loop {
//!         let (socket, _) = listener.accept().await?;
//!         let io = TokioIo::new(Connection::with_template(socket, &template)?);
//!         tokio::spawn(async move {
//!             // HTTP/1 or HTTP/2, as the client begins.
//!             Builder::new(TokioExecutor::new()).serve_connection_with_upgrades(io, service_fn(hello)).await
//!         });
//!     }
//! }
//! ```
//!
//! # When a peer ends TLS
//!
//! A close_notify is a clean end to hyper, and a connection that ends without one an error, as with
//! tokio-rustls. A pool drops a connection in both cases.

#[cfg(feature = "axum")]
mod listener;
mod stream;
mod taken_back;

#[cfg(feature = "axum")]
pub use listener::{Listener, Peer};
pub use stream::Stream;
pub use taken_back::take_back;
