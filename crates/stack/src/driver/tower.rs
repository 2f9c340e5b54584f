//! Connectors and acceptors of tower's kind, whose connections have layers.
//!
//! [`PushLayer`] is a [`tower_layer::Layer`]: around a service that answers with a stream it makes one
//! that answers with a [`Connection`] over that stream, on which the layers of a [`Template`] are up. The
//! service may be a connector, from an address to a socket, or an acceptor, from a socket to itself
//! ([`Accept`]); what tower has for services goes around it or within it: a timeout around the
//! handshake, a limit of how many run at once, shedding of what is too much, another attempt.
//!
//! (A [`Layer`](crate::Layer) of this crate is something else than tower's, which decorates services.)
//!
//! ```
//! # struct Tls;
//! # impl stack::Watch for Tls {}
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower::BoxError> {
//! use std::time::Duration;
//! use stack::Template;
//! use stack::tower::{Accept, PushLayer};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! let template = Template::new().layer("tls", || Tls);
//! let acceptor = ServiceBuilder::new()
//!     .load_shed() // beyond the limit a client is turned away
//!     .concurrency_limit(100) // of handshakes, not of connections
//!     .timeout(Duration::from_secs(5))
//!     .layer(PushLayer::new(template))
//!     .service(Accept);
//!
//! let (socket, _client) = tokio::io::duplex(64);
//! let connection = acceptor.oneshot(socket).await?; // of a clone, in a task of its own
//! assert_eq!(connection.stack().to_string(), "app <=> Tls <=> network");
//! # Ok(()) }
//! ```
//!
//! A connector mostly needs to know whom it connects to. Its layers come from the request:
//!
//! ```
//! # struct Tls(String);
//! # impl stack::Watch for Tls {}
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower::BoxError> {
//! use std::io;
//! use stack::Template;
//! use stack::tower::PushLayer;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! let connector = ServiceBuilder::new()
//!     .layer(PushLayer::new(|host: &String| {
//!         let host = host.clone();
//!         Ok::<_, io::Error>(Template::new().layer("tls", move || Tls(host.clone())))
//!     }))
//!     .service(service_fn(async |_host: String| {
//!         Ok::<_, io::Error>(tokio::io::duplex(64).0) // TcpStream::connect
//!     }));
//!
//! let connection = connector.oneshot("mail.example".to_owned()).await?;
//! assert_eq!(connection.layers().count(), 1);
//! # Ok(()) }
//! ```

use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;

use crate::{Connection, Template};

/// The error of a service: the inner service's, or a [`stack::Error`](crate::Error) that names the
/// layer. `downcast_ref` tells them apart.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Which layers a connection is to have, by the request that it is made for.
///
/// A [`Template`] is the same for all; a closure from the request makes one for each, or says why
/// there is none.
pub trait Templates<Request> {
    /// The layers for this request.
    ///
    /// # Errors
    ///
    /// Why there can be no connection; the inner service is not called then.
    fn template(&self, request: &Request) -> Result<Template, BoxError>;
}

impl<Request> Templates<Request> for Template {
    fn template(&self, _: &Request) -> Result<Template, BoxError> {
        Ok(self.clone())
    }
}

impl<Request, F, E> Templates<Request> for F
where
    F: Fn(&Request) -> Result<Template, E>,
    E: Into<BoxError>,
{
    fn template(&self, request: &Request) -> Result<Template, BoxError> {
        self(request).map_err(Into::into)
    }
}

/// Puts layers on whatever the inner service connects or accepts: a [`tower_layer::Layer`].
///
/// One of these with a template of several layers is cheaper than several of these.
#[derive(Clone, Copy, Debug)]
pub struct PushLayer<T> {
    templates: T,
}

impl<T> PushLayer<T> {
    /// Of a [`Template`], or of a closure from the request to one; see [`Templates`].
    pub fn new(templates: T) -> Self {
        Self { templates }
    }
}

impl<S, T: Clone> tower_layer::Layer<S> for PushLayer<T> {
    type Service = Push<S, T>;

    fn layer(&self, inner: S) -> Push<S, T> {
        let templates = self.templates.clone();
        Push { inner, templates }
    }
}

/// The service that [`PushLayer`] makes: the inner one's streams, with layers on them.
///
/// It answers when all layers are up, so what limits, times or repeats it does so with the handshake.
/// As a `Connection` reads and writes, a connector of this kind is tower's `MakeConnection`.
///
/// # Errors
///
/// Those of the inner service; why there is no template; or why the layers did not come up, and then the
/// stream is dropped.
///
/// # Cancelling
///
/// Dropping the future drops the stream, and closes it.
#[derive(Clone, Copy, Debug)]
pub struct Push<S, T> {
    inner: S,
    templates: T,
}

impl<S, T, Request, Io> Service<Request> for Push<S, T>
where
    S: Service<Request, Response = Io>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    T: Templates<Request>,
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Response = Connection<Io>;
    type Error = BoxError;
    type Future = Pushing<Io>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(task).map_err(Into::into)
    }

    fn call(&mut self, request: Request) -> Pushing<Io> {
        let template = match self.templates.template(&request) {
            Ok(template) => template,
            Err(error) => return Pushing(Box::pin(ready(Err(error)))),
        };
        let stream = self.inner.call(request);
        Pushing(Box::pin(async move {
            let stream = stream.await.map_err(Into::into)?;
            Ok(Connection::from_template(stream, &template).await?)
        }))
    }
}

/// The future of [`Push`].
#[must_use = "a future does nothing unless it is polled"]
pub struct Pushing<Io: AsyncRead + AsyncWrite + Unpin>(
    Pin<Box<dyn Future<Output = Result<Connection<Io>, BoxError>> + Send>>,
);

impl<Io: AsyncRead + AsyncWrite + Unpin> Future for Pushing<Io> {
    type Output = Result<Connection<Io>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(task)
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> fmt::Debug for Pushing<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pushing").finish_non_exhaustive()
    }
}

/// The innermost service of an acceptor: from a socket that was accepted to itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accept;

impl<Io> Service<Io> for Accept {
    type Response = Io;
    type Error = Infallible;
    type Future = Ready<Result<Io, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, socket: Io) -> Self::Future {
        ready(Ok(socket))
    }
}
