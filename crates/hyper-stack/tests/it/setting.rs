//! What the tests have in common.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use rustls::{ClientConfig, ServerConfig};
use stack::Template;
use stack::tower::BoxError;
use tls_layer::TlsLayer;
use tokio::time::Instant;

use crate::certificate;

pub(crate) type Result<T> = std::result::Result<T, BoxError>;
pub(crate) type Body = Full<Bytes>;

pub(crate) const NAME: &str = "localhost";
pub(crate) const H2: &[u8] = b"h2";
pub(crate) const H1: &[u8] = b"http/1.1";

/// A client and a server that trust each other, and what each speaks, what it likes best first.
pub(crate) fn configs(
    client: &[&[u8]],
    server: &[&[u8]],
) -> Result<(Arc<ClientConfig>, Arc<ServerConfig>)> {
    let (certificate, mut ours) = certificate::make(NAME)?;
    Arc::make_mut(&mut ours).alpn_protocols = server.iter().map(|it| it.to_vec()).collect();
    let mut theirs = certificate::trust(certificate)?;
    Arc::make_mut(&mut theirs).alpn_protocols = client.iter().map(|it| it.to_vec()).collect();
    Ok((theirs, ours))
}

pub(crate) fn client(config: Arc<ClientConfig>) -> Template {
    Template::new().layer("tls", move || client_layer(&config))
}

pub(crate) fn client_layer(config: &Arc<ClientConfig>) -> TlsLayer {
    let name = NAME.try_into().expect("a host's name");
    TlsLayer::client(Arc::clone(config), name)
}

pub(crate) fn server(config: Arc<ServerConfig>) -> Template {
    Template::new().layer("tls", move || TlsLayer::server(Arc::clone(&config)))
}

/// Answers with the version, and with what it was sent.
pub(crate) async fn echo(
    request: Request<Incoming>,
) -> std::result::Result<Response<Body>, hyper::Error> {
    let version = format!("{:?} ", request.version());
    let body = request.into_body().collect().await?.to_bytes();
    Ok(Response::new([version.as_bytes(), &body].concat().into()))
}

/// Answers with "hello".
pub(crate) async fn hello(_: Request<Incoming>) -> std::result::Result<Response<Body>, Infallible> {
    Ok(Response::new("hello".into()))
}

pub(crate) fn request(body: impl Into<Bytes>) -> Request<Body> {
    let request = Request::builder().uri(format!("https://{NAME}/"));
    request.body(body.into().into()).expect("a good request")
}

pub(crate) async fn text(answer: Response<Incoming>) -> Result<String> {
    let body = answer.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(body.into())?)
}

/// The time, where it is paused.
#[expect(
    clippy::disallowed_methods,
    reason = "paused, it goes on only when all wait for it"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
