//! Small writes are gathered before they go through the layers, and nobody can tell but by their
//! number.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as Task, Poll, Waker};
use std::{future::Future, pin::pin};

use stack::{Changes, Chunk, Connection, Context, Error, Exit, Layer, Limits, Protocol, Transport};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};

use crate::rng::Rng;

/// Marks what goes down with a letter before each byte, and counts how often it is called.
struct Mark(u8, Arc<AtomicUsize>);

impl Mark {
    fn new(letter: u8) -> Self {
        Self(letter, Arc::default())
    }
}

impl Protocol for Mark {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}

impl Transport for Mark {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        self.1.fetch_add(1, Ordering::Relaxed);
        let marked: Vec<_> = chunk.as_slice().iter().flat_map(|b| [self.0, *b]).collect();
        cx.send(&marked[..]);
        Ok(())
    }
}

impl Layer for Mark {
    fn exit(&self) -> Exit {
        Exit::Anytime
    }
}

async fn sent_of(connection: Connection<DuplexStream>, mut peer: DuplexStream) -> String {
    drop(connection);
    let mut sent = String::new();
    peer.read_to_string(&mut sent).await.unwrap();
    sent
}

#[tokio::test]
async fn many_small_writes_go_through_a_layer_as_one() {
    let (socket, mut peer) = duplex(1 << 20);
    let mut connection = Connection::new(socket);
    let mark = Mark::new(b'.');
    let calls = Arc::clone(&mark.1);
    connection.push(mark).await.unwrap();
    for _ in 0..64 {
        connection.write_all(&[b'x'; 64]).await.unwrap();
    }
    connection.flush().await.unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    let mut sent = vec![0; 2 * 64 * 64];
    peer.read_exact(&mut sent).await.unwrap();
    assert!(sent.chunks(2).all(|pair| pair == b".x"));
}

#[tokio::test]
async fn every_change_of_the_stack_comes_behind_what_was_written_before_it() {
    let (socket, peer) = duplex(1000);
    let mut connection = Connection::new(socket);
    connection.write_all(b"a").await.unwrap();
    let one = connection.push(Mark::new(b'1')).await.unwrap();
    connection.write_all(b"b").await.unwrap();
    connection.with_layer(one, |mark, _| mark.0 = b'2').unwrap();
    connection.write_all(b"c").await.unwrap();
    let mut changes = Changes::new();
    changes.insert_below(one, Mark::new(b'3'));
    connection.apply(changes).await.unwrap();
    connection.write_all(b"d").await.unwrap();
    connection.rip(one).unwrap();
    connection.write_all(b"e").await.unwrap();
    let last = connection.push_after(b"!", Mark::new(b'4')).await.unwrap();
    connection.write_all(b"f").await.unwrap();
    let handle = connection.handle();
    let popping = tokio::spawn(async move { handle.pop(last).await });
    tokio::task::yield_now().await;
    connection.flush().await.unwrap();
    connection.write_all(b"g").await.unwrap();
    popping.await.unwrap().unwrap();
    assert_eq!(sent_of(connection, peer).await, "a1b2c323d3e3!343f3g");
}

#[tokio::test]
async fn a_guard_writes_before_the_push_that_it_is_for() {
    let (socket, peer) = duplex(1000);
    let mut connection = Connection::new(socket);
    connection.write_all(b"a").await.unwrap();
    let mut frozen = connection.freeze();
    frozen.write_all(b"b").await.unwrap();
    frozen.push(Mark::new(b'.')).await.unwrap();
    connection.write_all(b"c").await.unwrap();
    assert_eq!(sent_of(connection, peer).await, "ab.c");
}

#[tokio::test]
async fn what_was_gathered_is_among_the_parts() {
    let (socket, _peer) = duplex(1000);
    let mut connection = Connection::new(socket);
    connection.push(Mark::new(b'.')).await.unwrap();
    connection.write_all(b"ab").await.unwrap();
    assert_eq!(connection.into_parts().unsent, b".a.b");
}

#[tokio::test]
async fn a_read_that_waits_in_another_task_sends_it() {
    let (socket, mut peer) = duplex(1000);
    let (mut reader, mut writer) = tokio::io::split(Connection::new(socket));
    let reading = tokio::spawn(async move { reader.read_u8().await });
    tokio::task::yield_now().await;
    writer.write_all(b"question").await.unwrap();
    let mut question = [0; 8];
    peer.read_exact(&mut question).await.unwrap();
    peer.write_all(b"!").await.unwrap();
    assert_eq!(reading.await.unwrap().unwrap(), b'!');
}

#[tokio::test]
async fn a_shutdown_comes_behind_it() {
    let (socket, mut peer) = duplex(1000);
    let mut connection = Connection::new(socket);
    connection.write_all(b"last words").await.unwrap();
    connection.shutdown().await.unwrap();
    let mut sent = String::new();
    peer.read_to_string(&mut sent).await.unwrap();
    assert_eq!(sent, "last words");
    assert!(connection.write_all(b"x").await.is_err());
}

/// A peer that reads nothing is felt by small writes, too, and nothing is gathered without bound.
#[tokio::test]
async fn small_writes_wait_for_room() {
    let limits = Limits::default();
    let most = limits.outbox_high + 64 * 1024 + 4096 + 1000;
    let (socket, _peer) = duplex(1000);
    let mut connection = Connection::with_limits(socket, limits);
    let mut task = Task::from_waker(Waker::noop());
    let mut taken = 0;
    while let Poll::Ready(n) = pin!(connection.write(&[0; 100])).poll(&mut task) {
        taken += n.unwrap();
        assert!(taken <= most, "{taken} bytes, and no end");
    }
}

/// Pieces of any size, flushed or not, come as they were written.
#[tokio::test]
async fn pieces_of_any_size_come_in_order() {
    for seed in 0..50u64 {
        let mut rng = Rng(seed);
        let (socket, peer) = duplex(1 + rng.below(5000));
        let (a, b) = tokio::join!(send(Connection::new(socket), &mut rng), receive(peer));
        assert!(a == b, "seed {seed}");
    }
}

async fn send(mut stream: impl AsyncWrite + Unpin, rng: &mut Rng) -> Vec<u8> {
    let mut written = Vec::new();
    for i in 0..200u32 {
        let most = [10, 600, 5000, 100_000][rng.below(4)];
        let len = 1 + rng.below(most) % 20_000;
        let piece: Vec<_> = (0..len as u32).map(|j| (i * 31 + j) as u8).collect();
        stream.write_all(&piece).await.unwrap();
        written.extend(piece);
        if rng.once_in(10) {
            stream.flush().await.unwrap();
        }
    }
    stream.shutdown().await.unwrap();
    written
}

async fn receive(mut stream: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut read = Vec::new();
    stream.read_to_end(&mut read).await.unwrap();
    read
}
