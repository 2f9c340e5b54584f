//! How long each answer takes.

use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::open::Open;
use crate::thread::on_thread;

/// The time of each of `count` exchanges of so many bytes there and back between these two ends, the
/// client's first. Both are on one thread, as in a [ping-pong](crate::pingpong).
pub fn latency<M: Send + 'static>(
    (a, b): (M, M),
    open: impl Open<M>,
    bytes: usize,
    count: usize,
) -> Vec<Duration> {
    let thread = on_thread(0, move || async move {
        let (mut a, mut b) = tokio::join!(open.clone().client(a), open.server(b));
        // What comes into being with the first byte is there then.
        tokio::join!(ask(&mut a, bytes, 1), answer(&mut b, bytes, 1));
        let (times, ()) = tokio::join!(ask(&mut a, bytes, count), answer(&mut b, bytes, count));
        times
    });
    thread.join().expect("the peers")
}

/// Asks so often. How long each answer takes.
pub async fn ask<S>(stream: &mut S, bytes: usize, count: usize) -> Vec<Duration>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut chunk = vec![1; bytes];
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let asked = Instant::now();
        stream.write_all(&chunk).await.expect("a peer");
        stream.flush().await.expect("a peer");
        stream.read_exact(&mut chunk).await.expect("a peer");
        times.push(asked.elapsed());
    }
    times
}

/// Answers so often.
pub async fn answer<S>(stream: &mut S, bytes: usize, count: usize)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut chunk = vec![0; bytes];
    for _ in 0..count {
        stream.read_exact(&mut chunk).await.expect("a peer");
        stream.write_all(&chunk).await.expect("a peer");
        stream.flush().await.expect("a peer");
    }
}
