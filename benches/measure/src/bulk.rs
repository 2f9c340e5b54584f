//! Many bytes, one way or both, between two threads.

use std::fmt;
use std::sync::mpsc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};

use crate::open::Open;
use crate::text::Text;
use crate::thread::on_thread;
use crate::{Aligned, Cost, Meter, sockets};

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub struct Bulk {
    /// How much.
    pub bytes: usize,
    /// The size of a write.
    pub write: usize,
    /// The room that a read offers.
    pub read: usize,
    /// Whether each write is flushed.
    pub flushed: bool,
    /// Of what kind.
    pub text: Text,
}

/// A table's title.
impl fmt::Display for Bulk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [bytes, write, read] = [self.bytes, self.write, self.read].map(size);
        let flushed = if self.flushed { ", each flushed" } else { "" };
        write!(f, "{bytes} in writes of {write}{flushed}, reads of {read}")
    }
}

/// A number of bytes, for people.
pub fn size(bytes: usize) -> String {
    match bytes.trailing_zeros() {
        20..usize::BITS => format!("{} MiB", bytes >> 20),
        10..20 => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} B"),
    }
}

/// Sends it, from the client to the server. The time is the receiver's, the processor time that
/// of both.
pub fn bulk(open: impl Open, bulk: Bulk) -> Cost {
    between(sockets::pair(), open, bulk)
}

/// The same between these two ends, the client's first.
pub fn between<M: Send + 'static>((a, b): (M, M), open: impl Open<M>, bulk: Bulk) -> Cost {
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

/// Sends it both ways at once. The time is that of the end that has received all of it last, the
/// processor time that of both.
pub fn both_ways<M: Send + 'static>((a, b): (M, M), open: impl Open<M>, bulk: Bulk) -> Cost {
    let (ready, started) = (mpsc::channel(), mpsc::channel());
    let client = open.clone();
    let texts = [0; 2].map(|_| bulk.text.for_writes(bulk.write));
    let [up, down] = texts;
    let a = on_thread(0, move || async move {
        let stream = client.client(a).await;
        exchange(stream, up, bulk, || meet(&ready.0, &started.1)).await
    });
    let b = on_thread(1, move || async move {
        let stream = open.server(b).await;
        exchange(stream, down, bulk, || meet(&started.0, &ready.1)).await
    });
    let (a, b) = (a.join().expect("the client"), b.join().expect("the server"));
    Cost {
        wall: a.wall.max(b.wall),
        cpu: a.cpu + b.cpu,
    }
}

/// Waits for the other end, unless that has failed.
fn meet(here: &mpsc::Sender<()>, there: &mpsc::Receiver<()>) {
    let _ = here.send(());
    let _ = there.recv();
}

/// Both at one end. On one thread, so that whichever ends last has measured all of it. It meets the
/// other end before and after: a socket that is closed before all has been read from it resets the
/// connection, and a peer that stops at its codec's end has not read what TLS says behind that.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite,
    text: Aligned,
    bulk: Bulk,
    meet: impl Fn(),
) -> Cost {
    let (mut input, mut output) = split(stream);
    meet();
    let sending = send(&mut output, text, bulk);
    let (sent, received) = tokio::join!(sending, receive(&mut input, bulk));
    meet();
    Cost {
        wall: received.wall,
        cpu: received.cpu.max(sent.cpu),
    }
}

async fn send(mut stream: impl AsyncWrite + Unpin, mut text: Aligned, bulk: Bulk) -> Cost {
    let meter = Meter::start();
    pour(&mut stream, &mut text, bulk).await;
    let cost = meter.stop();
    stream.shutdown().await.expect("a peer");
    cost
}

async fn receive(mut stream: impl AsyncRead + Unpin, bulk: Bulk) -> Cost {
    let mut chunk = Aligned::new(bulk.read);
    let meter = Meter::start();
    drain(&mut stream, &mut chunk, bulk).await;
    let cost = meter.stop();
    // To the sender, whoever goes before it has ended has failed.
    let end = stream.read(chunk.bytes()).await.expect("a peer");
    assert_eq!(end, 0, "more than was sent");
    cost
}

/// Writes it, and flushes.
pub async fn pour(stream: &mut (impl AsyncWrite + Unpin), text: &mut Aligned, bulk: Bulk) {
    let writes = text.bytes().chunks_exact(bulk.write).cycle();
    for write in writes.take(bulk.bytes / bulk.write) {
        stream.write_all(write).await.expect("a peer");
        if bulk.flushed {
            stream.flush().await.expect("a peer");
        }
    }
    stream.flush().await.expect("a peer");
}

/// Reads it.
pub async fn drain(stream: &mut (impl AsyncRead + Unpin), room: &mut Aligned, bulk: Bulk) {
    let mut left = bulk.bytes;
    while left > 0 {
        let n = stream.read(room.bytes()).await.expect("a peer");
        assert!(n > 0, "the sender ended early");
        left -= n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_not_rounded() {
        let sizes = [0, 64, 1500, 1536, 4096, 48 << 20, (1 << 20) + (1 << 10)];
        let texts = [
            "0 B", "64 B", "1500 B", "1536 B", "4 KiB", "48 MiB", "1025 KiB",
        ];
        assert_eq!(sizes.map(size), texts);
    }
}
