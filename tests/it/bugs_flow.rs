//! Bugs that took others years: demand, pressure, and who runs when.
//!
//! Each test has the number of its row in COVERAGE.md, and names where the bug was found.

use std::sync::Arc;
use std::time::Duration;

use stack::{Blame, Chunk, Context, Error, Layer, Limits, Protocol, Stack, Transport};

use crate::app::{App, Log};
use crate::pair::{Cut, Pair, read_all};
use crate::spy::{Spy, drain};
use crate::toy::toy;

/// cpython#109051, uvloop#564: writing was paused when TLS came, TLS was not told, and so it never
/// learnt that writing could go on.
#[test]
fn bug_03_a_new_layer_knows_how_things_stand() {
    let mut stack = Stack::new(Limits {
        outbox_high: 10,
        outbox_low: 4,
        ..Limits::default()
    });
    let spied = |stack: &mut Stack| {
        let (spy, log) = (Spy::default(), Log::default());
        let spy = Spy {
            log: Arc::clone(&log),
            ..spy
        };
        stack.push(spy).unwrap();
        log
    };
    let early = spied(&mut stack);
    stack.write(&[b'x'; 20]).unwrap();
    let late = spied(&mut stack);
    stack.sent(15);
    stack.sent(1);
    assert_eq!(
        *early.lock().unwrap(),
        [
            "attached false false false",
            "writable false",
            "writable true"
        ]
    );
    assert_eq!(
        *late.lock().unwrap(),
        ["attached true false false", "writable true"]
    );
    // Nor does it miss that nobody reads, and that the peer has said its last word.
    let (app, log) = (App::new().0, Log::default());
    let told = Arc::clone(&log);
    let app = app
        .on_attached(|cx| {
            cx.pause(true);
            cx.wake_at(Some(Duration::from_secs(1)));
        })
        .on_time(move |cx| {
            cx.push(Spy {
                log: Arc::clone(&told),
                ..Spy::default()
            });
        });
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    stack.receive_end();
    stack.advance(Duration::from_secs(1));
    assert_eq!(log.lock().unwrap()[0], "attached false true true");
}

/// cpython#89322: data came after `pause_reading`, since a segment held several records.
#[test]
fn bug_06_nothing_is_delivered_after_a_pause() {
    for cut in [Cut::Lump, Cut::Drip, Cut::At(7)] {
        let (app, log) = App::new();
        let app = app
            .on_attached(|cx| {
                cx.push(toy());
            })
            .on_received(|cx, bytes| {
                cx.pause(true);
                cx.wake_at(Some(cx.now() + Duration::from_secs(1)));
                bytes.len()
            })
            .on_time(|cx| cx.pause(false));
        let mut pair = Pair::new(cut);
        pair.b = Stack::with_app(Box::new(app), Limits::default());
        pair.a.push(toy()).unwrap();
        for text in [&b"one"[..], b"two", b"three"] {
            pair.a.write(text).unwrap();
        }
        pair.settle();
        let told = |n: usize| log.lock().unwrap()[2..2 + n].join(", ");
        for seconds in 1..=3 {
            // However often it is driven before its time.
            pair.b.advance(Duration::from_millis(seconds * 1000 - 500));
            pair.settle();
            assert_eq!(log.lock().unwrap().len(), 2 + seconds as usize, "{cut:?}");
            assert!(!pair.b.wants_input());
            pair.b.advance(Duration::from_secs(seconds));
            while crate::pair::carry(&mut pair.a, &mut pair.b, cut) {}
        }
        assert_eq!(told(3), "received one, received two, received three");
    }
}

/// The same above a layer that does not ask whether its bytes are wanted.
#[test]
fn bug_06_nor_by_a_layer_that_does_not_ask() {
    /// Delivers byte by byte.
    struct Splits;
    impl Protocol for Splits {
        fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
            bytes.chunks_mut(1).for_each(|byte| cx.deliver(byte));
            Ok(bytes.len())
        }
    }
    impl Transport for Splits {
        fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
            cx.send(chunk);
            Ok(())
        }
    }
    impl Layer for Splits {}

    let (app, log) = App::new();
    let app = app
        .on_received(|cx, bytes| {
            cx.pause(true);
            cx.wake_at(Some(cx.now() + Duration::from_secs(1)));
            bytes.len()
        })
        .on_time(|cx| cx.pause(false));
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    stack.push(Splits).unwrap();
    stack.receive(&mut b"abc".to_vec());
    assert_eq!(log.lock().unwrap()[1..], ["received a"]);
    stack.advance(Duration::from_secs(1));
    assert_eq!(log.lock().unwrap()[1..], ["received a", "received bc"]);
}

/// cpython#102792: with a low mark of zero, writing never went on.
#[test]
fn bug_06_a_low_mark_of_zero_is_reached() {
    for (high, n) in [(0, 1), (1, 2), (4, 10)] {
        let (app, log) = App::new();
        let app = app.on_attached(move |cx| cx.send(&vec![b'x'; n][..]));
        let mut stack = Stack::with_app(
            Box::new(app),
            Limits {
                outbox_high: high,
                outbox_low: 0,
                ..Limits::default()
            },
        );
        for _ in 0..n {
            assert!(!stack.writable());
            stack.sent(1);
        }
        assert!(stack.writable());
        let log = log.lock().unwrap();
        assert_eq!(log[1..], ["writable false", "writable true"]);
    }
}

/// twisted#6385: the application's pause held up bytes that TLS needed for itself.
#[test]
fn bug_07_a_pause_does_not_hold_up_a_handshake() {
    for cut in Cut::EACH {
        let (app, log) = App::new();
        let app = app.on_attached(|cx| {
            cx.pause(true);
            cx.wake_at(Some(Duration::from_secs(1)));
            cx.push(toy().server());
        });
        let app = app.on_time(|cx| cx.pause(false));
        let mut pair = Pair::new(cut);
        pair.b = Stack::with_app(Box::new(app), Limits::default());
        pair.a.push(toy().client()).unwrap();
        pair.a.write(b"early").unwrap();
        pair.settle();
        assert!(pair.a.is_up() && pair.b.is_up());
        // The pause holds for what is the application's.
        assert_eq!(*log.lock().unwrap(), ["attached", "up"]);
        pair.b.advance(Duration::from_secs(1));
        while crate::pair::carry(&mut pair.a, &mut pair.b, cut) {}
        assert!(log.lock().unwrap()[2].starts_with("received e"));
    }
}

/// twisted#8901, #11168: who had paused was not told that the connection was gone.
#[test]
fn bug_07_who_has_paused_learns_of_the_end() {
    let paused = || {
        let (app, log) = App::new();
        let app = app
            .on_attached(|cx| {
                cx.pause(true);
                cx.wake_at(Some(Duration::from_secs(1)));
            })
            .on_time(|cx| cx.pause(false));
        (Stack::with_app(Box::new(app), Limits::default()), log)
    };
    // An end that is no failure waits behind what is unread, and comes when that is taken.
    let (mut stack, log) = paused();
    stack.receive(&mut b"last".to_vec());
    stack.receive_end();
    assert!(stack.app_end().is_none());
    stack.advance(Duration::from_secs(1));
    assert_eq!(log.lock().unwrap()[1..], ["received last", "end"]);
    assert!(stack.app_end().is_some_and(|end| end.error().is_none()));

    // A failure is not waited for by one who could wait for ever.
    let (app, log) = App::new();
    let app = app.on_attached(|cx| cx.pause(true));
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    stack.receive(&mut b"unread".to_vec());
    stack.fail(Error::transport(std::io::ErrorKind::ConnectionReset.into()));
    let end = stack.app_end().expect("nobody ever tells it");
    assert_eq!(end.error().map(Error::blame), Some(Blame::Transport));
    stack.close(end);
    assert!(log.lock().unwrap()[1].starts_with("lost: the transport failed"));
}

/// cpython#106028: `resume_writing` wrote from within the loop that was taking from the queue, and
/// an entry was taken twice.
#[test]
fn bug_08_who_writes_when_told_that_it_may_writes_once_and_in_order() {
    let bytes: Vec<u8> = (0..2000u32).map(|i| (i % 251) as u8).collect();
    for n in [1, 2, 7, 100, 5000] {
        let (app, _) = App::new();
        let mut left = bytes.clone();
        let mut go_on = move |cx: &mut Context<'_>| {
            let some: Vec<u8> = left.drain(..left.len().min(30)).collect();
            cx.send(&some[..10.min(some.len())]);
            cx.send(&some[10.min(some.len())..]);
        };
        let mut begun = false;
        let app = app
            .on_attached(|cx| cx.send(b"begin"))
            .on_writable(move |cx| {
                go_on(cx);
                // Twice in a call: the second stands behind the first.
                if !std::mem::replace(&mut begun, true) {
                    go_on(cx);
                }
            });
        let mut stack = Stack::with_app(
            Box::new(app),
            Limits {
                outbox_high: 4,
                outbox_low: 1,
                ..Limits::default()
            },
        );
        let wire = drain(&mut stack, n);
        assert!(wire == [b"begin", &bytes[..]].concat(), "{n} at a time");
    }
}

/// netty#15833: a read asked for during a read was run inside it, and events overtook each other.
#[test]
fn bug_08_a_pause_lifted_during_a_read_reads_nothing_inside_it() {
    struct Echo;
    impl Protocol for Echo {
        fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
            cx.deliver(bytes);
            Ok(bytes.len())
        }
    }
    impl Transport for Echo {
        /// Back up at once, as well as on.
        fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
            cx.deliver(&mut chunk.as_slice().to_vec());
            cx.send(chunk);
            Ok(())
        }
    }
    impl Layer for Echo {}

    let (app, log) = App::new();
    let noted = Arc::clone(&log);
    let app = app.on_received(move |cx, bytes| {
        cx.pause(true);
        if bytes.len() < 3 {
            cx.send(&[bytes, b"+"].concat()[..]);
        }
        cx.pause(false);
        noted.lock().unwrap().push("returns".into());
        bytes.len()
    });
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    stack.push(Echo).unwrap();
    stack.receive(&mut b"a".to_vec());
    let told = log.lock().unwrap()[1..].to_vec();
    let expected = ["a", "a+", "a++"].map(|text| [format!("received {text}"), "returns".into()]);
    // Each call has returned before the next begins.
    assert_eq!(told, expected.concat());
    assert_eq!(stack.outgoing(), b"a+a++");
}

/// swift-nio#1080: a handler that was taken out kept the read that it had swallowed.
#[test]
fn bug_14_a_layer_that_leaves_lets_go_of_all_that_it_held() {
    for rip in [false, true] {
        let mut stack = Stack::new(Limits::default());
        let spy = Spy {
            grips: true,
            ..Spy::default()
        };
        let id = stack.push(spy).unwrap();
        stack.receive(&mut b"waits".to_vec());
        assert!(!stack.wants_input() && !stack.writable());
        assert!(stack.readable().is_empty() && stack.deadline().is_some());
        if rip {
            stack.rip(id).unwrap();
        } else {
            stack.start_pop(id).unwrap();
            stack.take_popped(id).unwrap();
        }
        assert!(stack.wants_input() && stack.writable());
        assert_eq!(stack.deadline(), None);
        assert_eq!(read_all(&mut stack), b"waits");
    }
}

/// netty#8953: two handlers set and cleared one and the same pause.
#[test]
fn bug_14_a_pause_belongs_to_who_asked_for_it() {
    let (app, log) = App::new();
    let app = app
        .on_attached(|cx| {
            cx.pause(true);
            cx.wake_at(Some(Duration::from_secs(1)));
            for _ in 0..2 {
                cx.push(Spy {
                    grips: true,
                    ..Spy::default()
                });
            }
        })
        .on_time(|cx| cx.pause(false));
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    stack.receive(&mut b"x".to_vec());
    let keys: Vec<_> = stack.layers().map(|layer| layer.key()).collect();
    stack.start_pop(keys[0]).unwrap();
    assert!(!stack.wants_input() && !stack.writable());
    stack.advance(Duration::from_secs(1));
    assert!(
        !stack.wants_input(),
        "the layer's pause is not the application's"
    );
    assert!(!log.lock().unwrap().contains(&"received x".to_owned()));
    stack.start_pop(keys[1]).unwrap();
    assert!(stack.wants_input() && stack.writable());
    assert!(log.lock().unwrap().contains(&"received x".to_owned()));
}
