//! What the two peers have in common.

use std::fmt;
use std::io;
use std::net;
use std::sync::Arc;
use std::time::Duration;

use compress_layer::CompressLayer;
use rustls::{ClientConfig, ServerConfig};
use stack::{Connection, LayerId, Stack};
use tls_layer::{TlsInfo, TlsLayer};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::counted::Counted;
use crate::failure::Failure;
use crate::step::Change;

/// How long a line may take to come.
const LINE: Duration = Duration::from_secs(5);
/// How long a transfer may stand still.
pub(crate) const STALL: Duration = Duration::from_secs(60);
/// The longest line; a greeting holds a certificate.
const LONGEST: usize = 8 * 1024;
/// Zstandard's own default level.
const ZSTD_LEVEL: i32 = 3;

/// One end of the connection: the stack over its socket, and what was pushed onto it.
pub(crate) struct Peer {
    pub(crate) connection: Connection<Counted<TcpStream>>,
    /// Lowest first.
    pushed: Vec<Pushed>,
}

enum Pushed {
    Tls(LayerId<TlsLayer>),
    Zstd(LayerId<CompressLayer>),
}

/// Which end of TLS a peer is.
pub(crate) enum Tls {
    Client(Arc<ClientConfig>),
    Server(Arc<ServerConfig>),
}

impl Peer {
    pub(crate) fn new(socket: net::TcpStream) -> Result<Self, Failure> {
        let doing = "cannot set up the socket";
        // Lines are short and waited for.
        socket.set_nodelay(true).map_err(Failure::because(doing))?;
        socket
            .set_nonblocking(true)
            .map_err(Failure::because(doing))?;
        let socket = TcpStream::from_std(socket).map_err(Failure::because(doing))?;
        Ok(Self {
            connection: Connection::new(Counted::new(socket)),
            pushed: Vec::new(),
        })
    }

    /// Changes the top of the stack, right behind `answer`.
    pub(crate) async fn change(
        &mut self,
        change: Change,
        answer: &[u8],
        tls: &Tls,
    ) -> Result<(), Failure> {
        match change {
            Change::PushTls => {
                let layer = tls.layer();
                let pushed = self.connection.push_after(answer, layer).await;
                let id = pushed.map_err(Failure::because("cannot push TLS"))?;
                self.pushed.push(Pushed::Tls(id));
            }
            Change::PushZstd => {
                let layer = CompressLayer::zstd(ZSTD_LEVEL);
                let pushed = self.connection.push_after(answer, layer).await;
                let id = pushed.map_err(Failure::because("cannot push zstd"))?;
                self.pushed.push(Pushed::Zstd(id));
            }
            Change::Pop => {
                let answered = self.connection.write_all(answer).await;
                answered.map_err(Failure::because("cannot answer"))?;
                let popped = match self.pushed.pop() {
                    Some(Pushed::Tls(id)) => self.connection.pop(id).await.map(drop),
                    Some(Pushed::Zstd(id)) => self.connection.pop(id).await.map(drop),
                    None => return Err(Failure::new("there is nothing to pop")),
                };
                popped.map_err(Failure::because("cannot pop"))?;
            }
        }
        Ok(())
    }

    /// What TLS agreed on with the peer, if TLS stands in the stack.
    pub(crate) fn agreed(&self) -> Option<String> {
        let info = self.connection.info::<TlsInfo>()?;
        let group = info.group.as_deref().unwrap_or("an old session's keys");
        Some(format!("{}, {}, {group}", info.version, info.cipher_suite))
    }

    /// Writes a line and sees it off.
    pub(crate) async fn say(&mut self, line: impl fmt::Display) -> Result<(), Failure> {
        let text = format!("{line}\n");
        let doing = format!("saying {}", beginning(&text));
        within(LINE, &doing, async {
            self.connection.write_all(text.as_bytes()).await?;
            self.connection.flush().await
        })
        .await
    }

    /// Reads a line, without its end, and not a byte more.
    pub(crate) async fn hear(
        &mut self,
        doing: &str,
        patience: Duration,
    ) -> Result<String, Failure> {
        let mut line = Vec::new();
        let mut limited = (&mut self.connection).take(LONGEST as u64);
        within(patience, doing, limited.read_until(b'\n', &mut line)).await?;
        if line.pop() == Some(b'\n') {
            return Ok(String::from_utf8_lossy(&line).into_owned());
        }
        if line.len() + 1 >= LONGEST {
            return Err(Failure::new(format_args!("{doing}: the line has no end")));
        }
        let error = io::Error::from(io::ErrorKind::UnexpectedEof);
        Err(Failure::because(doing)(error))
    }

    /// Reads a line that needs no work of the peer's.
    pub(crate) async fn hear_soon(&mut self, doing: &str) -> Result<String, Failure> {
        self.hear(doing, LINE).await
    }

    /// Ends the connection, and sees that the peer ends it in the same place.
    pub(crate) async fn close(mut self) -> Result<(), Failure> {
        let doing = "closing the connection";
        within(LINE, doing, self.connection.shutdown()).await?;
        let mut rest = [0];
        match within(LINE, doing, self.connection.read(&mut rest)).await? {
            0 => Ok(()),
            _ => Err(Failure::new(format_args!("{doing}: the peer says more"))),
        }
    }

    pub(crate) fn stack(&self) -> &Stack {
        self.connection.stack()
    }
}

impl Tls {
    fn layer(&self) -> TlsLayer {
        match self {
            Self::Client(config) => {
                let name = "localhost".try_into().expect("it is a host's name");
                TlsLayer::client(Arc::clone(config), name)
            }
            Self::Server(config) => TlsLayer::server(Arc::clone(config)),
        }
    }
}

/// The first words of a line, which say what it is.
pub(crate) fn beginning(line: &str) -> String {
    let words: Vec<_> = line.split_whitespace().take(2).collect();
    words.join(" ")
}

/// Waits for so long at most.
pub(crate) async fn within<T>(
    patience: Duration,
    doing: &str,
    what: impl Future<Output = io::Result<T>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(patience, what).await {
        Ok(result) => result.map_err(Failure::because(doing)),
        Err(_) => Err(Failure::new(format_args!(
            "{doing}: not done after {} s",
            patience.as_secs()
        ))),
    }
}
