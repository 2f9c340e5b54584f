//! Bytes there and back, looked at, and then silence.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use measure::text::Text;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf};

use crate::ends::Stream;

/// What an end says at once.
const SIZE: usize = 1024;

/// What a pipe between two ends holds in a direction: more than a connection says in its life here, so
/// that its memory stays as it is made.
const PIPE: usize = 8 * SIZE;

/// A pipe between two ends, whose memory is the same whatever goes through.
pub(crate) async fn pipe() -> (DuplexStream, DuplexStream) {
    let (mut a, mut b) = tokio::io::duplex(PIPE);
    let mut all = [0; PIPE];
    a.write_all(&all).await.expect("room");
    b.read_exact(&mut all).await.expect("bytes");
    b.write_all(&all).await.expect("room");
    a.read_exact(&mut all).await.expect("bytes");
    (a, b)
}

/// What is said: each time something else.
pub(crate) struct Texts(Vec<u8>);

impl Texts {
    pub(crate) fn new() -> Self {
        Self(Text::Mixed.for_writes(SIZE).bytes().to_vec())
    }

    fn of(&self, i: usize) -> &[u8] {
        let texts = self.0.len() / SIZE;
        &self.0[i % texts * SIZE..][..SIZE]
    }

    /// The `i`th exchange: 1 KiB from each end to the other.
    pub(crate) async fn exchange(&self, i: usize, a: &mut impl Stream, b: &mut impl Stream) {
        self.say(i, a, b).await;
        self.hear(i, a, b).await;
    }

    /// Its first half: each end has said what it has to say.
    pub(crate) async fn say(&self, i: usize, a: &mut impl Stream, b: &mut impl Stream) {
        say(a, self.of(2 * i)).await;
        say(b, self.of(2 * i + 1)).await;
    }

    /// And its second half.
    ///
    /// # Panics
    ///
    /// If anything else arrives than was said.
    pub(crate) async fn hear(&self, i: usize, a: &mut impl Stream, b: &mut impl Stream) {
        hear(a, self.of(2 * i + 1)).await;
        hear(b, self.of(2 * i)).await;
    }
}

async fn say(end: &mut impl Stream, text: &[u8]) {
    end.write_all(text).await.expect("a peer");
    end.flush().await.expect("a peer");
}

async fn hear(end: &mut impl Stream, text: &[u8]) {
    let mut heard = [0; SIZE];
    end.read_exact(&mut heard).await.expect("a peer");
    assert_eq!(heard, text, "what was said has to arrive");
}

/// The end waits for input, as that of a quiet connection does.
pub(crate) async fn park(end: &mut impl Stream) {
    // With a fresh budget, so that what is pending is the read.
    tokio::task::yield_now().await;
    poll_fn(|cx| {
        let mut room = [0; 64];
        let read = Pin::new(&mut *end).poll_read(cx, &mut ReadBuf::new(&mut room));
        assert!(read.is_pending(), "the connection is quiet");
        Poll::Ready(())
    })
    .await;
}
