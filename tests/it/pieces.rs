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

/// Writes it byte by byte: all but the first may be gathered.
async fn say(stream: &mut (impl AsyncWrite + Unpin), words: &str) {
    for byte in words.bytes() {
        stream.write_u8(byte).await.unwrap();
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
    // The first, and the others.
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    let mut sent = vec![0; 2 * 64 * 64];
    peer.read_exact(&mut sent).await.unwrap();
    assert!(sent.chunks(2).all(|pair| pair == b".x"));
}

#[tokio::test]
async fn every_change_of_the_stack_comes_behind_what_was_written_before_it() {
    let (socket, peer) = duplex(1000);
    let mut connection = Connection::new(socket);
    say(&mut connection, "ab").await;
    let one = connection.push(Mark::new(b'1')).await.unwrap();
    say(&mut connection, "cd").await;
    connection.with_layer(one, |mark, _| mark.0 = b'2').unwrap();
    say(&mut connection, "ef").await;
    let mut changes = Changes::new();
    changes.insert_below(one, Mark::new(b'3'));
    connection.apply(changes).await.unwrap();
    say(&mut connection, "gh").await;
    connection.rip(one).unwrap();
    say(&mut connection, "ij").await;
    let last = connection.push_after(b"!", Mark::new(b'4')).await.unwrap();
    say(&mut connection, "kl").await;
    let handle = connection.handle();
    let popping = tokio::spawn(async move { handle.pop(last).await });
    tokio::task::yield_now().await;
    connection.flush().await.unwrap();
    say(&mut connection, "mn").await;
    popping.await.unwrap().unwrap();
    assert_eq!(
        sent_of(connection, peer).await,
        "ab1c1d2e2f323g323h3i3j3!343k343l3m3n"
    );
}

#[tokio::test]
async fn a_guard_writes_before_the_push_that_it_is_for() {
    let (socket, peer) = duplex(1000);
    let mut connection = Connection::new(socket);
    say(&mut connection, "ab").await;
    let mut frozen = connection.freeze();
    say(&mut frozen, "cd").await;
    frozen.push(Mark::new(b'.')).await.unwrap();
    say(&mut connection, "ef").await;
    assert_eq!(sent_of(connection, peer).await, "abcd.e.f");
}

#[tokio::test]
async fn what_was_gathered_is_among_the_parts() {
    let (socket, _peer) = duplex(1000);
    let mut connection = Connection::new(socket);
    connection.push(Mark::new(b'.')).await.unwrap();
    say(&mut connection, "ab").await;
    assert_eq!(connection.into_parts().unsent, b".a.b");
}

#[tokio::test]
async fn a_read_that_waits_in_another_task_sends_them() {
    let (socket, mut peer) = duplex(1000);
    let (mut reader, mut writer) = tokio::io::split(Connection::new(socket));
    let reading = tokio::spawn(async move { reader.read_u8().await });
    tokio::task::yield_now().await;
    say(&mut writer, "question").await;
    let mut question = [0; 8];
    peer.read_exact(&mut question).await.unwrap();
    peer.write_all(b"!").await.unwrap();
    assert_eq!(reading.await.unwrap().unwrap(), b'!');
}

#[tokio::test]
async fn a_shutdown_comes_behind_it() {
    let (socket, mut peer) = duplex(1000);
    let mut connection = Connection::new(socket);
    say(&mut connection, "last words").await;
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
