//! A server of ours, for clients that are not.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tls_layer::TlsLayer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::conversation::Conversation;
use crate::cut::Cut;
use crate::servers::{Mailbox, Service};
use crate::{Result, Session};

/// How a server goes about it.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Its certificate, its versions, and the sessions that can be resumed.
    pub config: Arc<ServerConfig>,
    /// Whether its socket reads one byte at a time, and writes so within TLS.
    pub cut: bool,
    /// Whether TLS within TLS is meant.
    pub nests: bool,
    /// How it takes TLS off.
    pub parting: Parting,
    /// Whether IMAP serves who speaks no TLS, too.
    pub clear: bool,
    /// What IMAP serves.
    pub mailbox: Mailbox,
}

/// Whose close_notify is the first, when a server takes TLS off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// Ours: the server pops TLS at once, and the client answers.
    First,
    /// The client's: the server pops TLS when it has come.
    Second,
    /// Ours, which is the only one: the server rips TLS out, and takes what comes as plain.
    Alone,
}

impl Manner {
    /// The socket, cut if it is to be.
    pub(crate) fn cut(&self, socket: TcpStream) -> io::Result<Cut<TcpStream>> {
        // So that each byte is a segment.
        socket.set_nodelay(true)?;
        Ok(if self.cut {
            Cut::new(socket, 1)
        } else {
            Cut::whole(socket)
        })
    }

    /// A layer to push.
    pub(crate) fn layer(&self) -> io::Result<TlsLayer> {
        let layer = TlsLayer::server(Arc::clone(&self.config));
        Ok(if self.nests { layer.anywhere() } else { layer })
    }
}

/// A server on a free port of 127.0.0.1, which is gone with all its sessions when this is dropped.
#[derive(Debug)]
pub struct Server {
    /// Its port.
    pub port: u16,
    sessions: mpsc::UnboundedReceiver<Session>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Starts one.
    pub async fn start(service: Service, manner: Manner) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (over, sessions) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut served = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let (over, manner) = (over.clone(), manner.clone());
                served.spawn(async move {
                    // Who started this may have seen enough.
                    let _ = over.send(serve(socket, service, manner).await);
                });
            }
        });
        Ok(Self {
            port,
            sessions,
            _tasks: tasks,
        })
    }

    /// The next session that is over, once it is.
    pub async fn session(&mut self) -> Result<Session> {
        let next = timeout(Duration::from_secs(60), self.sessions.recv()).await;
        let next = next.map_err(|_| "no session of our server ends")?;
        next.ok_or_else(|| "our server has ended".into())
    }
}

async fn serve(socket: TcpStream, service: Service, manner: Manner) -> Session {
    let mut talk = match Conversation::new(socket, manner) {
        Ok(talk) => talk,
        Err(error) => {
            return Session {
                heard: Vec::new(),
                tls: None,
                compression: None,
                leaving: None,
                end: Err(error),
            };
        }
    };
    let end = service.serve(&mut talk).await;
    let compression = talk.compression();
    Session {
        end,
        compression,
        leaving: talk.leaving,
        heard: talk.heard,
        tls: talk.info,
    }
}
