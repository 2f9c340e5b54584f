//! A server's side of a session.

use std::io;

use compress_layer::{CompressInfo, CompressLayer};
use stack::{Connection, ErrorKind, Layer, LayerId, PushError};
use tls_layer::{TlsInfo, TlsLayer};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::cut::Cut;
use crate::server::{Manner, Parting};
use crate::session::Leaving;

/// What the servers have in common: lines or messages come, answers go, and TLS is pushed and
/// popped in between.
#[derive(Debug)]
pub(crate) struct Conversation {
    connection: Connection<Cut<TcpStream>>,
    pub(crate) manner: Manner,
    /// The innermost last.
    tls: Vec<LayerId<TlsLayer>>,
    /// As [`Session::heard`](crate::Session::heard).
    pub(crate) heard: Vec<String>,
    /// As [`Session::tls`](crate::Session::tls).
    pub(crate) info: Option<TlsInfo>,
    /// As [`Session::leaving`](crate::Session::leaving).
    pub(crate) leaving: Option<Leaving>,
}

impl Conversation {
    pub(crate) fn new(socket: TcpStream, manner: Manner) -> io::Result<Self> {
        let socket = manner.cut(socket)?;
        // Answers in clear leave whole, for there are clients that take one read for one answer.
        socket.cut_no_more();
        Ok(Self {
            connection: Connection::new(socket),
            manner,
            tls: Vec::new(),
            heard: Vec::new(),
            info: None,
            leaving: None,
        })
    }

    /// The next line without its end; `None` if the client has ended.
    pub(crate) async fn line(&mut self) -> io::Result<Option<String>> {
        self.until(b'\n').await
    }

    /// What comes up to this byte, as a text without the space around it; `None` if the client has
    /// ended.
    pub(crate) async fn until(&mut self, end: u8) -> io::Result<Option<String>> {
        // Of the first byte: who lies below it is known before it is taken.
        if self.connection.fill_buf().await?.is_empty() {
            return Ok(None);
        }
        let crossed = self.crossed();
        let mut bytes = Vec::new();
        self.connection.read_until(end, &mut bytes).await?;
        let text = String::from_utf8_lossy(&bytes).trim().to_owned();
        self.heard.push(crossed + &text);
        Ok(Some(text))
    }

    /// The next `N` bytes; `None` if the client has ended.
    pub(crate) async fn head<const N: usize>(&mut self) -> io::Result<Option<[u8; N]>> {
        if self.connection.fill_buf().await?.is_empty() {
            return Ok(None);
        }
        let mut head = [0; N];
        self.connection.read_exact(&mut head).await?;
        Ok(Some(head))
    }

    /// The next `n` bytes, the rest of what the server calls by this name.
    pub(crate) async fn body(&mut self, n: usize) -> io::Result<Vec<u8>> {
        let mut body = vec![0; n];
        self.connection.read_exact(&mut body).await?;
        Ok(body)
    }

    /// Remembers that a message of this name came.
    pub(crate) fn note(&mut self, name: &str) {
        self.heard.push(self.crossed() + name);
    }

    fn crossed(&self) -> String {
        let epoch = self.connection.read_epoch();
        let layers = epoch.layers().map(|name| format!("{name}: "));
        layers.collect()
    }

    /// Answers.
    pub(crate) async fn say(&mut self, answer: impl AsRef<[u8]>) -> io::Result<()> {
        self.connection.write_all(answer.as_ref()).await
    }

    /// What was answered goes out now, and not only when the next line is awaited.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        self.connection.flush().await
    }

    /// Whether what is answered now is protected.
    pub(crate) fn is_secure(&self) -> bool {
        !self.tls.is_empty()
    }

    /// Answers `go` and pushes TLS, which is one act; or answers `no`, if TLS is there already.
    pub(crate) async fn upgrade(
        &mut self,
        go: impl AsRef<[u8]>,
        no: impl AsRef<[u8]>,
    ) -> io::Result<()> {
        let layer = self.manner.layer()?;
        if let Some(id) = self.push(layer, go.as_ref(), no.as_ref()).await? {
            self.tls.push(id);
            self.info = self.connection.info::<TlsInfo>().cloned();
        }
        Ok(())
    }

    /// As [`upgrade`](Self::upgrade), to deflate.
    pub(crate) async fn compress(
        &mut self,
        go: impl AsRef<[u8]>,
        no: impl AsRef<[u8]>,
    ) -> io::Result<()> {
        let layer = CompressLayer::deflate(6);
        self.push(layer, go.as_ref(), no.as_ref()).await?;
        Ok(())
    }

    async fn push<L: Layer>(
        &mut self,
        layer: L,
        go: &[u8],
        no: &[u8],
    ) -> io::Result<Option<LayerId<L>>> {
        self.connection.io().cut_behind(go.len());
        match self.connection.push_after(go, layer).await {
            Ok(id) => Ok(Some(id)),
            Err(PushError::Refused { error, .. }) if error.kind() == ErrorKind::Order => {
                self.say(no).await?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// As [`Session::compression`](crate::Session::compression).
    pub(crate) fn compression(&self) -> Option<CompressInfo> {
        self.connection.info().cloned()
    }

    /// Answers `go` through TLS and pops it.
    pub(crate) async fn downgrade(&mut self, go: &str) -> io::Result<()> {
        // curl looks ten times for a close_notify, and then takes the rest of it for an answer.
        self.connection.io().cut_no_more();
        self.say(go).await?;
        let Some(id) = self.tls.pop() else {
            return Ok(());
        };
        match self.manner.parting {
            Parting::First => {}
            // The client's close_notify parks the connection: an end, until it is popped.
            Parting::Second => {
                self.connection.fill_buf().await?;
            }
            Parting::Alone => {
                self.connection.start_pop(id).await?;
                self.connection.rip(id)?;
                return Ok(());
            }
        }
        self.connection.pop(id).await?;
        Ok(())
    }

    /// Says farewell, and lets the client go first, so that nothing of it is lost by a reset.
    pub(crate) async fn close(&mut self, farewell: impl AsRef<[u8]>) -> io::Result<()> {
        // The client may be gone already, or go without its close_notify: here nobody minds.
        let _ = self.say(farewell).await;
        let _ = self.connection.shutdown().await;
        let _ = tokio::io::copy(&mut self.connection, &mut tokio::io::sink()).await;
        self.leaving = Leaving::seen(self.connection.stack());
        Ok(())
    }
}
