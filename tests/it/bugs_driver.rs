//! Bugs that took others years: over a socket, with tasks that wait.
//!
//! Each test has the number of its row in COVERAGE.md, and names where the bug was found.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as Task, Poll};
use std::time::Duration;

use stack::{Blame, Connection, ErrorKind, Limits, serve};
use tokio::io::duplex;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

use crate::app::App;
use crate::spy::hello;
use crate::toy::{TAG, Witness, mark, question, record, toy};
use crate::wakes::counter;
use crate::wire::Wire;

const SECOND: Duration = Duration::from_secs(1);

fn pattern(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * 7 + i / 251) as u8).collect()
}

/// Polls a read into a byte.
fn poll_byte(connection: &mut Connection<Wire>, task: &mut Task<'_>) -> Poll<usize> {
    let mut byte = [0];
    let mut buf = ReadBuf::new(&mut byte);
    let read = Pin::new(connection).poll_read(task, &mut buf);
    read.map(|read| read.map(|()| buf.filled().len()).unwrap())
}

/// twisted#10445 and PaperMC#13929 over a socket: much was written and little of it sent when the
/// layer came.
#[tokio::test]
async fn bug_05_a_push_waits_for_no_write_and_overtakes_none() {
    for pipe in [1, 100, 100_000] {
        let (a, mut b) = duplex(pipe);
        let mut a = Connection::new(a);
        let text = pattern(50_000);
        let writing = async {
            for _ in 0..2 {
                a.write_all(&text).await.unwrap();
                let id = a.push(toy()).await.unwrap();
                a.write_all(b"tagged").await.unwrap();
                a.start_pop(id).await.unwrap();
                a.rip(id).unwrap();
            }
            a.shutdown().await.unwrap();
        };
        let mut seen = Vec::new();
        let (_, read) = tokio::join!(writing, b.read_to_end(&mut seen));
        read.unwrap();
        let once = [&text[..], &record(TAG, b"tagged"), &mark()].concat();
        assert!(seen == once.repeat(2), "pipe {pipe}");
    }
}

/// cpython#102792: with a low mark of zero, a writer that had to wait waited for ever.
#[tokio::test]
async fn bug_06_a_writer_goes_on_with_a_low_mark_of_zero() {
    for outbox_high in [0, 1, 100] {
        let limits = Limits {
            outbox_high,
            outbox_low: 0,
            ..Limits::default()
        };
        let (a, mut b) = duplex(10);
        let mut a = Connection::with_limits(a, limits);
        a.push(toy()).await.unwrap();
        let text = pattern(20_000);
        let writing = async {
            for piece in text.chunks(500) {
                a.write_all(piece).await.unwrap();
            }
            a.shutdown().await.unwrap();
        };
        let mut seen = Vec::new();
        let both = async { tokio::join!(writing, b.read_to_end(&mut seen)) };
        timeout(10 * SECOND, both)
            .await
            .expect("it hangs")
            .1
            .unwrap();
        // Forty pieces, each in two records with a head of two bytes, and an end mark.
        assert_eq!(seen.len(), 20_000 + 40 * 2 * 2 + 2);
    }
}

/// twisted#8901: who had paused reading was not told that the connection was gone.
#[tokio::test]
async fn bug_07_a_paused_application_learns_of_a_reset() {
    let wire = Wire::narrow(10);
    let (app, log) = App::new();
    let app = app.on_attached(|cx| {
        cx.pause(true);
        cx.send(&[b'x'; 100]);
    });
    let mut serving = pin!(serve(wire.clone(), app));
    let (wakes, waker) = counter();
    let mut task = Task::from_waker(&waker);
    assert!(serving.as_mut().poll(&mut task).is_pending());
    wire.reset();
    assert!(wakes.count() > 0);
    let Poll::Ready((_, end)) = serving.as_mut().poll(&mut task) else {
        panic!("it waits for ever")
    };
    assert_eq!(end.error().map(stack::Error::blame), Some(Blame::Transport));
    assert!(log.lock().unwrap()[1].starts_with("lost: the transport failed"));
}

/// bpo-29406, twisted#7926: the peer never said goodbye, and the close never ended. uvloop#471: it
/// ended, and until then downloaded all that the peer had.
#[tokio::test]
async fn bug_09_a_shutdown_waits_for_no_answer_and_downloads_nothing_much() {
    let wire = Wire::default();
    let mut a = Connection::new(wire.clone());
    a.push(toy()).await.unwrap();
    wire.bring(&record(TAG, &[b'x'; 255]).repeat(4000));
    timeout(SECOND, a.shutdown())
        .await
        .expect("it waits")
        .unwrap();
    assert_eq!((wire.taken(), wire.is_shut()), (mark(), true));
    let limits = Limits::default();
    let most = 2 * (limits.inbox + limits.boundary);
    assert!(wire.read() <= most, "{} of {most}", wire.read());
    // And a drop ends all at once.
    drop(a);
    assert!(wire.read() <= most);
}

/// The same for a pop: it is late, says so, and the connection can be dropped or go on.
#[tokio::test(start_paused = true)]
async fn bug_09_a_pop_whose_mark_is_never_answered_says_so() {
    let wire = Wire::default();
    let mut a = Connection::new(wire.clone());
    let id = a.push(toy()).await.unwrap();
    let began = tokio::time::Instant::now();
    assert!(matches!(a.pop(id).await, Err(stack::PopError::Late)));
    assert_eq!(began.elapsed(), Limits::default().pop);
    assert_eq!((wire.taken(), wire.is_shut()), (mark(), false));
    a.write_all(b"plain").await.unwrap();
    a.flush().await.unwrap();
    assert_eq!(wire.taken(), b"plain");
}

/// twisted#5118: once the peer had closed, one chunk of what was written was sent, and no more.
#[tokio::test]
async fn bug_10_all_that_was_written_is_sent_though_the_peer_has_closed() {
    let (a, b) = duplex(64);
    let (mut a, mut b) = (Connection::new(a), Connection::new(b));
    a.push(toy()).await.unwrap();
    b.push(toy()).await.unwrap();
    let text = pattern(300_000);
    let writing = async {
        assert_eq!(a.read(&mut [0]).await.unwrap(), 0);
        a.write_all(&text).await.unwrap();
        a.shutdown().await.unwrap();
    };
    let mut seen = Vec::new();
    let reading = async {
        b.shutdown().await.unwrap();
        b.read_to_end(&mut seen).await.unwrap();
    };
    let both = async { tokio::join!(writing, reading) };
    timeout(10 * SECOND, both).await.expect("it hangs");
    assert!(seen == text);
}

/// vert.x#6187, #6190: while a configuration was looked up, the hello came, and was missed.
#[tokio::test]
async fn bug_16_a_hello_that_comes_during_a_lookup_is_not_missed() {
    for freeze in [true, false] {
        let wire = Wire::default();
        let mut a = Connection::new(wire.clone());
        wire.bring(b"STARTTLS\n");
        let mut line = String::new();
        a.read_line(&mut line).await.unwrap();
        let lookup = async {
            tokio::task::yield_now().await;
            wire.bring(&hello());
            tokio::task::yield_now().await;
        };
        let pushed = if freeze {
            // Nobody reads meanwhile, so the hello is not even residue.
            let frozen = a.freeze();
            lookup.await;
            timeout(SECOND, frozen.push(toy().server())).await
        } else {
            // Somebody reads ahead, and so the hello is here before the layer.
            let (_, ahead) = tokio::join!(lookup, a.fill_buf());
            assert_eq!(ahead.unwrap(), hello());
            timeout(SECOND, a.push(toy().server().feed())).await
        };
        pushed.expect("the hello is missed").unwrap();
    }
}

/// vert.x#6332: the way around TLS, right when the connection was made, was taken after TLS had come.
#[tokio::test]
async fn bug_17_no_way_that_was_short_before_a_push_is_taken_after_it() {
    for (pipe, watched) in [(1 << 20, false), (1 << 20, true), (1000, false)] {
        let (a, mut b) = duplex(pipe);
        let mut a = Connection::new(a);
        if watched {
            a.push(Witness::new().0).await.unwrap();
        }
        // Long enough to go to the socket from where it lies.
        let text = pattern(64 * 1024);
        let writing = async {
            for _ in 0..2 {
                a.write_all(&text).await.unwrap();
                let id = a.push(toy()).await.unwrap();
                a.write_all(&text).await.unwrap();
                let slices = [&text[..], b"more"].map(std::io::IoSlice::new);
                let n = a.write_vectored(&slices).await.unwrap();
                assert!(n >= text.len());
                a.write_all(&b"more"[n - text.len()..]).await.unwrap();
                a.start_pop(id).await.unwrap();
                a.rip(id).unwrap();
            }
            a.shutdown().await.unwrap();
        };
        let mut seen = Vec::new();
        let (_, read) = tokio::join!(writing, b.read_to_end(&mut seen));
        read.unwrap();
        for _ in 0..2 {
            assert!(seen.starts_with(&text), "plain before the push");
            seen.drain(..text.len());
            let mut decoded = stack::Stack::new(Limits {
                inbox: 1 << 20,
                boundary: 1 << 20,
                work: 10_000,
                ..Limits::default()
            });
            let id = decoded.push(toy()).unwrap();
            decoded.receive(&mut seen);
            assert!(decoded.readable() == [&text[..], &text, b"more"].concat());
            decoded.consume(usize::MAX);
            decoded.start_pop(id).unwrap();
            seen = decoded.readable().to_vec();
        }
        assert!(seen.is_empty());
    }
}

/// rustls#288: a read that had to write first waited for input only; the other way round, too.
#[tokio::test]
async fn bug_18_a_read_that_must_write_is_woken_by_room_and_a_write_by_input() {
    let wire = Wire::narrow(0);
    let mut a = Connection::new(wire.clone());
    a.push(toy()).await.unwrap();
    let (wakes, waker) = counter();
    let mut task = Task::from_waker(&waker);
    // The layer has an answer of its own to send, and only a reader drives.
    wire.bring(&question(TAG));
    assert!(poll_byte(&mut a, &mut task).is_pending());
    assert_eq!((wakes.count(), wire.awaited()), (0, [true, true]));
    wire.make_room(100);
    assert!(wakes.count() > 0, "nobody is woken by room");
    assert!(poll_byte(&mut a, &mut task).is_pending());
    assert_eq!(wire.taken().len(), 6);

    // A flush must read: what was written is kept until the handshake is over.
    let wire = Wire::default();
    let mut a = Connection::new(wire.clone());
    {
        let push = pin!(a.push(toy().server()));
        assert!(
            push.poll(&mut Task::from_waker(std::task::Waker::noop()))
                .is_pending()
        );
    }
    a.write_all(b"kept").await.unwrap();
    let (wakes, waker) = counter();
    let mut task = Task::from_waker(&waker);
    assert!(Pin::new(&mut a).poll_flush(&mut task).is_pending());
    wire.bring(&hello());
    assert!(wakes.count() > 0, "nobody is woken by input");
    assert!(Pin::new(&mut a).poll_flush(&mut task).is_ready());
    assert!(wire.taken().ends_with(&record(TAG, b"kept")));
}

/// The same with two tasks: neither takes the other's place at the socket.
#[tokio::test]
async fn bug_18_two_tasks_are_both_woken_whichever_polled_last() {
    for reader_last in [false, true] {
        let wire = Wire::narrow(0);
        let mut a = Connection::new(wire.clone());
        let text = [b'x'; 64 * 1024];
        let ((reads, reader), (writes, writer)) = (counter(), counter());
        let write = |a: &mut Connection<Wire>| {
            let mut task = Task::from_waker(&writer);
            while Pin::new(&mut *a).poll_write(&mut task, &text).is_ready() {}
        };
        let read = |a: &mut Connection<Wire>| {
            assert!(poll_byte(a, &mut Task::from_waker(&reader)).is_pending());
        };
        if reader_last {
            write(&mut a);
            read(&mut a);
        } else {
            read(&mut a);
            write(&mut a);
            read(&mut a); // A write wakes a reader that must flush; it waits again.
            write(&mut a);
        }
        let before = reads.count();
        wire.bring(b"x");
        assert!(reads.count() > before, "the reader sleeps");
        assert!(poll_byte(&mut a, &mut Task::from_waker(&reader)).is_ready());
        write(&mut a);
        let before = writes.count();
        wire.make_room(1 << 20);
        assert!(writes.count() > before, "the writer sleeps");
    }
}

/// ocaml-tls#459: cancelling a read cancelled a write that was under way.
#[tokio::test]
async fn bug_19_a_dropped_read_leaves_a_write_alone() {
    let text = pattern(200);
    let whole = [record(TAG, &text), mark()].concat();
    for sent in 0..whole.len() {
        let wire = Wire::narrow(sent);
        let mut a = Connection::new(wire.clone());
        a.push(toy()).await.unwrap();
        wire.bring(&record(TAG, b"in")[..3]);
        a.write_all(&text).await.unwrap();
        // The read writes first, as far as there is room; then it is dropped.
        assert!(timeout(Duration::ZERO, a.read_u8()).await.is_err());
        let flush = timeout(Duration::ZERO, a.flush()).await;
        assert!(flush.is_err() || sent >= whole.len() - 2);
        wire.make_room(1000);
        wire.bring(&record(TAG, b"in")[3..]);
        assert!(timeout(SECOND, a.read_u16()).await.is_ok());
        a.shutdown().await.unwrap();
        assert!(wire.taken() == whole, "after {sent} bytes");
    }
}

/// uvloop#220, cpython#109534: connections were kept alive by cycles, and each kept large buffers
/// while it had nothing to do.
#[test]
fn bug_19_an_idle_connection_is_small_and_a_dropped_one_is_gone() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let busy_then_idle = || {
        runtime.block_on(async {
            let wire = Wire::default();
            let mut a = Connection::new(wire.clone());
            let (witness, log) = Witness::new();
            a.push(witness).await.unwrap();
            a.push(toy()).await.unwrap();
            a.write_all(&[b'x'; 300_000]).await.unwrap();
            a.flush().await.unwrap();
            wire.taken();
            wire.bring(&record(TAG, &[b'x'; 250]).repeat(1200));
            a.read_exact(&mut vec![0; 300_000]).await.unwrap();
            assert!(timeout(Duration::ZERO, a.read_u8()).await.is_err());
            log.lock().unwrap().clear();
            log.lock().unwrap().shrink_to_fit();
            (a, log)
        })
    };
    drop(busy_then_idle()); // The thread's pool has its buffers now.
    let mut idle = Vec::with_capacity(20);
    let used = allocation_counter::measure(|| idle.extend((0..20).map(|_| busy_then_idle())));
    let each = used.bytes_current / 20;
    assert!(each < 8 * 1024, "{each} bytes");
    // Each was waiting when it was dropped, and the socket has its waker still.
    for (connection, log) in idle {
        let wire = connection.io().clone();
        assert_eq!(wire.awaited(), [true, false]);
        drop(connection);
        assert_eq!(*log.lock().unwrap(), ["lost: clean"]);
        assert_eq!(Arc::strong_count(&log), 1, "a layer lives on");
    }
}

/// rally#1714, cpython#113214: closing twice, or aborting what was closed, was an error.
#[tokio::test]
async fn bug_20_closing_twice_or_what_has_failed_is_no_trouble() {
    let wire = Wire::default();
    let mut a = Connection::new(wire.clone());
    let id = a.push(toy()).await.unwrap();
    a.shutdown().await.unwrap();
    a.shutdown().await.unwrap();
    a.flush().await.unwrap();
    assert_eq!(wire.taken(), mark());
    let error = a.write_all(b"x").await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    // The peer tears down what we have closed; then we do, in every way.
    wire.reset();
    assert!(a.read_u8().await.is_err() && a.read_u8().await.is_err());
    let _ = a.shutdown().await;
    let _ = a.flush().await;
    assert!(a.pop(id).await.is_err());
    a.rip(id).unwrap();
    assert_eq!(a.rip(id).map(drop).unwrap_err().kind(), ErrorKind::Refused);
    let parts = a.into_parts();
    assert!(parts.layers.is_empty() && parts.unread.is_empty() && parts.unsent.is_empty());
}
