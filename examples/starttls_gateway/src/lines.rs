//! Dialogues of lines, one question and one answer at a time.

use std::io;

use stack::Connection;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest line, in bytes, its end included: what RFC 4954 asks for, and some more.
const LONGEST: u64 = 16 * 1024;
/// The most lines of one answer.
const MOST: usize = 1000;

/// A line with its end, in whatever encoding.
pub(crate) type Line = Vec<u8>;

/// The next line of a client; `None` if it has ended.
pub(crate) async fn question(client: &mut Connection<TcpStream>) -> io::Result<Option<Line>> {
    let line = line(client).await?;
    line.map(|line| one(&line).map(|()| line)).transpose()
}

/// That this is a single line to everybody: there are servers to which a bare CR is an end, and what stands
/// behind it a command.
pub(crate) fn one(line: &[u8]) -> io::Result<()> {
    let words = line.strip_suffix(b"\n").unwrap_or(line);
    let words = words.strip_suffix(b"\r").unwrap_or(words);
    match words.contains(&b'\r') {
        true => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a line has a bare CR",
        )),
        false => Ok(()),
    }
}

/// The next line; `None` if the other side has ended.
async fn line(connection: &mut Connection<TcpStream>) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    connection
        .take(LONGEST)
        .read_until(b'\n', &mut line)
        .await?;
    match line.as_slice() {
        [] => Ok(None),
        [.., b'\n'] => Ok(Some(line)),
        _ if line.len() as u64 == LONGEST => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a line is too long",
        )),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// The lines of an answer, up to the one that is its last.
pub(crate) async fn answer(
    server: &mut Connection<TcpStream>,
    is_last: impl Fn(&[Line]) -> bool,
) -> io::Result<Vec<Line>> {
    let mut lines = Vec::new();
    while !is_last(&lines) {
        if lines.len() == MOST {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "an answer is too long",
            ));
        }
        let line = line(server).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        lines.push(line);
    }
    Ok(lines)
}

/// Says a line, or several.
pub(crate) async fn say(
    connection: &mut Connection<TcpStream>,
    lines: impl AsRef<[u8]>,
) -> io::Result<()> {
    connection.write_all(lines.as_ref()).await?;
    connection.flush().await
}

/// A line that is only compared, or of a protocol that says ASCII.
pub(crate) fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

/// The first word of a line, in capitals.
pub(crate) fn verb(line: &str) -> String {
    let word = line.split_ascii_whitespace().next().unwrap_or_default();
    word.to_ascii_uppercase()
}
