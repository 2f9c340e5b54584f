//! POP3 with STLS (RFC 2595).

use tls_layer::TlsLayer;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{ClientError, Ending, Lines, Result};

/// A client of POP3, in TLS.
#[derive(Debug)]
pub struct Pop3<Io: AsyncRead + AsyncWrite + Unpin> {
    /// What it speaks in.
    pub lines: Lines<Io>,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Pop3<Io> {
    /// Greets the server, and goes over to TLS.
    pub async fn start(io: Io, tls: TlsLayer) -> Result<Self> {
        let mut pop3 = Self {
            lines: Lines::new(io),
        };
        ok(pop3.lines.answer(|_| true).await?)?;
        pop3.lines.ask("CAPA").await?;
        let is_last = |line: &str| line == "." || line.starts_with("-ERR");
        let offers = pop3.lines.answer(is_last).await?;
        if !offers.iter().any(|line| line == "STLS") {
            return Err(ClientError::NotOffered);
        }
        pop3.ask("STLS").await?;
        pop3.lines.session.begin_tls(tls).await?;
        Ok(pop3)
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
