//! The driver: waking, flushing, cancelling, bounds.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use stack::{Blame, Connection, Error, ErrorKind, Limits, PopError, PushError};
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf,
    duplex,
};

use crate::toy::{Toy, Witness, toy};

/// The stack's own error inside an `io::Error`.
pub(crate) fn inner(error: &io::Error) -> &Error {
    error
        .get_ref()
        .and_then(|error| error.downcast_ref())
        .expect("an error of the stack")
}

/// Polls a future once, with a waker that does nothing.
fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Reads and writes a byte at a time, and is not ready every other time, each way by itself.
pub(crate) struct Choppy(pub(crate) DuplexStream, pub(crate) [bool; 2]);

impl Choppy {
    fn not_ready(&mut self, way: usize, cx: &Context<'_>) -> bool {
        self.1[way] = !self.1[way];
        if self.1[way] {
            cx.waker().wake_by_ref();
        }
        self.1[way]
    }
}

impl AsyncRead for Choppy {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.not_ready(0, cx) {
            return Poll::Pending;
        }
        let mut byte = [0];
        let mut one = ReadBuf::new(&mut byte);
        let poll = Pin::new(&mut self.0).poll_read(cx, &mut one);
        buf.put_slice(one.filled());
        poll
    }
}

impl AsyncWrite for Choppy {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.not_ready(1, cx) {
            return Poll::Pending;
        }
        Pin::new(&mut self.0).poll_write(cx, &bytes[..1])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.not_ready(1, cx) {
            return Poll::Pending;
        }
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// A conversation with two pushes and two pops; returns all that each side read.
async fn conversation<A, B>(a: A, b: B) -> (String, String)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let (mut a, mut b) = (Connection::new(a), Connection::new(b));
    let client = async {
        let mut seen = String::new();
        for _ in 0..2 {
            a.write_all(b"start\n").await.unwrap();
            a.read_line(&mut seen).await.unwrap();
            let id = a.push(toy().client()).await.unwrap();
            a.write_all(b"secret\n").await.unwrap();
            a.read_line(&mut seen).await.unwrap();
            a.pop(id).await.unwrap();
        }
        a.shutdown().await.unwrap();
        a.read_to_string(&mut seen).await.unwrap();
        seen
    };
    let server = async {
        let mut seen = String::new();
        for _ in 0..2 {
            b.read_line(&mut seen).await.unwrap();
            let id = b.push_after(b"go\n", toy().server()).await.unwrap();
            b.read_line(&mut seen).await.unwrap();
            b.write_all(b"kept\n").await.unwrap();
            b.pop(id).await.unwrap();
        }
        b.read_to_string(&mut seen).await.unwrap();
        b.write_all(b"bye\n").await.unwrap();
        b.shutdown().await.unwrap();
        seen
    };
    tokio::join!(client, server)
}

#[tokio::test]
async fn d2_one_byte_at_a_time_and_never_ready_at_once_gives_the_same_transcript() {
    let (a, b) = duplex(4096);
    let smooth = conversation(a, b).await;
    assert_eq!(smooth.0, "go\nkept\ngo\nkept\nbye\n");
    assert_eq!(smooth.1, "start\nsecret\nstart\nsecret\n");
    let (a, b) = duplex(4096);
    assert_eq!(
        conversation(Choppy(a, [false; 2]), Choppy(b, [true, false])).await,
        smooth
    );
    let (a, b) = duplex(1);
    assert_eq!(conversation(a, b).await, smooth);
}

#[tokio::test]
async fn a_conversation_over_tcp() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (a, b) = tokio::join!(tokio::net::TcpStream::connect(address), listener.accept());
    let (client, _) = conversation(a.unwrap(), b.unwrap().0).await;
    assert_eq!(client, "go\nkept\ngo\nkept\nbye\n");
}

#[tokio::test]
async fn bytes_in_flight_both_ways_during_push_and_pop() {
    const N: usize = 300_000;
    let body = |seed: usize| {
        (0..N)
            .map(|i| ((i * 7 + seed) % 251) as u8)
            .collect::<Vec<_>>()
    };
    for pipe in [64, 5000] {
        let (a, b) = duplex(pipe);
        let first = async {
            let mut connection = Connection::new(a);
            let id = connection.push(toy()).await.unwrap();
            exchange(&mut connection, &body(1), &body(2)).await;
            connection.start_pop(id).await.unwrap();
            exchange(&mut connection, &body(3), &body(4)).await;
            connection.pop(id).await.unwrap();
            exchange(&mut connection, &body(5), &body(6)).await;
        };
        let second = async {
            let mut connection = Connection::new(b);
            let id = connection.push(toy()).await.unwrap();
            exchange(&mut connection, &body(2), &body(1)).await;
            exchange(&mut connection, &body(4), b"").await;
            // The first has ended its half: what it writes waits until we pop, too.
            assert_eq!(connection.read(&mut [0]).await.unwrap(), 0);
            assert_eq!(connection.parked(), Some(id.key()));
            connection.pop(id).await.unwrap();
            exchange(&mut connection, b"", &body(3)).await;
            exchange(&mut connection, &body(6), &body(5)).await;
        };
        tokio::join!(first, second);
    }
}

/// Writes `ours` and reads as many bytes as `theirs`, at once; they must be `theirs`.
async fn exchange(connection: &mut Connection<DuplexStream>, ours: &[u8], theirs: &[u8]) {
    let (mut reader, mut writer) = tokio::io::split(connection);
    let mut seen = vec![0; theirs.len()];
    let writing = async {
        writer.write_all(ours).await.unwrap();
        writer.flush().await.unwrap();
    };
    let reading = async { reader.read_exact(&mut seen).await.unwrap() };
    tokio::join!(writing, reading);
    assert!(seen == theirs);
}

#[tokio::test]
async fn copy_bidirectional_goes_through_a_stack() {
    let ((client, outer), (inner, server)) = (duplex(100), duplex(100));
    // The proxy speaks the toy's language with the client, and plain with the server.
    let proxy = async {
        let (mut outer, mut inner) = (Connection::new(outer), Connection::new(inner));
        outer.push(toy().server()).await.unwrap();
        let copied = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
        assert_eq!(copied.unwrap(), (10_000, 20_000));
    };
    let client = async {
        let mut client = Connection::new(client);
        client.push(toy().client()).await.unwrap();
        client.write_all(&[b'c'; 10_000]).await.unwrap();
        client.shutdown().await.unwrap();
        let mut seen = Vec::new();
        client.read_to_end(&mut seen).await.unwrap();
        assert!(seen == [b's'; 20_000]);
    };
    let server = async {
        let (mut reader, mut writer) = tokio::io::split(server);
        let writing = async {
            writer.write_all(&[b's'; 20_000]).await.unwrap();
            writer.shutdown().await.unwrap();
        };
        let mut seen = Vec::new();
        tokio::join!(writing, async {
            reader.read_to_end(&mut seen).await.unwrap()
        });
        assert!(seen == [b'c'; 10_000]);
    };
    tokio::join!(proxy, client, server);
}

#[test]
fn a_slow_reader_bounds_a_fast_writer() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let used = allocation_counter::measure(|| {
        runtime.block_on(async {
            let (a, b) = duplex(64 * 1024);
            let (mut a, mut b) = (Connection::new(a), Connection::new(b));
            for _ in 0..4 {
                a.push(toy()).await.unwrap();
                b.push(toy()).await.unwrap();
            }
            let chunk = vec![7; 64 * 1024];
            // Nobody reads: the writer stops when every buffer is full.
            let mut written = 0;
            while let Poll::Ready(n) = poll_once(pin!(a.write(&chunk))) {
                written += n.unwrap();
                assert!(written < 1 << 20, "the writer is never stopped");
            }
            // Somebody reads slowly: all comes, and never more is held.
            let writing = async {
                for _ in 0..200 {
                    a.write_all(&chunk).await.unwrap();
                }
                a.shutdown().await.unwrap();
            };
            let reading = async {
                let (mut small, mut total) = (vec![0; 1000], 0);
                loop {
                    match b.read(&mut small).await.unwrap() {
                        0 => return total,
                        n => total += n,
                    }
                    tokio::task::yield_now().await;
                }
            };
            let ((), total) = tokio::join!(writing, reading);
            assert_eq!(total, written + 200 * chunk.len());
        });
    });
    assert!(
        used.bytes_max < 1_500_000,
        "{} bytes at once",
        used.bytes_max
    );
}

#[tokio::test]
async fn a_layer_takes_one_byte_at_a_time_and_a_mebibyte_at_once() {
    let mib: Vec<u8> = (0..1 << 20).map(|i| (i % 253) as u8).collect();
    let mut from = stack::Stack::new(Limits::default());
    let mut to = stack::Stack::new(Limits::default());
    from.push(toy()).unwrap();
    to.push(toy()).unwrap();
    from.write(&mib[..]).unwrap();
    let mut wire = from.outgoing().to_vec();
    let drained = |to: &mut stack::Stack, seen: &mut Vec<u8>| {
        while !to.readable().is_empty() || to.has_work() {
            seen.extend_from_slice(to.readable());
            to.consume(to.readable().len());
            to.advance(Duration::ZERO);
        }
    };
    let mut seen = Vec::new();
    to.receive(&mut wire.clone());
    drained(&mut to, &mut seen);
    assert!(seen == mib);
    seen.clear();
    for byte in &mut wire[..100_000] {
        to.receive(std::slice::from_mut(byte));
        drained(&mut to, &mut seen);
    }
    assert!(mib.starts_with(&seen) && seen.len() > 99_000);
}

#[tokio::test]
async fn a_write_is_flushed_by_the_read_that_waits_in_another_task() {
    let (a, mut b) = duplex(4096);
    let mut a = Connection::new(a);
    a.push(Witness::new().0).await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(a);
    let parked = tokio::spawn(async move {
        let mut answer = [0; 6];
        reader.read_exact(&mut answer).await.unwrap();
        answer
    });
    tokio::task::yield_now().await;
    writer.write_all(b"request").await.unwrap(); // And no flush.
    let mut request = [0; 7];
    b.read_exact(&mut request).await.unwrap();
    b.write_all(b"answer").await.unwrap();
    assert_eq!(&parked.await.unwrap(), b"answer");
}

#[tokio::test]
async fn a_read_flushes_what_was_written_before_it_waits() {
    let (a, b) = duplex(4096);
    let mut a = Connection::new(a);
    let mut b = Connection::new(b);
    let asking = async {
        a.write_all(b"ping").await.unwrap();
        let mut answer = [0; 4];
        a.read_exact(&mut answer).await.unwrap();
        answer
    };
    let answering = async {
        let mut request = [0; 4];
        b.read_exact(&mut request).await.unwrap();
        b.write_all(b"pong").await.unwrap();
        b.read(&mut request).await.unwrap_or(0)
    };
    let (mut asking, mut answering) = (pin!(asking), pin!(answering));
    tokio::select! {
        answer = &mut asking => assert_eq!(&answer, b"pong"),
        _ = &mut answering => panic!("nothing more was sent"),
    }
}

#[tokio::test]
async fn write_through_flushes_each_write() {
    let (a, mut b) = duplex(4096);
    let mut a = Connection::new(a);
    a.write_all(b"kept back ").await.unwrap();
    let mut seen = [0; 32];
    assert!(poll_once(pin!(b.read(&mut seen))).is_pending());
    a.set_write_through(true);
    a.write_all(b"not").await.unwrap();
    let n = b.read(&mut seen).await.unwrap();
    assert_eq!(&seen[..n], b"kept back not");
}

#[tokio::test]
async fn a_reader_and_a_writer_in_two_tasks_both_wake() {
    // Both peers write more than all buffers hold before the other reads anything.
    const N: usize = 2 << 20;
    let (a, b) = duplex(1000);
    let peer = |io| async move {
        let mut connection = Connection::new(io);
        connection.push(toy()).await.unwrap();
        let (mut reader, mut writer) = tokio::io::split(connection);
        let writing = tokio::spawn(async move {
            writer.write_all(&vec![1; N]).await.unwrap();
            writer.shutdown().await.unwrap();
        });
        let reading = tokio::spawn(async move {
            let mut seen = Vec::new();
            reader.read_to_end(&mut seen).await.unwrap();
            assert_eq!(seen.len(), N);
        });
        writing.await.unwrap();
        reading.await.unwrap();
    };
    tokio::join!(peer(a), peer(b));
}

#[tokio::test]
async fn dropping_a_read_or_a_push_loses_nothing() {
    let (a, b) = duplex(4096);
    let (mut a, mut b) = (Connection::new(a), Connection::new(b));
    let mut byte = [0];
    assert!(poll_once(pin!(a.read(&mut byte))).is_pending());
    // Begun and dropped: the hello is on the wire, and the push stays in progress.
    assert!(poll_once(pin!(a.push(toy().client()))).is_pending());
    a.write_all(b"x").await.unwrap();
    let server = async {
        let id = b.push(toy().server().feed()).await.unwrap();
        assert!(poll_once(pin!(b.read(&mut [0; 0]))).is_ready());
        let mut byte = [0];
        b.read_exact(&mut byte).await.unwrap();
        assert_eq!(&byte, b"x");
        id
    };
    let (ready, _) = tokio::join!(async { a.ready().await.and(Ok(a.flush().await)) }, server);
    ready.unwrap().unwrap();
}

/// Changes nothing, but says how long each chunk is, and a large one twice.
struct Stutters;

impl stack::Protocol for Stutters {
    fn received(&mut self, cx: &mut stack::Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        cx.send(b"!");
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}

impl stack::Transport for Stutters {
    fn send(&mut self, cx: &mut stack::Context<'_>, chunk: stack::Chunk<'_>) -> Result<(), Error> {
        let bytes = chunk.as_slice();
        if bytes.len() % 2 == 1 {
            cx.send(format!("{}:", bytes.len()).as_bytes());
        }
        if bytes.len() > 1000 {
            cx.send(bytes);
        }
        cx.send(bytes);
        Ok(())
    }
}

impl stack::Layer for Stutters {}

#[tokio::test]
async fn large_writes_leave_in_order_with_all_that_is_written_around_them() {
    for (pipe, stutters) in [
        (1 << 20, false),
        (1000, false),
        (1 << 20, true),
        (1000, true),
    ] {
        let (a, mut b) = duplex(pipe);
        let mut a = Connection::new(a);
        a.push(Witness::new().0).await.unwrap();
        if stutters {
            a.push(Stutters).await.unwrap();
        }
        let mut expected = Vec::new();
        let chunks: Vec<Vec<u8>> = [3, 65_536, 65_536, 10, 65_535, 70_001, 65_536, 1]
            .iter()
            .enumerate()
            .map(|(n, len)| (0..*len).map(|i| (i * 7 + i / 251 + n) as u8).collect())
            .collect();
        for chunk in &chunks {
            for chunk in chunk.chunks(64 * 1024) {
                if stutters && chunk.len() % 2 == 1 {
                    expected.extend(format!("{}:", chunk.len()).bytes());
                }
                if stutters && chunk.len() > 1000 {
                    expected.extend_from_slice(chunk);
                }
                expected.extend_from_slice(chunk);
            }
        }
        let writing = async {
            for chunk in &chunks {
                a.write_all(chunk).await.unwrap();
            }
            a.shutdown().await.unwrap();
        };
        let mut seen = Vec::new();
        let (_, read) = tokio::join!(writing, b.read_to_end(&mut seen));
        read.unwrap();
        assert!(seen == expected, "pipe {pipe}, stutters {stutters}");
    }
}

/// A toy client's hello, as it looks on the wire.
fn hello() -> Vec<u8> {
    let mut client = stack::Stack::new(Limits::default());
    client.push(toy().client()).unwrap();
    client.outgoing().to_vec()
}

#[tokio::test]
async fn scenario_15_a_push_dropped_while_reading_is_frozen_thaws_it() {
    let (a, mut b) = duplex(4096);
    let mut a = Connection::new(a);
    {
        let frozen = a.freeze();
        let push = frozen.push(toy().server());
        drop(push); // Never polled: nothing has happened.
    }
    // What waits for input, and is no read, finds reading thawed.
    b.write_all(&hello()).await.unwrap();
    let pushed = a.push(toy().server());
    let pushed = tokio::time::timeout(Duration::from_secs(1), pushed).await;
    pushed.expect("frozen for ever").unwrap();
}

#[tokio::test]
async fn while_frozen_an_honest_peers_first_bytes_are_no_residue() {
    // The answer is longer than the pipe, so its flush waits, while the hello is there already.
    let (a, mut b) = duplex(16);
    let mut a = Connection::new(a);
    let answer = [b'.'; 100];
    b.write_all(&hello()).await.unwrap();
    let mut frozen = a.freeze();
    let answering = async {
        frozen.write_all(&answer).await.unwrap();
        frozen.flush().await.unwrap();
    };
    let mut seen = [0; 100];
    let (_, read) = tokio::join!(answering, b.read_exact(&mut seen));
    read.unwrap();
    frozen.push(toy().server()).await.unwrap();
    // Without the guard, the very same peer is taken for an attacker.
    let (a, mut b) = duplex(16);
    let mut a = Connection::new(a);
    b.write_all(&hello()).await.unwrap();
    let answering = async {
        a.write_all(&answer).await.unwrap();
        a.flush().await.unwrap();
    };
    let (_, read) = tokio::join!(answering, b.read_exact(&mut seen));
    read.unwrap();
    assert!(matches!(
        a.push(toy().server()).await,
        Err(PushError::Rejected { .. })
    ));
}

#[test]
fn a_connection_may_change_threads_and_be_shared() {
    fn traits<T: Send + Sync + Unpin + std::fmt::Debug>() {}
    fn send<T: Send>(_: T) {}
    traits::<Connection<DuplexStream>>();
    let (io, _) = duplex(1);
    send(stack::serve(io, Nothing));
}

struct Nothing;

impl stack::Protocol for Nothing {
    fn received(&mut self, _: &mut stack::Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        Ok(bytes.len())
    }
}

#[tokio::test]
async fn unread_bytes_come_first_and_parts_keep_everything() {
    let (a, mut b) = duplex(4096);
    let mut a = Connection::new(a);
    b.write_all(b"one two").await.unwrap();
    let mut seen = [0; 4];
    a.read_exact(&mut seen).await.unwrap();
    a.unread(b"zero ").unwrap();
    let mut seen = [0; 6];
    a.read_exact(&mut seen).await.unwrap();
    assert_eq!(&seen, b"zero t");
    a.write_all(b"unsent").await.unwrap();
    let parts = a.into_parts();
    let [(_, unread)] = &parts.unread[..] else {
        panic!("{parts:?}")
    };
    assert_eq!(
        (&unread[..], &parts.unsent[..]),
        (&b"wo"[..], &b"unsent"[..])
    );
    drop(parts.io);
}

#[tokio::test]
async fn a_dropped_connection_hands_over_what_was_written() {
    let (a, mut b) = duplex(4096);
    let mut a = Connection::new(a);
    a.push(toy()).await.unwrap();
    a.write_all(b"last words").await.unwrap();
    drop(a);
    let mut seen = Vec::new();
    b.read_to_end(&mut seen).await.unwrap();
    assert_eq!(seen.len(), 12);
}

#[tokio::test]
async fn vectored_writes_take_more_than_one_slice() {
    let (a, mut b) = duplex(4096);
    let mut a = Connection::new(a);
    let slices = [&b"one "[..], b"", b"two"].map(io::IoSlice::new);
    assert!(a.is_write_vectored());
    assert_eq!(a.write_vectored(&slices).await.unwrap(), 7);
    a.flush().await.unwrap();
    let mut seen = [0; 7];
    b.read_exact(&mut seen).await.unwrap();
    assert_eq!(&seen, b"one two");
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_ends_a_handshake_by_its_deadline() {
    let (a, _b) = duplex(4096);
    let mut a = Connection::new(a);
    let began = tokio::time::Instant::now();
    let Err(PushError::Begun(error)) = a.push(toy().client()).await else {
        panic!("the peer is silent")
    };
    assert_eq!(
        (error.kind(), error.blame()),
        (ErrorKind::TimedOut, Blame::Remote)
    );
    assert_eq!(error.layer(), Some("toy"));
    assert_eq!(began.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn t7_a_pop_that_is_late_is_reported_and_goes_on() {
    let (a, b) = duplex(4096);
    let (mut a, mut b) = (Connection::new(a), Connection::new(b));
    let (ours, theirs) = (a.push(toy()).await.unwrap(), b.push(toy()).await.unwrap());
    assert!(matches!(a.pop(ours).await, Err(PopError::Late)));
    // Outbound is plain already, inbound is still decoded, the socket is open.
    a.write_all(b"plain").await.unwrap();
    b.write_all(b"late").await.unwrap();
    b.flush().await.unwrap();
    let mut seen = [0; 4];
    a.read_exact(&mut seen).await.unwrap();
    assert_eq!(&seen, b"late");
    let (popped, _) = tokio::join!(a.pop(ours), async {
        b.pop(theirs).await.unwrap();
        let mut seen = [0; 5];
        b.read_exact(&mut seen).await.unwrap();
        assert_eq!(&seen, b"plain");
    });
    popped.unwrap();
}

#[tokio::test]
async fn a_pop_that_needs_a_read_says_so() {
    let (a, b) = duplex(1 << 20);
    let limits = Limits {
        inbox: 100,
        ..Limits::default()
    };
    let (mut a, mut b) = (Connection::with_limits(a, limits), Connection::new(b));
    let (ours, theirs) = (a.push(toy()).await.unwrap(), b.push(toy()).await.unwrap());
    b.write_all(&[b'x'; 100_000]).await.unwrap();
    b.start_pop(theirs).await.unwrap();
    b.flush().await.unwrap();
    assert!(matches!(a.pop(ours).await, Err(PopError::NeedsRead)));
    let mut seen = vec![0; 100_000];
    a.read_exact(&mut seen).await.unwrap();
    a.pop(ours).await.unwrap();
}

#[tokio::test]
async fn an_end_without_a_mark_is_truncated_and_names_the_layer() {
    let (a, b) = duplex(4096);
    let mut a = Connection::new(a);
    a.push(toy()).await.unwrap();
    drop(b);
    let error = a.read(&mut [0]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(inner(&error).layer(), Some("toy"));
    // It stays so, and writing is an error too.
    assert!(a.read(&mut [0]).await.is_err() && a.write(b"x").await.is_err());
}

#[tokio::test]
async fn what_was_decoded_before_an_offending_record_is_read_before_the_error() {
    let (a, mut b) = duplex(4096);
    let mut a = Connection::new(a);
    a.push(Toy::new("toy", 0)).await.unwrap();
    b.write_all(b"D\x04goodX?").await.unwrap();
    let mut good = [0; 4];
    a.read_exact(&mut good).await.unwrap();
    assert_eq!(&good, b"good");
    let error = a.read(&mut good).await.unwrap_err();
    assert_eq!(inner(&error).blame(), Blame::Remote);
}

#[tokio::test]
async fn a_reset_reaches_both_tasks_that_wait() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (a, b) = tokio::join!(tokio::net::TcpStream::connect(address), listener.accept());
    let mut a = Connection::new(a.unwrap());
    a.push(toy()).await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(a);
    let reading = tokio::spawn(async move { reader.read(&mut [0]).await });
    let writing = tokio::spawn(async move {
        loop {
            if let Err(error) = writer.write(&[0; 65536]).await {
                return error;
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let b = b.unwrap().0;
    b.set_zero_linger().unwrap();
    drop(b);
    assert_eq!(inner(&writing.await.unwrap()).blame(), Blame::Transport);
    assert_eq!(
        inner(&reading.await.unwrap().unwrap_err()).blame(),
        Blame::Transport
    );
}

#[tokio::test]
async fn half_close_goes_each_way_by_itself() {
    let (a, b) = duplex(4096);
    let (mut a, mut b) = (Connection::new(a), Connection::new(b));
    a.push(toy()).await.unwrap();
    b.push(toy()).await.unwrap();
    a.write_all(b"request").await.unwrap();
    a.shutdown().await.unwrap();
    let error = a.write_all(b"more").await.unwrap_err();
    assert_eq!(inner(&error).kind(), ErrorKind::Closed);
    let mut seen = Vec::new();
    b.read_to_end(&mut seen).await.unwrap();
    b.write_all(b"answer").await.unwrap();
    b.shutdown().await.unwrap();
    b.shutdown().await.unwrap(); // Twice is once.
    let mut answer = Vec::new();
    a.read_to_end(&mut answer).await.unwrap();
    assert_eq!((&seen[..], &answer[..]), (&b"request"[..], &b"answer"[..]));
}
