//! A connection that goes over to TLS.

use std::io::ErrorKind;
use std::time::Duration;

use stack::{Connection, LayerId, Limits};
use tls_layer::{TlsInfo, TlsLayer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{ClientError, Result};

/// No time decides a test; this only ends one that hangs.
const LONGEST: Duration = Duration::from_secs(60);

/// What every client stands on: a connection, and TLS on it once it is pushed.
#[derive(Debug)]
pub struct Session<Io: AsyncRead + AsyncWrite + Unpin> {
    /// The connection.
    pub connection: Connection<Io>,
    tls: Option<LayerId<TlsLayer>>,
}

/// How a server has ended its half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With close_notify, if there was TLS.
    Clean,
    /// Without: an attacker can have cut it off.
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
        }
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

    /// What the handshake has agreed on, if there is TLS.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.connection.info()
    }

    /// Waits for the server to end TLS and then the connection, and does so as well. Not a byte
    /// more is expected of it.
    pub async fn end(mut self) -> Result<Ending> {
        let more = || ClientError::Unexpected("more behind the end".to_owned());
        match self.connection.read(&mut [0]).await {
            Ok(0) if self.tls.is_none() || self.connection.parked().is_some() => {}
            Ok(_) => return Err(more()),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(Ending::Truncated),
            Err(error) => return Err(error.into()),
        }
        // It may have gone without waiting for our farewell; that is no matter any more.
        if self.end_tls().await.is_ok() && self.connection.read(&mut [0]).await.is_ok_and(|n| n > 0)
        {
            return Err(more());
        }
        let _ = self.connection.shutdown().await;
        Ok(Ending::Clean)
    }
}
