//! IMAP with STARTTLS, or in TLS from the beginning (RFC 9051, RFC 8314).

use tls_layer::TlsLayer;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{ClientError, Ending, Lines, Result};

/// A client of IMAP, in TLS.
#[derive(Debug)]
pub struct Imap<Io: AsyncRead + AsyncWrite + Unpin> {
    /// What it speaks in.
    pub lines: Lines<Io>,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Imap<Io> {
    /// Greets the server, and goes over to TLS.
    pub async fn start(io: Io, tls: TlsLayer) -> Result<Self> {
        let mut imap = Self {
            lines: Lines::new(io),
        };
        imap.greeting().await?;
        let offers = imap.ask("CAPABILITY").await?;
        let mut words = offers.iter().flat_map(|line| line.split(' '));
        if !words.any(|word| word == "STARTTLS") {
            return Err(ClientError::NotOffered);
        }
        imap.ask("STARTTLS").await?;
        imap.lines.session.begin_tls(tls).await?;
        Ok(imap)
    }

    /// In TLS from the first byte on.
    pub async fn within(io: Io, tls: TlsLayer) -> Result<Self> {
        let mut imap = Self {
            lines: Lines::new(io),
        };
        imap.lines.session.begin_tls(tls).await?;
        imap.greeting().await?;
        Ok(imap)
    }

    async fn greeting(&mut self) -> Result<()> {
        let greeting = self.lines.answer(|_| true).await?.concat();
        match greeting.split(' ').nth(1) {
            Some("OK") => Ok(()),
            Some("PREAUTH") => Err(ClientError::LoggedInInPlain),
            _ => Err(ClientError::Unexpected(greeting)),
        }
    }

    async fn ask(&mut self, question: &str) -> Result<Vec<String>> {
        self.lines.ask(&format!("a {question}")).await?;
        let answer = self.lines.answer(|line| line.starts_with("a ")).await?;
        match answer.last().is_some_and(|line| line.starts_with("a OK")) {
            true => Ok(answer),
            false => Err(ClientError::Refused(answer.join("\n"))),
        }
    }

    /// Logs in.
    pub async fn log_in(&mut self, user: &str, password: &str) -> Result<()> {
        self.ask(&format!("LOGIN {user} {password}")).await?;
        Ok(())
    }

    /// What the server says of a mailbox.
    pub async fn select(&mut self, mailbox: &str) -> Result<Vec<String>> {
        self.ask(&format!("SELECT {mailbox}")).await
    }

    /// Takes leave.
    pub async fn quit(mut self) -> Result<Ending> {
        self.ask("LOGOUT").await?;
        self.lines.session.end().await
    }
}
