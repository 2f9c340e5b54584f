//! SMTP with STARTTLS (RFC 3207).

use net_layers::Starttls;
use tls_layer::TlsLayer;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Ending, Lines, Result, Session};

/// A client of SMTP, in TLS.
#[derive(Debug)]
pub struct Smtp<Io: AsyncRead + AsyncWrite + Unpin> {
    /// What it speaks in.
    pub lines: Lines<Io>,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Smtp<Io> {
    /// Greets the server, and goes over to TLS.
    pub async fn start(io: Io, tls: TlsLayer) -> Result<Self> {
        let session = Session::start(io, Starttls::smtp("client.test"), tls).await?;
        let mut lines = Lines::over(session);
        lines.ask_for("250", "EHLO client.test").await?;
        Ok(Self { lines })
    }

    /// Hands over a mail.
    pub async fn send(&mut self, from: &str, to: &str, text: &str) -> Result<()> {
        let lines = &mut self.lines;
        lines.ask_for("250", &format!("MAIL FROM:<{from}>")).await?;
        lines.ask_for("250", &format!("RCPT TO:<{to}>")).await?;
        lines.ask_for("354", "DATA").await?;
        lines.ask_for("250", &format!("{text}\r\n.")).await?;
        Ok(())
    }

    /// Takes leave.
    pub async fn quit(mut self) -> Result<Ending> {
        self.lines.ask_for("221", "QUIT").await?;
        self.lines.session.end().await
    }
}
