//! A connection that goes over to TLS, to deflate, or to both.

use std::io::ErrorKind;
use std::time::Duration;

use compress_layer::CompressLayer;
use net_layers::Starttls;
use stack::{Connection, LayerId, LayerKey, Limits};
use tls_layer::{TlsInfo, TlsLayer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{ClientError, Result};

/// No time decides a test; this only ends one that hangs.
const LONGEST: Duration = Duration::from_secs(60);

/// What every client stands on: a connection, on it TLS once it is pushed, and above that deflate.
#[derive(Debug)]
pub struct Session<Io: AsyncRead + AsyncWrite + Unpin> {
    /// The connection.
    pub connection: Connection<Io>,
    tls: Option<LayerId<TlsLayer>>,
    deflate: Option<LayerId<CompressLayer>>,
}

/// How a server has ended its half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With the end mark of each layer, if there were any.
    Clean,
    /// Without one: an attacker can have cut it off.
    Truncated,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Session<Io> {
    /// One that is plain yet.
    pub fn new(io: Io) -> Self {
        let limits = Limits {
            handshake: LONGEST,
            pop: LONGEST,
            ..Limits::default()
        };
        Self {
            connection: Connection::with_limits(io, limits),
            tls: None,
            deflate: None,
        }
    }

    /// One that asks for TLS in plain, and is in TLS. What was said and heard in plain is gone.
    pub async fn start(io: Io, starttls: Starttls, tls: TlsLayer) -> Result<Self> {
        let mut session = Self::new(io);
        let starttls = session.connection.push(starttls).await?;
        session.begin_tls(tls).await?;
        // It would not hurt; but it has done what it was there for.
        session.connection.pop(starttls).await?;
        Ok(session)
    }

    /// Goes over to TLS; the server has said that it does so too.
    pub async fn begin_tls(&mut self, tls: TlsLayer) -> Result<()> {
        self.tls = Some(self.connection.push(tls).await?);
        Ok(())
    }

    /// Goes back to plain; the server has said that it does so too.
    pub async fn end_tls(&mut self) -> Result<()> {
        if let Some(tls) = self.tls.take() {
            self.connection.pop(tls).await?;
        }
        Ok(())
    }

    /// Compresses at this level from here on; the server has said that it compresses too.
    pub async fn begin_deflate(&mut self, level: u32) -> Result<()> {
        self.deflate = Some(self.connection.push(CompressLayer::deflate(level)).await?);
        Ok(())
    }

    async fn end_deflate(&mut self) -> Result<()> {
        if let Some(deflate) = self.deflate.take() {
            self.connection.pop(deflate).await?;
        }
        Ok(())
    }

    /// What the handshake has agreed on, if there is TLS.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.connection.info()
    }

    /// Waits for the server to end deflate, then TLS and then the connection, and does so as well.
    /// Not a byte more is expected of it.
    pub async fn end(mut self) -> Result<Ending> {
        if self.deflate.is_some() {
            if self.has_ended().await? == Ending::Truncated {
                return Ok(Ending::Truncated);
            }
            let popped = self.end_deflate().await;
            if self.tls.is_none() {
                return self.gone(popped).await;
            }
            popped?;
        }
        if self.has_ended().await? == Ending::Truncated {
            return Ok(Ending::Truncated);
        }
        let popped = self.end_tls().await;
        self.gone(popped).await
    }

    /// Closes the connection behind the server's last end mark. The server may have gone without
    /// waiting for our farewell; that is no matter any more.
    async fn gone(mut self, popped: Result<()>) -> Result<Ending> {
        if popped.is_ok() && self.connection.read(&mut [0]).await.is_ok_and(|n| n > 0) {
            return Err(more());
        }
        let _ = self.connection.shutdown().await;
        Ok(Ending::Clean)
    }

    /// How the server has ended the topmost layer, or the connection if there is none. It may have
    /// ended one below, and left that one without its end mark.
    async fn has_ended(&mut self) -> Result<Ending> {
        match self.connection.read(&mut [0]).await {
            Ok(0) if self.connection.parked() == self.topmost() => Ok(Ending::Clean),
            Ok(0) => Ok(Ending::Truncated),
            Ok(_) => Err(more()),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(Ending::Truncated),
            Err(error) => Err(error.into()),
        }
    }

    fn topmost(&self) -> Option<LayerKey> {
        Some(self.connection.layers().next_back()?.key())
    }
}

fn more() -> ClientError {
    ClientError::Unexpected("more behind the end".to_owned())
}
