//! What axum serves.

use std::io;

use axum::extract::connect_info::Connected;
use axum::serve::{self, IncomingStream};
use stack::{Connection, Error, Handle, Template};

/// A listener for [`axum::serve`](fn@axum::serve), whose connections have the layers of a template.
///
/// It accepts as the listener beneath does, errors included, and shakes hands with nobody: that is done where
/// a connection is served, within [`Limits::handshake`](stack::Limits::handshake). So a client that
/// connects and says nothing holds up no other, and is gone when that is over.
///
/// Handlers learn of their connection by [`ConnectInfo`](axum::extract::ConnectInfo) of a [`Peer`].
///
/// ```no_run
/// # async fn serve(template: stack::Template) -> Result<(), stack::tower::BoxError> {
/// use std::net::SocketAddr;
/// use axum::{Router, extract::ConnectInfo, routing::get};
/// use hyper_stack::{Listener, Peer};
///
/// async fn who(ConnectInfo(peer): ConnectInfo<Peer<SocketAddr>>) -> String {
///     let stack = peer.handle.look(|stack| stack.to_string()).await;
///     format!("{}: {}", peer.address, stack.unwrap_or_default())
/// }
///
/// let app = Router::new().route("/", get(who));
/// let listener = tokio::net::TcpListener::bind("0.0.0.0:443").await?;
/// let listener = Listener::new(listener, template)?;
/// axum::serve(listener, app.into_make_service_with_connect_info::<Peer<SocketAddr>>()).await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Listener<L> {
    inner: L,
    template: Template,
}

impl<L: serve::Listener> Listener<L> {
    /// Over a listener of axum's, such as tokio's `TcpListener`.
    ///
    /// # Errors
    ///
    /// As for [`Template::changes`], which is tried once.
    pub fn new(inner: L, template: Template) -> Result<Self, Error> {
        let _ = template.changes()?;
        Ok(Self { inner, template })
    }
}

impl<L: serve::Listener> serve::Listener for Listener<L> {
    type Io = Connection<L::Io>;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Connection<L::Io>, L::Addr) {
        loop {
            let (socket, address) = self.inner.accept().await;
            match Connection::with_template(socket, &self.template) {
                Ok(mut connection) => {
                    let handle = connection.handle();
                    connection.set_network_info(handle);
                    return (connection, address);
                }
                Err(error) => tracing::error!("an accepted connection is closed: {error}"),
            }
        }
    }

    fn local_addr(&self) -> io::Result<L::Addr> {
        self.inner.local_addr()
    }
}

/// What a handler can know of its connection, as [`ConnectInfo`](axum::extract::ConnectInfo).
#[derive(Clone, Debug)]
pub struct Peer<A> {
    /// Where the peer is, as the listener says it.
    pub address: A,
    /// Looks at the stack, and what its layers tell: a client's certificate in
    /// [`TlsInfo`](tls_layer::TlsInfo), for instance.
    pub handle: Handle,
}

impl<L> Connected<IncomingStream<'_, Listener<L>>> for Peer<L::Addr>
where
    L: serve::Listener,
    L::Addr: Clone + Sync + 'static,
{
    fn connect_info(stream: IncomingStream<'_, Listener<L>>) -> Self {
        let Some(handle) = stream.io().info::<Handle>() else {
            unreachable!("given at accept")
        };
        Self {
            address: stream.remote_addr().clone(),
            handle: handle.clone(),
        }
    }
}
