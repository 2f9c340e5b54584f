//! The gateway: who comes, and how all end.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use tokio::io::{Stdout, stdout};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::select;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::arguments::Arguments;
use crate::session::Session;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How many may wait until they are accepted. The usual 128 are not many where thousands come at once, and
/// who speaks second may never learn that he was not let in.
const BACKLOG: u32 = 4096;
/// How long it waits where the system has nothing left, such as files.
const PAUSE: Duration = Duration::from_millis(100);
/// How long sessions may take to say farewell when they are told to end.
const FAREWELL: Duration = Duration::from_secs(5);

/// A listener, and what its sessions share.
pub(crate) struct Gateway {
    listener: TcpListener,
    shared: Arc<Shared>,
    sessions: TaskTracker,
}

/// What all sessions know.
pub(crate) struct Shared {
    pub(crate) arguments: Arguments,
    pub(crate) tls: Arc<ServerConfig>,
    /// Where accounts go. Who is slow to read them holds up those that are to end, and then those that are
    /// to come.
    pub(crate) log: Mutex<Stdout>,
    /// Says that all are to end.
    pub(crate) closing: CancellationToken,
}

impl Gateway {
    /// Reads the certificate, and listens.
    pub(crate) async fn new(arguments: Arguments) -> Result<Self> {
        let chain = read(&arguments.certificate)?;
        let key = read(&arguments.key)?;
        let provider = Some(Arc::new(default_provider()));
        let tls = tls_layer::config::server(&chain[..], &key[..], provider)
            .map_err(|error| format!("certificate and key: {error}"))?;
        let listener =
            listen(arguments.listen).map_err(|error| format!("{}: {error}", arguments.listen))?;
        Ok(Self {
            listener,
            shared: Arc::new(Shared {
                arguments,
                tls: Arc::new(tls),
                log: Mutex::new(stdout()),
                closing: CancellationToken::new(),
            }),
            sessions: TaskTracker::new(),
        })
    }

    /// Serves until a signal comes, and then lets the sessions end.
    pub(crate) async fn run(self) -> Result<()> {
        let mut signals = Signals::new()?;
        println!("listening on {}", self.listener.local_addr()?);
        select! {
            () = signals.next() => {}
            () = self.accept() => {}
        }
        let Self {
            listener,
            shared,
            sessions,
        } = self;
        drop(listener);
        sessions.close();
        note(format_args!("ending: {} connections", sessions.len()));
        select! {
            () = sessions.wait() => return Ok(()),
            () = sleep(shared.arguments.drain) => {}
            () = signals.next() => {}
        }
        shared.closing.cancel();
        let _ = timeout(FAREWELL, sessions.wait()).await;
        Ok(())
    }

    async fn accept(&self) {
        let most = self.shared.arguments.connections.get();
        let most = most.min(Semaphore::MAX_PERMITS);
        let room = Arc::new(Semaphore::new(most));
        loop {
            // Who finds no room waits in the system's queue.
            let Ok(place) = Arc::clone(&room).acquire_owned().await else {
                return;
            };
            match self.listener.accept().await {
                Ok((socket, _)) => {
                    let shared = Arc::clone(&self.shared);
                    self.sessions.spawn(async move {
                        serve(socket, &shared).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    note(format_args!("accept: {error}"));
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

async fn serve(socket: TcpStream, shared: &Shared) {
    match Session::new(socket, shared) {
        Ok(session) => session.run().await,
        // It is gone already.
        Err(error) => note(format_args!("accept: {error}")),
    }
}

/// What ends it.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    // Those that are accepted have it from here; so a client that is gone without a word is missed some time.
    socket.set_keepalive(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Says something beside the accounts. If nobody reads it, that is no reason to end.
fn note(words: impl Display) {
    let _ = writeln!(io::stderr(), "{words}");
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()).into())
}
