//! Connections in tokio-util's `Framed`, whose layers change.
//!
//! `Framed::new(connection, codec)` works as on any stream. But a `Framed` reads ahead, and collects
//! what it writes; so before the stack changes beneath it, either is to be put where it belongs. What
//! was written goes through the layers that stood when it was written; what was read ahead is either
//! carried back into the connection ([`carry`]), where it is the next layer's residue, or refused
//! ([`refuse`]), where nothing may have come yet. Then the `Framed` is as new, and its connection
//! (`get_mut`) is changed in place; or it is taken apart, and nothing is lost.
//!
//! ```
//! # struct Tls;
//! # impl stack::Watch for Tls {}
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use futures_util::{SinkExt, StreamExt};
//! use stack::{Connection, codec};
//! use tokio::io::AsyncWriteExt;
//! use tokio_util::codec::{Framed, LinesCodec};
//!
//! let (socket, mut client) = tokio::io::duplex(64);
//! let mut lines = Framed::new(Connection::new(socket), LinesCodec::new_with_max_length(1024));
//! client.write_all(b"STARTTLS\n").await?;
//! assert_eq!(lines.next().await.unwrap()?, "STARTTLS");
//!
//! // Whatever came behind that line is for the push to judge.
//! codec::carry(&mut lines).await?;
//! lines.get_mut().push_after(b"220 go ahead\n", Tls).await?;
//!
//! client.write_all(b"EHLO\n").await?;
//! assert_eq!(lines.next().await.unwrap()?, "EHLO");
//! lines.send("250 hello").await?;
//! # Ok(()) }
//! ```
//!
//! A `Framed` joins what it reads, so a frame may straddle a change that was asked for while it reads: by a
//! [`Handle`](crate::Handle), or by the peer's end mark in a pop. Stop reading before a change.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::Framed;

use crate::{Blame, Connection, Error, ErrorKind};

/// Writes what the `Framed` has collected, and puts back what it has read ahead: the next push sees
/// it as [residue](crate::Residue), the next read reads it.
///
/// What was written leaves when the connection flushes; a change of the stack sees to it.
///
/// # Errors
///
/// If the connection fails, or its budget does not allow as much unread; then what was read ahead is
/// still in the `Framed`.
///
/// # Cancelling
///
/// Loses nothing: what was not written yet is still in the `Framed`.
pub async fn carry<Io, C>(framed: &mut Framed<Connection<Io>, C>) -> Result<(), Error>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    written(framed).await?;
    let ahead = std::mem::take(framed.read_buffer_mut());
    let carried = framed.get_mut().unread(&ahead);
    if carried.is_err() {
        *framed.read_buffer_mut() = ahead;
    }
    carried
}

/// Writes what the `Framed` has collected, and makes sure that it has read nothing ahead.
///
/// # Errors
///
/// If the connection fails; or, of kind [`ErrorKind::Residue`], if something was read ahead, which is
/// still in the `Framed`.
///
/// # Cancelling
///
/// As for [`carry`].
pub async fn refuse<Io, C>(framed: &mut Framed<Connection<Io>, C>) -> Result<(), Error>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    written(framed).await?;
    match framed.read_buffer().len() {
        0 => Ok(()),
        n => Err(Error::new(
            ErrorKind::Residue,
            Blame::Remote,
            format!("{n} bytes have come that should not have"),
        )),
    }
}

/// Writes what the `Framed` has collected.
async fn written<Io, C>(framed: &mut Framed<Connection<Io>, C>) -> Result<(), Error>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(|task| poll_written(framed, task)).await
}

fn poll_written<Io, C>(
    framed: &mut Framed<Connection<Io>, C>,
    task: &mut Context<'_>,
) -> Poll<Result<(), Error>>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    while !framed.write_buffer().is_empty() {
        let mut collected = std::mem::take(framed.write_buffer_mut());
        let driver = framed.get_mut().driver_to_write();
        let polled = driver.poll_write(task, &collected);
        if let Poll::Ready(Ok(n)) = polled {
            let _ = collected.split_to(n);
        }
        *framed.write_buffer_mut() = collected;
        ready!(polled)?;
    }
    Poll::Ready(Ok(()))
}
