//! FTP with AUTH TLS and CCC (RFC 4217): its control connection.

use net_layers::Starttls;
use tls_layer::TlsLayer;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Ending, Lines, Result, Session};

/// A client of FTP, in TLS until [`Ftp::clear`].
#[derive(Debug)]
pub struct Ftp<Io: AsyncRead + AsyncWrite + Unpin> {
    /// What it speaks in.
    pub lines: Lines<Io>,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Ftp<Io> {
    /// Greets the server, and goes over to TLS.
    pub async fn start(io: Io, tls: TlsLayer) -> Result<Self> {
        let session = Session::start(io, Starttls::ftp(), tls).await?;
        let lines = Lines::over(session);
        Ok(Self { lines })
    }

    /// Logs in.
    pub async fn log_in(&mut self, user: &str, password: &str) -> Result<()> {
        self.lines.ask_for("331", &format!("USER {user}")).await?;
        self.lines
            .ask_for("230", &format!("PASS {password}"))
            .await?;
        Ok(())
    }

    /// Goes back to plain, for a firewall that wants to read along.
    pub async fn clear(&mut self) -> Result<()> {
        self.lines.ask_for("200", "CCC").await?;
        self.lines.session.end_tls().await
    }

    /// The folder that the server is in.
    pub async fn folder(&mut self) -> Result<String> {
        Ok(self.lines.ask_for("257", "PWD").await?.concat())
    }

    /// Takes leave.
    pub async fn quit(mut self) -> Result<Ending> {
        self.lines.ask_for("221", "QUIT").await?;
        self.lines.session.end().await
    }
}
