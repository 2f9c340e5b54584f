//! One client, and its connection to the server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use net_layers::{ProxyHeader, SendProxy};
use stack::{Connection, Layer, PushError};
use tls_layer::TlsLayer;
use tokio::io::{AsyncWriteExt, copy, sink};
use tokio::net::TcpStream;
use tokio::select;
use tokio::time::timeout;

use crate::account::Account;
use crate::arguments::Protocol;
use crate::gateway::Shared;
use crate::relay::{Everything, Relay};
use crate::{imap, pop3, postgres, smtp};

/// How long the server may take to let us in.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a client may take to read what is left for it, and to end.
const FAREWELL: Duration = Duration::from_secs(4);

/// A client that has connected.
pub(crate) struct Session<'a> {
    shared: &'a Shared,
    client: Connection<TcpStream>,
    from: SocketAddr,
    to: SocketAddr,
    since: Instant,
}

/// Both sides of a session, for who speaks the protocol.
pub(crate) struct Talk<'a> {
    pub(crate) client: &'a mut Connection<TcpStream>,
    pub(crate) server: Connection<TcpStream>,
    pub(crate) shared: &'a Shared,
    pub(crate) secure: bool,
}

impl<'a> Session<'a> {
    pub(crate) fn new(socket: TcpStream, shared: &'a Shared) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        Ok(Self {
            from: canonical(socket.peer_addr()?),
            to: canonical(socket.local_addr()?),
            client: Connection::new(socket),
            shared,
            since: Instant::now(),
        })
    }

    /// Serves the client to its end, and prints the account.
    pub(crate) async fn run(mut self) {
        let shared = self.shared;
        let end = select! {
            end = self.serve() => end,
            () = shared.closing.cancelled() => Err(io::Error::other("the gateway ends")),
        };
        let _ = timeout(FAREWELL, self.farewell(end.is_ok())).await;
        let account = Account {
            protocol: shared.arguments.protocol,
            from: self.from,
            since: self.since,
            end,
        };
        let told = account.told(self.client.stack(), shared.arguments.verbose);
        let mut log = shared.log.lock().await;
        // If nobody reads it, that is no reason to end.
        let _ = log.write_all(told.as_bytes()).await;
        let _ = log.flush().await;
    }

    /// What the client was told, and its end mark; also where it was an error.
    async fn farewell(&mut self, ended_well: bool) -> io::Result<()> {
        self.client.shutdown().await?;
        if ended_well {
            // With something unread it would be reset, and might never read what it was told.
            copy(&mut self.client, &mut sink()).await?;
        }
        Ok(())
    }

    async fn serve(&mut self) -> io::Result<()> {
        let server = self.connect().await?;
        let mut talk = Talk {
            client: &mut self.client,
            server,
            shared: self.shared,
            secure: false,
        };
        if self.shared.arguments.protocol == Protocol::Imap {
            return imap::serve(&mut talk).await;
        }
        let begin = async {
            match self.shared.arguments.protocol {
                Protocol::Smtp => smtp::begin(&mut talk).await,
                Protocol::Pop3 => pop3::begin(&mut talk).await,
                _ => postgres::begin(&mut talk).await,
            }
        };
        if within(self.shared.arguments.login_timeout, begin).await? {
            let relay = &mut Relay::default();
            relay
                .run(talk.client, &mut talk.server, &mut Everything)
                .await?;
        }
        Ok(())
    }

    /// Connects to the server, and tells it for whom.
    async fn connect(&self) -> io::Result<Connection<TcpStream>> {
        let arguments = &self.shared.arguments;
        let socket = within(CONNECT, TcpStream::connect(&arguments.backend)).await?;
        socket.set_nodelay(true)?;
        let mut server = Connection::new(socket);
        if let Some(version) = arguments.proxy_protocol {
            let header = ProxyHeader::new(version.into(), self.from, self.to);
            server.push(SendProxy::new(header)).await?;
            server.flush().await?;
        }
        Ok(server)
    }
}

impl Talk<'_> {
    /// Answers that TLS begins, and begins it, which is one act: what the client has sent behind its
    /// question is an error, and goes nowhere.
    pub(crate) async fn begin_tls(&mut self, answer: &[u8]) -> io::Result<()> {
        let tls = TlsLayer::server(Arc::clone(&self.shared.tls));
        push_after(self.client, answer, tls).await?;
        self.secure = true;
        Ok(())
    }

    /// Whether the client has to begin TLS before it can do more.
    pub(crate) fn lacks_tls(&self) -> bool {
        self.shared.arguments.require_tls && !self.secure
    }
}

/// Answers, and pushes a layer, which is one act.
pub(crate) async fn push_after<L: Layer>(
    client: &mut Connection<TcpStream>,
    answer: &[u8],
    layer: L,
) -> io::Result<()> {
    let pushed = client.push_after(answer, layer).await;
    pushed.map(drop).map_err(|error: PushError<L>| error.into())
}

/// A client of version 4 at a listener of version 6 is one of version 4.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// What must not take longer than this.
pub(crate) async fn within<T>(
    longest: Duration,
    future: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let done = timeout(longest, future).await;
    done.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
