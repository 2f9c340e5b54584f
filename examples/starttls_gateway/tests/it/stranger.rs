//! A server in the test's own hand.

use peers::Result;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Listens, for a gateway.
pub(crate) async fn listen() -> Result<TcpListener> {
    Ok(TcpListener::bind("127.0.0.1:0").await?)
}

/// A socket that is read by lines.
pub(crate) struct Talk(BufReader<TcpStream>);

impl Talk {
    pub(crate) fn new(socket: TcpStream) -> Self {
        Self(BufReader::new(socket))
    }

    pub(crate) async fn accept(listener: &TcpListener) -> Result<Self> {
        Ok(Self::new(listener.accept().await?.0))
    }

    pub(crate) async fn say(&mut self, words: impl AsRef<[u8]>) -> Result<()> {
        Ok(self.0.write_all(words.as_ref()).await?)
    }

    /// The next line without its end, or nothing at the end.
    pub(crate) async fn hear(&mut self) -> Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line).await?;
        Ok(line.trim_end().to_owned())
    }

    pub(crate) async fn hear_all(&mut self) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        self.0.read_to_end(&mut all).await?;
        Ok(all)
    }
}
