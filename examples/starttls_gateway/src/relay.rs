//! Both directions at once, each looked at on its way.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use stack::Connection;
use tokio::io::{AsyncBufRead, AsyncWrite};
use tokio::net::TcpStream;

/// How often a direction is read before others have their turn.
const TURNS: usize = 8;

/// Who looks at what passes.
pub(crate) trait Filter {
    /// Bytes have come from the client. Returns how many of them were taken; none, if the client is to
    /// wait for the server, or for us. What is to go on is appended to `on`.
    fn client_says(&mut self, bytes: &[u8], on: &mut Vec<u8>) -> io::Result<usize>;

    /// Bytes have come from the server. Returns how many of them were taken, which is one at least.
    fn server_says(&mut self, bytes: &[u8], on: &mut Vec<u8>) -> io::Result<usize>;

    /// Whether it wants to do something itself, now that what passed has arrived.
    fn interrupts(&self) -> bool;
}

/// Lets everything pass.
pub(crate) struct Everything;

impl Filter for Everything {
    fn client_says(&mut self, bytes: &[u8], on: &mut Vec<u8>) -> io::Result<usize> {
        on.extend(bytes);
        Ok(bytes.len())
    }

    fn server_says(&mut self, bytes: &[u8], on: &mut Vec<u8>) -> io::Result<usize> {
        on.extend(bytes);
        Ok(bytes.len())
    }

    fn interrupts(&self) -> bool {
        false
    }
}

/// What is under way between a client and a server, which outlives an interruption.
#[derive(Debug, Default)]
pub(crate) struct Relay {
    to_server: Way,
    to_client: Way,
}

/// One direction.
#[derive(Debug, Default)]
struct Way {
    /// What has been looked at, and the other side has not taken.
    on: Vec<u8>,
    life: Life,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Life {
    #[default]
    Flows,
    /// There is no more to come.
    Ends,
    /// The other side knows.
    Ended,
}

impl Relay {
    /// Passes on what comes until the filter interrupts (`true`) or the server has ended, and the client
    /// knows (`false`).
    ///
    /// A client may end first, and still be answered. The other way round there is nobody to hear it; and
    /// a client that stayed nonetheless would hold its place for ever.
    ///
    /// Dropping the future loses nothing.
    pub(crate) async fn run(
        &mut self,
        client: &mut Connection<TcpStream>,
        server: &mut Connection<TcpStream>,
        filter: &mut impl Filter,
    ) -> io::Result<bool> {
        poll_fn(|task| {
            // The server first: for its answers the client may be waiting.
            let pass = |bytes: &[u8], on: &mut Vec<u8>| filter.server_says(bytes, on);
            if self.to_client.poll(task, server, client, pass)?.is_ready() {
                return Poll::Ready(Ok(false));
            }
            let pass = |bytes: &[u8], on: &mut Vec<u8>| filter.client_says(bytes, on);
            if let Poll::Ready(ended) = self.to_server.poll(task, client, server, pass) {
                ended?;
            }
            if filter.interrupts() && self.to_client.on.is_empty() && self.to_server.on.is_empty() {
                return Poll::Ready(Ok(true));
            }
            Poll::Pending
        })
        .await
    }
}

impl Way {
    /// Passes on as much as can be; ready when it has ended.
    fn poll(
        &mut self,
        task: &mut Context<'_>,
        from: &mut Connection<TcpStream>,
        to: &mut Connection<TcpStream>,
        mut pass: impl FnMut(&[u8], &mut Vec<u8>) -> io::Result<usize>,
    ) -> Poll<io::Result<()>> {
        let (mut from, mut to) = (Pin::new(from), Pin::new(to));
        let mut turns = 0;
        while self.life != Life::Ended {
            // Whoever has much to say, which may have to be compressed, lets the others have their turn.
            if turns == TURNS {
                task.waker().wake_by_ref();
                return Poll::Pending;
            }
            turns += 1;
            while !self.on.is_empty() {
                let n = ready!(to.as_mut().poll_write(task, &self.on))?;
                self.on.drain(..n);
            }
            if self.life == Life::Ends {
                ready!(to.as_mut().poll_shutdown(task))?;
                self.life = Life::Ended;
                break;
            }
            let Poll::Ready(bytes) = from.as_mut().poll_fill_buf(task)? else {
                // Nothing more is here, so what was passed on is to arrive.
                ready!(to.as_mut().poll_flush(task))?;
                return Poll::Pending;
            };
            if bytes.is_empty() {
                self.life = Life::Ends;
                continue;
            }
            // As much at once as is here, for it may be many short lines.
            let mut taken = 0;
            while taken < bytes.len() {
                match pass(&bytes[taken..], &mut self.on)? {
                    0 => break,
                    n => taken += n,
                }
            }
            from.as_mut().consume(taken);
            if taken == 0 {
                ready!(to.as_mut().poll_flush(task))?;
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }
}
