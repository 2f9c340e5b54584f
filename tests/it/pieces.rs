//! Small writes are gathered before they go through the layers, and nobody can tell but by their
//! number.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use stack::{
    Changes, Chunk, Connection, Context, Error, Exit, Layer, Limits, Protocol, Readiness, Residue,
    Standing, Transport,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};

use crate::real;
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

fn once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Task::from_waker(Waker::noop()))
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
    let mut taken = 0;
    while let Poll::Ready(n) = once(connection.write(&[0; 100])) {
        taken += n.unwrap();
        assert!(taken <= most, "{taken} bytes, and no end");
    }
}

#[tokio::test]
async fn a_small_outbox_is_kept_to() {
    let limits = Limits {
        outbox_high: 100,
        ..Limits::default()
    };
    let (socket, _peer) = duplex(100);
    let mut connection = Connection::with_limits(socket, limits);
    let mut taken = 0;
    while let Poll::Ready(n) = once(connection.write(&[0; 10])) {
        taken += n.unwrap();
    }
    // In the socket, ready for it, and gathered.
    assert!(taken <= 100 + (100 + 10) + 100, "{taken}");
}

/// Writes down when it is called, and fails at a `!`.
#[derive(Default)]
struct Clerk(Arc<Mutex<Vec<u64>>>);

impl Protocol for Clerk {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        cx.now();
        Ok(Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}

impl Transport for Clerk {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        self.0.lock().unwrap().push(cx.now().as_secs());
        cx.send(chunk);
        Ok(())
    }
}

impl Layer for Clerk {}

#[tokio::test(start_paused = true)]
async fn a_layer_that_asks_for_the_time_is_told_that_of_each_write() {
    let (socket, _peer) = duplex(1000);
    let mut connection = Connection::new(socket);
    let clerk = Clerk::default();
    let times = Arc::clone(&clerk.0);
    connection.push(clerk).await.unwrap();
    for _ in 0..3 {
        connection.write_all(b"x").await.unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    connection.flush().await.unwrap();
    assert_eq!(*times.lock().unwrap(), [0, 1, 2]);
}

/// Fails at a `!`.
struct Picky;

impl Protocol for Picky {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}

impl Transport for Picky {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        match chunk.as_slice().contains(&b'!') {
            true => Err(Error::local("a bang")),
            false => {
                cx.send(chunk);
                Ok(())
            }
        }
    }
}

impl Layer for Picky {}

#[tokio::test]
async fn an_error_of_a_layer_shows_wherever_one_looks_next() {
    for way in 0..6 {
        let (socket, _peer) = duplex(1000);
        let mut connection = Connection::new(socket);
        connection.push(Picky).await.unwrap();
        say(&mut connection, "a!").await;
        let failed = match way {
            0 => connection.flush().await.is_err(),
            1 => connection.shutdown().await.is_err(),
            2 => connection.read_u8().await.is_err(),
            3 => connection.ready().await.is_err(),
            4 => connection.push(Picky).await.is_err(),
            _ => connection.write_all(&[0; 600]).await.is_err(),
        };
        assert!(failed, "way {way}");
        assert!(connection.flush().await.is_err());
        assert!(connection.write_all(b"x").await.is_err());
    }
}

/// What is said while TLS shakes hands waits for it, once and sealed; what was said before is in clear.
#[tokio::test]
async fn tls_that_comes_up_late_sends_each_piece_once_and_sealed() {
    let (client_config, server_config) = real::configs();
    let (a, b) = duplex(1 << 16);
    let (mut client, mut server) = (Connection::new(a), Connection::new(b));
    say(&mut client, "clear").await;
    assert!(once(client.push(real::client(&client_config))).is_pending());
    say(&mut client, "sealed").await;
    let mut clear = [0; 5];
    server.read_exact(&mut clear).await.unwrap();
    assert_eq!(&clear, b"clear");
    let talk = async {
        let tls = real::server(&server_config).with_residue(Residue::Feed);
        server.push(tls).await.unwrap();
        let mut sealed = [0; 6];
        server.read_exact(&mut sealed).await.unwrap();
        assert_eq!(&sealed, b"sealed");
        say(&mut server, "!").await;
        server.flush().await.unwrap();
    };
    let ((), answer) = tokio::join!(talk, client.read_u8());
    assert_eq!(answer.unwrap(), b'!');
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
