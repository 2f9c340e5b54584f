//! Rows of attacks that need a driver: what is torn down, raced for, or stands still. The
//! numbers are those of COVERAGE.md.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use stack::{Connection, Error, ErrorKind, Layer, LayerId, Limits, PopError, PushError, Residue};
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt,
    DuplexStream, ReadBuf, duplex,
};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::driver::inner;
use crate::real;
use crate::toy::{TAG, Toy, Witness, mark, record, toy};
use crate::wakes::counter;
use crate::wire::Wire;

/// Polls a read into `seen` until it must wait, or has come to an end.
fn read_on(
    connection: &mut Connection<Wire>,
    task: &mut Task<'_>,
    seen: &mut Vec<u8>,
) -> Poll<Result<(), Error>> {
    loop {
        let mut bytes = [0; 16];
        let mut buf = ReadBuf::new(&mut bytes);
        match Pin::new(&mut *connection).poll_read(task, &mut buf) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(inner(&error).clone())),
            Poll::Ready(Ok(())) if buf.filled().is_empty() => return Poll::Ready(Ok(())),
            Poll::Ready(Ok(())) => seen.extend_from_slice(buf.filled()),
        }
    }
}

#[tokio::test]
async fn d3_a_reset_at_each_step_is_one_error_and_wakes_whoever_waits() {
    let hello = {
        let mut pair = crate::pair::Pair::new(crate::pair::Cut::Lump);
        pair.b.push(toy().server()).unwrap();
        pair.b.receive(&mut crate::spy::hello());
        pair.b.outgoing().to_vec()
    };
    let theirs = [hello, record(TAG, b"text"), mark()].concat();
    for (n, room) in (0..=theirs.len()).flat_map(|n| [0, 3, 1000].map(|room| (n, room))) {
        let wire = Wire::narrow(room);
        let mut a = Connection::new(wire.clone());
        let (witness, log) = Witness::new();
        a.push(witness).await.unwrap();
        let mut noop = Task::from_waker(Waker::noop());
        let begun = pin!(a.push(toy().client())).poll(&mut noop);
        assert!(begun.is_pending());
        let id: LayerId<Toy> = a.layers().next_back().unwrap().id().unwrap();
        let mut seen = Vec::new();
        for byte in &theirs[..n] {
            wire.bring(&[*byte]);
            let _ = read_on(&mut a, &mut noop, &mut seen);
            if a.stack().is_up() {
                let _ = pin!(a.start_pop(id)).poll(&mut noop);
            }
        }
        let (popped, up) = (a.layers().count() == 1, a.stack().is_up());
        // A reader waits, and so does whoever changes the stack, or flushes.
        let ((reads, reader), (changes, changer)) = (counter(), counter());
        let (mut reader, mut changer) = (Task::from_waker(&reader), Task::from_waker(&changer));
        let waits = match (up, popped) {
            (false, _) => pin!(a.ready()).poll(&mut changer).is_pending(),
            (true, false) => pin!(a.pop(id)).poll(&mut changer).is_pending(),
            (true, true) => Pin::new(&mut a).poll_flush(&mut changer).is_pending(),
        };
        assert!(read_on(&mut a, &mut reader, &mut seen).is_pending());
        wire.reset();
        let step = format!("{n} bytes, room {room}, up {up}, popped {popped}");
        assert!(reads.count() > 0, "the reader sleeps: {step}");
        assert!(changes.count() > 0 || !waits, "the changer sleeps: {step}");
        // One error, whoever asks.
        let Poll::Ready(Err(error)) = read_on(&mut a, &mut reader, &mut seen) else {
            panic!("no error: {step}")
        };
        assert_eq!(
            error.kind(),
            ErrorKind::Io(std::io::ErrorKind::ConnectionReset)
        );
        let same = |other: &Error| other.to_string() == error.to_string();
        assert!(same(&a.ready().await.unwrap_err()), "{step}");
        assert!(same(inner(&a.write_all(b"x").await.unwrap_err())));
        assert!(same(inner(&a.flush().await.unwrap_err())));
        match a.push(toy()).await {
            Err(PushError::Refused { error, .. }) => assert!(same(&error)),
            other => panic!("{other:?}"),
        }
        match a.pop(id).await {
            Ok(_) => assert!(popped),
            Err(PopError::Failed(error) | PopError::Refused(error)) => assert!(same(&error)),
            Err(other) => panic!("{other}"),
        }
        assert!(b"text".starts_with(&seen[..]));
        drop(a);
        let log = log.lock().unwrap();
        let lost = log.iter().filter(|told| told.starts_with("lost"));
        assert_eq!(lost.count(), 1, "{log:?}");
    }
}

/// Takes what is there of one read, and says which layers it crossed.
async fn read_once<Io>(connection: &mut Connection<Io>) -> (Vec<String>, String)
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let bytes = connection.fill_buf().await.unwrap();
    let text = String::from_utf8_lossy(bytes).into_owned();
    let crossed = connection
        .read_epoch()
        .layers()
        .map(str::to_owned)
        .collect();
    Pin::new(connection).consume(text.len());
    (crossed, text)
}

#[tokio::test]
async fn s10_half_a_line_is_joined_to_nothing_of_the_next_epoch() {
    // Read already, it is known to be of the old one.
    let wire = Wire::default();
    let mut a = Connection::new(wire.clone());
    wire.bring(b"half a li");
    assert_eq!(read_once(&mut a).await, (vec![], "half a li".to_owned()));
    a.push(toy()).await.unwrap();
    wire.bring(&record(TAG, b"ne\n"));
    assert_eq!(
        read_once(&mut a).await,
        (vec!["toy".to_owned()], "ne\n".to_owned())
    );
    // Unread, it is residue: rejected, or fed to the layer, for which it is no record.
    for feed in [false, true] {
        let wire = Wire::default();
        let mut a = Connection::new(wire.clone());
        wire.bring(b"half a li");
        assert_eq!(a.fill_buf().await.unwrap().len(), 9);
        let layer = toy().server();
        let pushed = a.push(if feed { layer.feed() } else { layer }).await;
        assert!(pushed.is_err());
        wire.bring(b"ne\n");
        let mut line = String::new();
        assert!(a.read_line(&mut line).await.is_err() && line.is_empty());
    }
    // Where a layer leaves, no read brings both, however it comes.
    let leaving = [record(TAG, b"half a li"), mark(), b"ne\n".to_vec()].concat();
    for at in 0..=leaving.len() {
        let wire = Wire::default();
        let mut a = Connection::new(wire.clone());
        let id = a.push(toy()).await.unwrap();
        a.start_pop(id).await.unwrap();
        wire.bring(&leaving[..at]);
        let _ = poll_fn(|task| Poll::Ready(Pin::new(&mut a).poll_fill_buf(task).is_ready())).await;
        wire.bring(&leaving[at..]);
        let half = (vec!["toy".to_owned()], "half a li".to_owned());
        assert_eq!(read_once(&mut a).await, half);
        let mut text = String::new();
        while text.len() < 3 {
            let (crossed, more) = read_once(&mut a).await;
            assert!(crossed.is_empty());
            text.push_str(&more);
        }
        assert_eq!(text, "ne\n");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s11_writes_that_race_a_push_cross_it_whole_or_not_at_all() {
    const WRITES: usize = 200;
    let mut raced = 0;
    for round in 0..30 {
        let (a, b) = duplex(64);
        let a = Arc::new(Mutex::new(Connection::new(a)));
        let writer = {
            let a = Arc::clone(&a);
            tokio::spawn(async move {
                for n in 0..WRITES {
                    let line = format!("{n}\n");
                    a.lock().await.write_all(line.as_bytes()).await.unwrap();
                    tokio::task::yield_now().await;
                }
                a.lock().await.flush().await.unwrap();
            })
        };
        let pusher = tokio::spawn(async move {
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
            // Begun under the lock, and then let go of: writes come during the handshake, too.
            {
                let mut a = a.lock().await;
                let push = pin!(a.push_after(b"go\n", toy().client()));
                // The peer may be quick enough for it to be up by then.
                let begun = push.poll(&mut Task::from_waker(Waker::noop()));
                assert!(!matches!(begun, Poll::Ready(Err(_))), "{begun:?}");
            }
            tokio::task::yield_now().await;
            a.lock().await.ready().await.unwrap();
            a
        });
        let reader = async {
            let mut b = Connection::new(b);
            let (mut next, mut line) = (0, String::new());
            while next < WRITES || b.layers().count() == 0 {
                line.clear();
                assert!(
                    b.read_line(&mut line).await.unwrap() > 0,
                    "too early an end"
                );
                let through = b.layers().count() == 1;
                assert_eq!(b.layers().count(), b.write_epoch().layers().count());
                if line == "go\n" {
                    assert!(!through, "twice");
                    raced += usize::from(next > 0 && next < WRITES);
                    b.push(toy().server().feed()).await.unwrap();
                    continue;
                }
                // In order, each once; what is in clear behind the push would be no record.
                assert_eq!(line, format!("{next}\n"), "through: {through}");
                next += 1;
            }
            b
        };
        let all = async { tokio::join!(writer, pusher, reader) };
        let (written, pushed, _b) = timeout(Duration::from_secs(20), all)
            .await
            .expect("it hangs");
        written.unwrap();
        drop(pushed.unwrap());
    }
    assert!(raced > 0, "the push was always the first or the last");
}

#[tokio::test]
async fn t6_a_record_of_the_old_session_is_plain_bytes_after_the_pop() {
    let wire = Wire::default();
    let mut a = Connection::new(wire.clone());
    let id = a.push(toy()).await.unwrap();
    wire.bring(&mark());
    a.pop(id).await.unwrap();
    let old = record(TAG, b"replayed");
    wire.bring(&old);
    let mut seen = vec![0; old.len()];
    a.read_exact(&mut seen).await.unwrap();
    assert_eq!(seen, old);
    assert_eq!(a.read_epoch().layers().count(), 0);
}

/// Both pop at once, with more in flight than may wait.
async fn both_pop<L: Layer>(client: L, server: L) {
    let limits = Limits {
        inbox: 1000,
        ..Limits::default()
    };
    let peer = |io: DuplexStream, layer: L, ours: u8, theirs: u8| {
        let limits = limits.clone();
        async move {
            let mut connection = Connection::with_limits(io, limits);
            let id = connection.push(layer).await.unwrap();
            connection.write_all(&vec![ours; 100_000]).await.unwrap();
            let mut seen = Vec::new();
            // Whoever waits for the other's mark has to read what is before it.
            while let Err(error) = connection.pop(id).await {
                assert!(matches!(error, PopError::NeedsRead), "{error}");
                let mut some = vec![0; 500];
                let n = connection.read(&mut some).await.unwrap();
                assert!(n > 0);
                seen.extend_from_slice(&some[..n]);
            }
            connection.write_all(b"plain").await.unwrap();
            connection.shutdown().await.unwrap();
            connection.read_to_end(&mut seen).await.unwrap();
            assert!(seen == [&vec![theirs; 100_000][..], b"plain"].concat());
        }
    };
    let (a, b) = duplex(1 << 20);
    let both = async { tokio::join!(peer(a, client, 1, 2), peer(b, server, 2, 1)) };
    timeout(Duration::from_secs(20), both)
        .await
        .expect("it hangs");
}

#[tokio::test]
async fn t8_both_pop_at_once_and_nothing_in_flight_is_lost() {
    both_pop(toy(), toy()).await;
    let (client, server) = real::configs();
    let server = real::server(&server).with_residue(Residue::Feed);
    both_pop(real::client(&client), server).await;
}

#[tokio::test]
async fn t21_two_that_write_and_do_not_read_go_on_as_soon_as_one_reads() {
    let (a, b) = duplex(1000);
    let (mut a, mut b) = (Connection::new(a), Connection::new(b));
    a.push(toy()).await.unwrap();
    b.push(toy()).await.unwrap();
    let ((woken, writer), (also, other)) = (counter(), counter());
    let (mut writer, mut other) = (Task::from_waker(&writer), Task::from_waker(&other));
    // Each writes until it must wait, and again, until both do at once.
    let mut written = [0, 0];
    loop {
        let before = written;
        for (connection, task, n) in [(&mut a, &mut writer, 0), (&mut b, &mut other, 1)] {
            while let Poll::Ready(some) = Pin::new(&mut *connection).poll_write(task, &[7; 5000]) {
                written[n] += some.unwrap();
            }
        }
        if written == before {
            break;
        }
    }
    assert!(
        written.iter().all(|n| *n < 2 << 20),
        "they are never stopped"
    );
    // Only one of them reads; the other learns of it, and goes on.
    let mut rounds = 0;
    while Pin::new(&mut a).poll_write(&mut writer, &[7]).is_pending() {
        let before = woken.count();
        b.read_exact(&mut [0; 100]).await.unwrap();
        rounds += 1;
        let moved = Pin::new(&mut a).poll_flush(&mut writer).is_ready() || woken.count() > before;
        assert!(moved || rounds < 2000, "the writer sleeps");
    }
    // And then the other way round.
    let mut theirs = vec![0; written[1]];
    let both = async { tokio::join!(a.read_exact(&mut theirs), b.flush()) };
    let (read, flushed) = timeout(Duration::from_secs(20), both)
        .await
        .expect("it hangs");
    read.unwrap();
    flushed.unwrap();
    assert!(also.count() > 0);
}
