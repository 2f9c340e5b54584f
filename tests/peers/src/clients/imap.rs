//! IMAP with STARTTLS, or in TLS from the beginning (RFC 9051, RFC 8314), and with COMPRESS (RFC 4978).

use net_layers::Starttls;
use tls_layer::TlsLayer;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{ClientError, Ending, Lines, Result, Session};

/// A client of IMAP, in TLS unless it is [plain](Imap::plain).
#[derive(Debug)]
pub struct Imap<Io: AsyncRead + AsyncWrite + Unpin> {
    /// What it speaks in.
    pub lines: Lines<Io>,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Imap<Io> {
    /// Greets the server, and goes over to TLS.
    pub async fn start(io: Io, tls: TlsLayer) -> Result<Self> {
        let session = Session::start(io, Starttls::imap(), tls).await?;
        let lines = Lines::over(session);
        Ok(Self { lines })
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

    /// Greets the server, and stays plain.
    pub async fn plain(io: Io) -> Result<Self> {
        let mut imap = Self {
            lines: Lines::new(io),
        };
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
        self.done().await
    }

    /// The answer, up to the line that says whether it is done.
    async fn done(&mut self) -> Result<Vec<String>> {
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

    /// Compresses from here on, at this level.
    pub async fn compress(&mut self, level: u32) -> Result<()> {
        self.ask("COMPRESS DEFLATE").await?;
        self.lines.session.begin_deflate(level).await
    }

    /// What the server says of a mailbox.
    pub async fn select(&mut self, mailbox: &str) -> Result<Vec<String>> {
        self.ask(&format!("SELECT {mailbox}")).await
    }

    /// Puts a mail into a mailbox.
    pub async fn append(&mut self, mailbox: &str, mail: &str) -> Result<()> {
        let question = format!("a APPEND {mailbox} {{{}}}", mail.len());
        self.lines.ask(&question).await?;
        let is_last = |line: &str| line.starts_with(['+', 'a']);
        let answer = self.lines.answer(is_last).await?.join("\n");
        if !answer.starts_with('+') {
            return Err(ClientError::Refused(answer));
        }
        self.lines.ask(mail).await?;
        self.done().await?;
        Ok(())
    }

    /// A mail of the mailbox, by its number.
    pub async fn fetch(&mut self, number: usize) -> Result<Vec<u8>> {
        let question = format!("a FETCH {number} BODY.PEEK[]");
        self.lines.ask(&question).await?;
        let is_last = |line: &str| line.starts_with("a ") || line.ends_with('}');
        let answer = self.lines.answer(is_last).await?.join("\n");
        let size = answer.strip_suffix('}').and_then(|it| it.rsplit_once('{'));
        let Some(size) = size.and_then(|(_, size)| size.parse().ok()) else {
            return Err(ClientError::Refused(answer));
        };
        let mail = self.lines.bytes(size).await?;
        self.done().await?;
        Ok(mail)
    }

    /// Takes leave.
    pub async fn quit(mut self) -> Result<Ending> {
        self.ask("LOGOUT").await?;
        self.lines.session.end().await
    }
}
