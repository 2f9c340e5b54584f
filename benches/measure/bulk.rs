//! Many bytes one way, between two threads.

use std::sync::mpsc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::aligned::Aligned;
use super::open::Open;
use super::text::Text;
use super::thread::on_thread;
use super::{Cost, Meter, sockets};

/// What is sent.
#[derive(Clone, Copy)]
pub(crate) struct Bulk {
    pub(crate) bytes: usize,
    /// The size of a write.
    pub(crate) write: usize,
    /// The room that a read offers.
    pub(crate) read: usize,
    /// Whether each write is flushed.
    pub(crate) flushed: bool,
    pub(crate) text: Text,
}

/// Sends it, from the client to the server. The time is the receiver's, the processor time that
/// of both.
pub(crate) fn bulk(open: impl Open, bulk: Bulk) -> Cost {
    let (a, b) = sockets::pair();
    let (start, started) = mpsc::channel();
    let client = open.clone();
    let text = bulk.text.for_writes(bulk.write);
    let sender = on_thread(0, move || async move {
        let stream = client.client(a).await;
        started.recv().expect("a start");
        send(stream, text, bulk).await
    });
    let receiver = on_thread(1, move || async move {
        let stream = open.server(b).await;
        start.send(()).expect("a sender");
        receive(stream, bulk).await
    });
    let sent = sender.join().expect("the sender");
    let mut cost = receiver.join().expect("the receiver");
    cost.cpu += sent.cpu;
    cost
}

async fn send(mut stream: impl AsyncWrite + Unpin, mut text: Aligned, bulk: Bulk) -> Cost {
    let meter = Meter::start();
    let writes = text.bytes().chunks_exact(bulk.write).cycle();
    for write in writes.take(bulk.bytes / bulk.write) {
        stream.write_all(write).await.expect("a peer");
        if bulk.flushed {
            stream.flush().await.expect("a peer");
        }
    }
    stream.flush().await.expect("a peer");
    let cost = meter.stop();
    stream.shutdown().await.expect("a peer");
    cost
}

async fn receive(mut stream: impl AsyncRead + Unpin, bulk: Bulk) -> Cost {
    let mut chunk = Aligned::new(bulk.read);
    let meter = Meter::start();
    let mut left = bulk.bytes;
    while left > 0 {
        let n = stream.read(chunk.bytes()).await.expect("a peer");
        assert!(n > 0, "the sender ended early");
        left -= n;
    }
    let cost = meter.stop();
    // To the sender, whoever goes before it has ended has failed.
    let end = stream.read(chunk.bytes()).await.expect("a peer");
    assert_eq!(end, 0, "more than was sent");
    cost
}
