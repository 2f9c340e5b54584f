//! A client of a protocol of lines.

use std::collections::VecDeque;
use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{ClientError, Result, Session};

/// No line is longer.
const LONGEST: u64 = 8 * 1024;

/// Asks in lines, and takes an answer only in the epoch in which it asked: one that was asked for in
/// plain is not believed for having come in TLS, nor the other way round.
#[derive(Debug)]
pub struct Lines<Io: AsyncRead + AsyncWrite + Unpin> {
    /// The session.
    pub session: Session<Io>,
    /// The epochs of the questions that wait for their answers.
    asked: VecDeque<u64>,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Lines<Io> {
    /// One that is plain yet.
    pub fn new(io: Io) -> Self {
        Self::over(Session::new(io))
    }

    /// One over a session that has begun.
    pub fn over(session: Session<Io>) -> Self {
        Self {
            session,
            asked: VecDeque::new(),
        }
    }

    /// Asks without waiting for the answer.
    pub async fn ask(&mut self, question: &str) -> Result<()> {
        let connection = &mut self.session.connection;
        self.asked.push_back(connection.write_epoch().number());
        connection.write_all(question.as_bytes()).await?;
        Ok(connection.write_all(b"\r\n").await?)
    }

    /// The lines of the next answer, up to the one that is its last. A greeting is an answer, too.
    pub async fn answer(&mut self, is_last: impl Fn(&str) -> bool) -> Result<Vec<String>> {
        let now = self.session.connection.write_epoch().number();
        let asked = self.asked.pop_front().unwrap_or(now);
        let mut lines = Vec::new();
        while !lines.last().is_some_and(|line: &String| is_last(line)) {
            let line = String::from_utf8(self.line(asked).await?);
            let line = line.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            lines.push(line.trim_end().to_owned());
        }
        Ok(lines)
    }

    /// The next `n` bytes, behind lines that have announced them.
    pub async fn bytes(&mut self, n: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; n];
        self.session.connection.read_exact(&mut bytes).await?;
        Ok(bytes)
    }

    /// What is sent behind lines that have announced it, up to a dot alone (RFC 3977, 3.1.1).
    pub async fn block(&mut self) -> Result<Vec<u8>> {
        let now = self.session.connection.write_epoch().number();
        let mut block = Vec::new();
        loop {
            let line = self.line(now).await?;
            match line.strip_prefix(b".") {
                Some(b"\r\n") => return Ok(block),
                Some(undoubled) => block.extend(undoubled),
                None => block.extend(line),
            }
        }
    }

    /// The next line, with its end, of an answer to what was asked in this epoch.
    async fn line(&mut self, asked: u64) -> Result<Vec<u8>> {
        let connection = &mut self.session.connection;
        connection.fill_buf().await?;
        if connection.read_epoch().number() != asked {
            return Err(ClientError::OldAnswer);
        }
        let mut line = Vec::new();
        let mut bounded = (&mut *connection).take(LONGEST);
        bounded.read_until(b'\n', &mut line).await?;
        match line.ends_with(b"\n") {
            true => Ok(line),
            false => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        }
    }

    /// A reply as SMTP and FTP have them, which must begin with this code.
    pub async fn reply(&mut self, code: &str) -> Result<Vec<String>> {
        let is_last = |line: &str| !line.starts_with(' ') && line.get(3..4) != Some("-");
        let lines = self.answer(is_last).await?;
        match lines
            .iter()
            .all(|line| line.starts_with([' ']) || line.starts_with(code))
        {
            true => Ok(lines),
            false => Err(ClientError::Refused(lines.join("\n"))),
        }
    }

    /// Asks, and waits for the [`reply`](Self::reply) that must begin with this code.
    pub async fn ask_for(&mut self, code: &str, question: &str) -> Result<Vec<String>> {
        self.ask(question).await?;
        self.reply(code).await
    }
}
