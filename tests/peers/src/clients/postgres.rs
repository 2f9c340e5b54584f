//! PostgreSQL's protocol, in TLS by its SSLRequest (version 3.0).

use net_layers::Starttls;
use tls_layer::TlsLayer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{ClientError, Ending, Result, Session};

const VERSION: i32 = 196_608;
/// No message is longer.
const LONGEST: usize = 1024 * 1024;

/// A client of PostgreSQL, in TLS.
#[derive(Debug)]
pub struct Postgres<Io: AsyncRead + AsyncWrite + Unpin> {
    /// What it speaks in.
    pub session: Session<Io>,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Postgres<Io> {
    /// Asks for TLS, and goes over to it.
    pub async fn start(io: Io, tls: TlsLayer) -> Result<Self> {
        let session = Session::start(io, Starttls::postgres(), tls).await?;
        Ok(Self { session })
    }

    /// Logs in, where no password is asked for.
    pub async fn log_in(&mut self, user: &str, database: &str) -> Result<()> {
        let body = format!("user\0{user}\0database\0{database}\0\0");
        let connection = &mut self.session.connection;
        connection.write_i32(length(body.len() + 8)?).await?;
        connection.write_i32(VERSION).await?;
        connection.write_all(body.as_bytes()).await?;
        self.messages().await?;
        Ok(())
    }

    /// The first column of each row, as text.
    pub async fn query(&mut self, query: &str) -> Result<Vec<String>> {
        self.send(b'Q', &format!("{query}\0")).await?;
        let messages = self.messages().await?;
        let rows = messages.iter().filter(|(kind, _)| *kind == b'D');
        // How many columns, and the first one's length, before it.
        let text = |row: &[u8]| String::from_utf8_lossy(row.get(6..).unwrap_or_default()).into();
        Ok(rows.map(|(_, row)| text(row)).collect())
    }

    /// Takes leave.
    pub async fn quit(mut self) -> Result<Ending> {
        self.send(b'X', "").await?;
        self.session.end().await
    }

    async fn send(&mut self, kind: u8, body: &str) -> Result<()> {
        let connection = &mut self.session.connection;
        connection.write_u8(kind).await?;
        connection.write_i32(length(body.len() + 4)?).await?;
        Ok(connection.write_all(body.as_bytes()).await?)
    }

    /// The messages up to the one that says that the server is ready.
    async fn messages(&mut self) -> Result<Vec<(u8, Vec<u8>)>> {
        let connection = &mut self.session.connection;
        let mut messages = Vec::new();
        loop {
            let kind = connection.read_u8().await?;
            let length = usize::try_from(connection.read_i32().await?).unwrap_or(0);
            if !(4..LONGEST).contains(&length) {
                return Err(ClientError::Unexpected(format!("{length} bytes")));
            }
            let mut body = vec![0; length - 4];
            connection.read_exact(&mut body).await?;
            match kind {
                b'Z' => return Ok(messages),
                b'E' => {
                    let words = String::from_utf8_lossy(&body).replace('\0', " ");
                    return Err(ClientError::Refused(words));
                }
                // It asks for a password.
                b'R' if body != [0; 4] => {
                    return Err(ClientError::Unexpected(format!("authentication {body:?}")));
                }
                _ => messages.push((kind, body)),
            }
        }
    }
}

fn length(n: usize) -> Result<i32> {
    i32::try_from(n).map_err(|_| ClientError::Unexpected(format!("{n} bytes to send")))
}
