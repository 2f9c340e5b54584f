//! Sockets that keep a buffer, always have more, or are gone. Each test is named after its rule.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context as Task, Poll};
use std::time::Duration;

use stack::{Connection, Context, Error, Limits, PopError, Protocol, serve};
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufWriter, DuplexStream,
    ReadBuf, ReadHalf, WriteHalf, duplex, split,
};
use tokio::net::TcpStream;

use crate::toy::{TAG, mark, record, toy};
use crate::wakes::counter;

#[tokio::test]
async fn a_vectored_write_does_not_skip_the_end_of_a_long_slice() {
    let (a, mut b) = duplex(1 << 20);
    let mut a = Connection::new(a);
    let (one, two) = (vec![1u8; 100_000], [2u8; 10]);
    let mut all = [&one[..], &two[..]].concat();
    let n = a
        .write_vectored(&[IoSlice::new(&one), IoSlice::new(&two)])
        .await
        .unwrap();
    a.shutdown().await.unwrap();
    let mut seen = Vec::new();
    b.read_to_end(&mut seen).await.unwrap();
    all.truncate(n);
    assert!(seen == all, "{n} taken; byte 65536 is {}", seen[65536]);
}

#[tokio::test]
async fn write_through_reaches_a_peer_behind_a_buffered_socket() {
    let (a, mut b) = duplex(1000);
    let mut a = Connection::new(BufWriter::new(a));
    a.set_write_through(true);
    a.write_all(b"hello").await.unwrap();
    let mut seen = [0; 5];
    let read = tokio::time::timeout(Duration::from_millis(200), b.read_exact(&mut seen)).await;
    assert!(read.is_ok(), "it lies in the socket's own buffer");
}

#[tokio::test]
async fn the_last_words_of_a_push_reach_a_peer_behind_a_buffered_socket() {
    let (a, b) = duplex(1000);
    let (mut a, mut b) = (
        Connection::new(BufWriter::new(a)),
        Connection::new(BufWriter::new(b)),
    );
    // The server has the last word here.
    let client = async { a.push(toy().client()).await.unwrap() };
    let server = async {
        b.push(toy().server()).await.unwrap();
        // Something else to do, for long.
        std::future::pending::<()>().await;
    };
    let both = async {
        tokio::select! { _ = client => (), () = server => () }
    };
    let up = tokio::time::timeout(Duration::from_millis(200), both).await;
    assert!(
        up.is_ok(),
        "the client waits for a hello that was never flushed"
    );
}

#[tokio::test]
async fn the_end_mark_of_a_pop_reaches_a_peer_behind_a_buffered_socket() {
    let (a, mut b) = duplex(1000);
    let mut a = Connection::new(BufWriter::new(a));
    let id = a.push(toy()).await.unwrap();
    a.start_pop(id).await.unwrap();
    let mut seen = [0; 2];
    let read = tokio::time::timeout(Duration::from_millis(200), b.read_exact(&mut seen)).await;
    assert!(read.is_ok(), "it lies in the socket's own buffer");
}

/// A small inbox.
fn cramped() -> Limits {
    Limits {
        inbox: 4,
        ..Limits::default()
    }
}

type Halves = (
    ReadHalf<Connection<DuplexStream>>,
    WriteHalf<Connection<DuplexStream>>,
);

/// A connection under a toy, in two halves. One record will fill the inbox; another, and garbage
/// behind it, wait below the toy. The third is the peer, who reads nothing.
async fn doomed() -> (Halves, DuplexStream) {
    let (a, mut b) = duplex(1000);
    let mut a = Connection::with_limits(a, cramped());
    a.push(toy()).await.unwrap();
    let (one, two) = (record(TAG, b"12345678"), record(TAG, b"abcdefgh"));
    b.write_all(&[one, two, b"??".to_vec()].concat())
        .await
        .unwrap();
    (split(a), b)
}

/// Writes until there is no room.
fn write_all_there_is_room_for(writer: impl AsyncWrite + Unpin, task: &mut Task<'_>) {
    let mut writer = writer;
    while Pin::new(&mut writer)
        .poll_write(task, &[0; 65536])
        .map(Result::unwrap)
        .is_ready()
    {}
}

#[tokio::test]
async fn a_writer_that_waits_for_room_learns_of_a_failure_that_a_read_brings_to_light() {
    let ((mut reader, mut writer), _peer) = doomed().await;
    let (woken, waker) = counter();
    write_all_there_is_room_for(&mut writer, &mut Task::from_waker(&waker));
    let mut text = [0; 16];
    reader.read_exact(&mut text).await.unwrap();
    assert!(reader.read(&mut [0]).await.is_err());
    assert!(woken.count() > 0, "the writer sleeps for ever");
}

#[tokio::test]
async fn a_writer_learns_of_a_failure_that_the_last_read_brought_to_light() {
    let ((mut reader, mut writer), _peer) = doomed().await;
    let (woken, waker) = counter();
    let mut task = Task::from_waker(&waker);
    let mut text = [0; 4];
    // It is with us, all of it.
    reader.read_exact(&mut text).await.unwrap();
    write_all_there_is_room_for(&mut writer, &mut task);
    let before = woken.count();
    reader.read_exact(&mut text).await.unwrap();
    // The reader has what it wanted, and waits for the writer now.
    assert!(woken.count() > before, "the writer sleeps for ever");
    let written = Pin::new(&mut writer).poll_write(&mut task, &[0]);
    assert!(matches!(written, Poll::Ready(Err(_))));
}

#[tokio::test]
async fn a_layer_that_has_left_is_given_back_also_if_the_socket_takes_no_more() {
    let (a, mut b) = duplex(1000);
    let mut a = Connection::with_limits(a, cramped());
    let id = a.push(toy()).await.unwrap();
    b.write_all(
        &[
            record(TAG, b"12345678"),
            record(TAG, b"abcdefgh"),
            mark(),
            b"plain".to_vec(),
        ]
        .concat(),
    )
    .await
    .unwrap();
    let first = a.pop(id).await;
    assert!(
        matches!(first, Err(PopError::NeedsRead)),
        "{first:?}",
        first = first.err()
    );
    drop(b); // Its last words are with us, or on their way.
    let mut text = [0; 16];
    a.read_exact(&mut text).await.unwrap();
    let _ = a.write_all(b"?").await;
    let _ = a.flush().await;
    assert_eq!(a.layers().count(), 0, "it has left");
    let popped = a.pop(id).await;
    assert!(popped.is_ok(), "{:?}", popped.err());
}

/// Has more to read at any time, and takes all.
struct Endless;

impl AsyncRead for Endless {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Task<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        buf.put_slice(&[0; 100]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Endless {
    fn poll_write(self: Pin<&mut Self>, _: &mut Task<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Takes all, and says nothing.
struct Sink;

impl Protocol for Sink {
    fn received(&mut self, _: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        Ok(bytes.len())
    }
}

#[tokio::test]
async fn a_socket_that_always_has_more_leaves_other_tasks_their_turn() {
    let mut turns = 0;
    let others = async {
        for _ in 0..10 {
            turns += 1;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        _ = serve(Endless, Sink) => panic!("it has no end"),
        () = others => {}
    }
    assert_eq!(turns, 10);
}

/// Answers a question with more than may wait, piece by piece as there is room.
struct Paced {
    left: usize,
}

impl Paced {
    fn go_on(&mut self, cx: &mut Context<'_>) {
        let n = self.left.min(100_000);
        self.left -= n;
        cx.send(&vec![7; n][..]);
    }
}

impl Protocol for Paced {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        self.go_on(cx);
        Ok(bytes.len())
    }

    fn writable(&mut self, cx: &mut Context<'_>, writable: bool) {
        if writable {
            self.go_on(cx);
        }
    }
}

#[tokio::test]
async fn an_application_that_waits_for_room_is_not_over_when_its_input_is() {
    let (a, mut b) = duplex(1000);
    let peer = async {
        b.write_all(b"?").await.unwrap();
        b.shutdown().await.unwrap();
        let mut seen = Vec::new();
        b.read_to_end(&mut seen).await.unwrap();
        seen.len()
    };
    let ((_, end), n) = tokio::join!(serve(a, Paced { left: 1_000_000 }), peer);
    assert!(end.error().is_none(), "{end:?}");
    assert_eq!(n, 1_000_000);
}

/// A TCP connection on which the peer has said farewell and gone, and a write has failed since;
/// whoever runs the sockets has not looked at this one again.
async fn deserted(farewell: &'static [u8], most: usize) -> Connection<Sips> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap());
    let mut connection = Connection::new(Sips(socket.await.unwrap(), most));
    let (mut peer, _) = listener.accept().unwrap();
    io::Write::write_all(&mut peer, farewell).unwrap();
    drop(peer);
    // The first write is answered by a reset, so one of the next must fail.
    for _ in 0..1000 {
        let written = connection.write_all(b"NOOP\r\n").await;
        if written.is_err() || connection.flush().await.is_err() {
            return connection;
        }
        std::thread::yield_now();
    }
    panic!("no write fails although the peer has gone")
}

/// Reads so many bytes at once at the most.
struct Sips(TcpStream, usize);

impl AsyncRead for Sips {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Task<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let most = buf.remaining().min(self.1);
        let mut sip = ReadBuf::new(buf.initialize_unfilled_to(most));
        let poll = Pin::new(&mut self.0).poll_read(task, &mut sip);
        let n = sip.filled().len();
        buf.advance(n);
        poll
    }
}

impl AsyncWrite for Sips {
    fn poll_write(
        mut self: Pin<&mut Self>,
        task: &mut Task<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(task, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(task)
    }
}

#[tokio::test]
async fn a_farewell_is_read_although_writing_has_failed() {
    let mut connection = deserted(b"421 idle, bye\r\n", 4096).await;
    let mut line = String::new();
    let read = connection.read_line(&mut line).await;
    assert_eq!(line, "421 idle, bye\r\n", "{read:?}");
    // And then an end of some kind, not a hang.
    let _ = connection.read_line(&mut line).await;
    assert_eq!(line.len(), 15);
}

#[tokio::test]
async fn a_farewell_of_many_reads_is_read_to_its_end() {
    let mut connection = deserted(&[b'x'; 40_000], 100).await;
    let mut seen = Vec::new();
    let _ = connection.read_to_end(&mut seen).await;
    assert_eq!(seen.len(), 40_000);
}

#[tokio::test]
async fn a_parked_layer_is_given_back_although_its_end_mark_finds_nobody() {
    let (a, b) = duplex(1000);
    let (mut a, mut b) = (Connection::new(a), Connection::new(b));
    let id = a.push(toy()).await.unwrap();
    b.push(toy()).await.unwrap();
    b.write_all(b"bye").await.unwrap();
    b.shutdown().await.unwrap();
    drop(b);
    let mut seen = Vec::new();
    a.read_to_end(&mut seen).await.unwrap();
    assert_eq!((&seen[..], a.parked()), (&b"bye"[..], Some(id.key())));
    assert!(a.pop(id).await.is_ok());
}
