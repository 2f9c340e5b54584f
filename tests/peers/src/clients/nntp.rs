//! NNTP with STARTTLS (RFC 4642) and COMPRESS (RFC 8054).

use net_layers::Starttls;
use tls_layer::TlsLayer;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Ending, Lines, Result, Session};

/// A client of NNTP, in TLS unless it is [plain](Nntp::plain).
#[derive(Debug)]
pub struct Nntp<Io: AsyncRead + AsyncWrite + Unpin> {
    /// What it speaks in.
    pub lines: Lines<Io>,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Nntp<Io> {
    /// Greets the server, and goes over to TLS.
    pub async fn start(io: Io, tls: TlsLayer) -> Result<Self> {
        let session = Session::start(io, Starttls::nntp(), tls).await?;
        let lines = Lines::over(session);
        Ok(Self { lines })
    }

    /// Greets the server, and stays plain.
    pub async fn plain(io: Io) -> Result<Self> {
        let mut lines = Lines::new(io);
        // 200, or 201 before one has logged in.
        lines.reply("20").await?;
        Ok(Self { lines })
    }

    /// Whether the server can do this now.
    pub async fn offers(&mut self, what: &str) -> Result<bool> {
        self.lines.ask_for("101", "CAPABILITIES").await?;
        let offers = self.lines.block().await?;
        let offers = String::from_utf8_lossy(&offers);
        Ok(offers.lines().any(|line| line == what))
    }

    /// Logs in.
    pub async fn log_in(&mut self, user: &str, password: &str) -> Result<()> {
        let lines = &mut self.lines;
        lines
            .ask_for("381", &format!("AUTHINFO USER {user}"))
            .await?;
        lines
            .ask_for("281", &format!("AUTHINFO PASS {password}"))
            .await?;
        Ok(())
    }

    /// Compresses from here on, at this level.
    pub async fn compress(&mut self, level: u32) -> Result<()> {
        self.lines.ask_for("206", "COMPRESS DEFLATE").await?;
        self.lines.session.begin_deflate(level).await
    }

    /// Goes to a group, of which the server tells the count of its articles, and their first and last
    /// number.
    pub async fn group(&mut self, name: &str) -> Result<String> {
        Ok(self
            .lines
            .ask_for("211", &format!("GROUP {name}"))
            .await?
            .concat())
    }

    /// Posts an article, which ends with the end of a line.
    pub async fn post(&mut self, article: &str) -> Result<()> {
        self.lines.ask_for("340", "POST").await?;
        let doubled = article.replace("\r\n.", "\r\n..");
        self.lines.ask_for("240", &format!("{doubled}.")).await?;
        Ok(())
    }

    /// An article, by its Message-ID.
    pub async fn article(&mut self, id: &str) -> Result<Vec<u8>> {
        self.lines.ask_for("220", &format!("ARTICLE {id}")).await?;
        self.lines.block().await
    }

    /// Takes leave.
    pub async fn quit(mut self) -> Result<Ending> {
        self.lines.ask_for("205", "QUIT").await?;
        self.lines.session.end().await
    }
}
