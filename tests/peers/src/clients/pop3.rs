//! POP3 with STLS (RFC 2595).

use net_layers::Starttls;
use tls_layer::TlsLayer;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{ClientError, Ending, Lines, Result, Session};

/// A client of POP3, in TLS.
#[derive(Debug)]
pub struct Pop3<Io: AsyncRead + AsyncWrite + Unpin> {
    /// What it speaks in.
    pub lines: Lines<Io>,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Pop3<Io> {
    /// Greets the server, and goes over to TLS.
    pub async fn start(io: Io, tls: TlsLayer) -> Result<Self> {
        let session = Session::start(io, Starttls::pop3(), tls).await?;
        let lines = Lines::over(session);
        Ok(Self { lines })
    }

    async fn ask(&mut self, question: &str) -> Result<String> {
        self.lines.ask(question).await?;
        ok(self.lines.answer(|_| true).await?)
    }

    /// Logs in.
    pub async fn log_in(&mut self, user: &str, password: &str) -> Result<()> {
        self.ask(&format!("USER {user}")).await?;
        self.ask(&format!("PASS {password}")).await?;
        Ok(())
    }

    /// How many mails there are, and bytes.
    pub async fn stat(&mut self) -> Result<String> {
        self.ask("STAT").await
    }

    /// Takes leave.
    pub async fn quit(mut self) -> Result<Ending> {
        self.ask("QUIT").await?;
        self.lines.session.end().await
    }
}

fn ok(answer: Vec<String>) -> Result<String> {
    let answer = answer.join("\n");
    match answer.strip_prefix("+OK") {
        Some(rest) => Ok(rest.trim_start().to_owned()),
        None => Err(ClientError::Refused(answer)),
    }
}
