//! Whoever waits has left a waker where the event will be, and is left alone until then.

use std::pin::{Pin, pin};
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use stack::{Connection, LayerId, Limits, PopError, serve};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::app::App;
use crate::real;
use crate::spy::hello;
use crate::toy::{TAG, Toy, mark, question, record, toy};
use crate::wakes::counter;
use crate::wire::Wire;

/// `poll` says whether it waits. It must do so again and again, wake nobody, and be woken by
/// `event`.
fn waits_quietly(
    shape: &str,
    wire: &Wire,
    mut poll: impl FnMut(&mut Task<'_>) -> bool,
    event: impl FnOnce(&Wire),
) {
    let (wakes, waker) = counter();
    let mut task = Task::from_waker(&waker);
    for _ in 0..20 {
        assert!(poll(&mut task), "{shape}: it does not wait");
    }
    assert_eq!(wakes.count(), 0, "{shape}: it wakes itself");
    assert_ne!(
        wire.awaited(),
        [false, false],
        "{shape}: no waker is stored"
    );
    event(wire);
    assert!(wakes.count() > 0, "{shape}: it sleeps for ever");
}

/// Polls once, with a waker that wakes nobody.
pub(crate) fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Task::from_waker(Waker::noop()))
}

fn read_waits(connection: &mut Connection<Wire>, task: &mut Task<'_>) -> bool {
    let mut byte = [0];
    let read = Pin::new(connection).poll_read(task, &mut ReadBuf::new(&mut byte));
    read.is_pending()
}

/// Over a fresh wire, with these layers.
async fn over(wire: Wire, layers: usize) -> (Wire, Connection<Wire>) {
    let mut connection = Connection::new(wire.clone());
    for _ in 0..layers {
        connection.push(toy()).await.unwrap();
    }
    (wire, connection)
}

#[tokio::test]
async fn an_idle_reader_is_left_alone() {
    for layers in [0, 1, 3] {
        let (wire, mut a) = over(Wire::default(), layers).await;
        let byte = (0..layers).fold(b"x".to_vec(), |bytes, _| record(TAG, &bytes));
        let shape = format!("idle with {layers} layers");
        waits_quietly(
            &shape,
            &wire,
            |task| read_waits(&mut a, task),
            |wire| wire.bring(&byte),
        );
        a.read_u8().await.unwrap();
    }
    // Amid a record, and with words of its own that nobody has taken.
    let (wire, mut a) = over(Wire::default(), 1).await;
    wire.bring(&record(TAG, b"text")[..3]);
    waits_quietly(
        "half a record",
        &wire,
        |task| read_waits(&mut a, task),
        |wire| wire.bring(&record(TAG, b"text")[3..]),
    );
    let (wire, mut a) = over(Wire::narrow(0), 1).await;
    wire.bring(&question(TAG));
    waits_quietly(
        "an answer without room",
        &wire,
        |task| read_waits(&mut a, task),
        |wire| wire.make_room(1),
    );
    // To the end.
    let (wire, mut a) = over(Wire::default(), 1).await;
    waits_quietly("idle", &wire, |task| read_waits(&mut a, task), Wire::end);
}

#[tokio::test]
async fn whoever_waits_for_a_handshake_is_left_alone() {
    for way in 0..3 {
        let (wire, mut a) = over(Wire::default(), 0).await;
        assert!(poll_once(a.push(toy().server())).is_pending());
        a.write_all(b"kept").await.unwrap();
        waits_quietly(
            "a handshake",
            &wire,
            |task| match way {
                0 => pin!(a.ready()).poll(task).is_pending(),
                1 => Pin::new(&mut a).poll_flush(task).is_pending(),
                _ => Pin::new(&mut a).poll_shutdown(task).is_pending(),
            },
            |wire| wire.bring(&hello()),
        );
        a.ready().await.unwrap();
    }
    // Real TLS, on either side.
    let (client, server) = real::configs();
    for layer in [real::client(&client), real::server(&server)] {
        let (wire, mut a) = over(Wire::default(), 0).await;
        assert!(poll_once(a.push(layer)).is_pending());
        waits_quietly(
            "a handshake of TLS",
            &wire,
            |task| pin!(a.ready()).poll(task).is_pending(),
            |wire| wire.bring(b"?"),
        );
    }
}

#[tokio::test]
async fn whoever_waits_for_room_is_left_alone() {
    for (layers, way) in [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)] {
        let (wire, mut a) = over(Wire::narrow(5), layers).await;
        let text = [b'x'; 64 * 1024];
        while poll_once(a.write(&text)).is_ready() {}
        let shape = format!("no room, {layers} layers, way {way}");
        waits_quietly(
            &shape,
            &wire,
            |task| match way {
                0 => Pin::new(&mut a).poll_write(task, &text).is_pending(),
                1 => Pin::new(&mut a).poll_flush(task).is_pending(),
                _ => Pin::new(&mut a).poll_shutdown(task).is_pending(),
            },
            |wire| wire.make_room(1),
        );
    }
    // What may be read does not change that.
    let (wire, mut a) = over(Wire::narrow(0), 1).await;
    wire.bring(&record(TAG, &[b'x'; 255]).repeat(1000));
    a.write_all(b"x").await.unwrap();
    // A turn's work at a time the inbox fills, with a wake-up for each next turn; then it rests.
    for _ in 0..100 {
        assert!(poll_once(a.flush()).is_pending());
    }
    waits_quietly(
        "a full inbox, and no room",
        &wire,
        |task| Pin::new(&mut a).poll_flush(task).is_pending(),
        |wire| wire.make_room(1),
    );
}

#[tokio::test]
async fn whoever_waits_for_an_end_mark_is_left_alone() {
    let (wire, mut a) = over(Wire::default(), 1).await;
    let id: LayerId<Toy> = a.layers().next().unwrap().id().unwrap();
    a.start_pop(id).await.unwrap();
    waits_quietly(
        "a pop",
        &wire,
        |task| pin!(a.pop(id)).poll(task).is_pending(),
        |wire| wire.bring(&mark()),
    );
    assert!(poll_once(a.pop(id)).is_ready());
    // Late, and awaited again: the deadline is told once a time that it is asked for.
    let limits = Limits {
        pop: Duration::ZERO,
        ..Limits::default()
    };
    let wire = Wire::default();
    let mut a = Connection::with_limits(wire.clone(), limits);
    let id = a.push(toy()).await.unwrap();
    assert!(matches!(a.pop(id).await, Err(PopError::Late)));
    waits_quietly(
        "a late pop, and a read",
        &wire,
        |task| read_waits(&mut a, task),
        |wire| wire.bring(&record(TAG, b"x")),
    );
}

#[tokio::test]
async fn a_parked_layer_leaves_others_alone() {
    // A read has its answer at once: the end. Others wait as ever.
    let (wire, mut a) = over(Wire::narrow(0), 1).await;
    wire.bring(&[mark(), b"held".to_vec()].concat());
    for _ in 0..5 {
        assert_eq!(a.read(&mut [0]).await.unwrap(), 0);
    }
    assert!(a.parked().is_some());
    a.write_all(b"x").await.unwrap();
    waits_quietly(
        "parked, and no room",
        &wire,
        |task| Pin::new(&mut a).poll_flush(task).is_pending(),
        |wire| wire.make_room(1),
    );
    // Parked below a record that is not whole; its end is all that can come.
    let (wire, mut a) = over(Wire::default(), 1).await;
    let low = a.layers().next().unwrap().key();
    a.push(Toy::new("high", 1)).await.unwrap();
    wire.bring(&[record(TAG, &record(1, b"text")[..3]), mark()].concat());
    assert_eq!(a.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(a.parked(), Some(low));
}

#[tokio::test]
async fn a_frozen_connection_is_left_alone() {
    let (wire, mut a) = over(Wire::narrow(0), 0).await;
    wire.bring(&hello());
    let mut frozen = a.freeze();
    frozen.write_all(b"go\n").await.unwrap();
    waits_quietly(
        "frozen",
        &wire,
        |task| Pin::new(&mut frozen).poll_flush(task).is_pending(),
        |wire| wire.make_room(100),
    );
    assert_eq!(wire.read(), 0);
    drop(poll_once(frozen.push(toy().server())));
    assert!(a.stack().is_up());
}

#[tokio::test]
async fn an_application_of_callbacks_is_left_alone() {
    // Idle; through a layer; and with its answer waiting for room.
    for (room, way) in [(100, 0), (100, 1), (0, 2)] {
        let wire = Wire::narrow(room);
        let (app, log) = App::new();
        let app = app.on_attached(move |cx| match way {
            0 => {}
            1 => drop::<LayerId<_>>(cx.push(toy())),
            _ => cx.send(b"answer"),
        });
        let mut serving = pin!(serve(wire.clone(), app));
        waits_quietly(
            "serve",
            &wire,
            |task| serving.as_mut().poll(task).is_pending(),
            |wire| match way {
                2 => wire.make_room(100),
                _ => wire.bring(&record(TAG, b"x")),
            },
        );
        assert!(poll_once(serving.as_mut()).is_pending());
        let told = log.lock().unwrap();
        assert!(way == 2 || told.iter().any(|told| told.starts_with("received")));
    }
}

/// With a reader and a writer that both wait, neither wakes the other without need.
#[tokio::test]
async fn two_that_wait_do_not_wake_each_other() {
    let (wire, mut a) = over(Wire::narrow(0), 1).await;
    while poll_once(a.write(&[b'x'; 5000])).is_ready() {}
    let ((reads, reader), (writes, writer)) = (counter(), counter());
    for _ in 0..20 {
        assert!(read_waits(&mut a, &mut Task::from_waker(&reader)));
        let mut task = Task::from_waker(&writer);
        assert!(Pin::new(&mut a).poll_write(&mut task, b"x").is_pending());
    }
    assert_eq!((reads.count(), writes.count()), (0, 0));
    wire.bring(&record(TAG, b"x"));
    assert!(reads.count() > 0);
    assert!(!read_waits(&mut a, &mut Task::from_waker(&reader)));
    wire.make_room(1 << 20);
    let mut task = Task::from_waker(&writer);
    assert!(writes.count() > 0 || Pin::new(&mut a).poll_write(&mut task, b"x").is_ready());
}
