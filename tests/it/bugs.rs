//! Bugs that took others years: at the seam, where the stack changes.
//!
//! Each test has the number of its row in COVERAGE.md, and names where the bug was found.

use std::sync::Arc;
use std::time::Duration;

use stack::{Blame, Context, End, ErrorKind, Limits, Popping, PushError, Stack};

use crate::app::{App, Log};
use crate::pair::{Cut, Pair, read_all, read_epochs};
use crate::spy::{Spy, drain, hello, named};
use crate::toy::{TAG, Toy, Witness, mark, record, toy};

/// cpython#142352, uvloop#707: the client's hello was read along with what came before it, stayed
/// in the old reader's buffer, and TLS waited for it for ever.
#[test]
fn bug_01_a_hello_that_was_read_ahead_is_the_new_layers() {
    let wire = [&b"STARTTLS\n"[..], &hello()].concat();
    for at in 0..=wire.len() {
        let mut stack = Stack::new(Limits::default());
        stack.receive(&mut wire[..at].to_vec());
        if at < 9 {
            stack.receive(&mut wire[at..].to_vec());
        }
        assert!(stack.readable().starts_with(b"STARTTLS\n"));
        stack.consume(9);
        stack.push(toy().server().feed()).unwrap();
        if at >= 9 {
            stack.receive(&mut wire[at..].to_vec());
        }
        assert!(stack.is_up(), "cut at {at}: {stack:?}");
        assert!(stack.readable().is_empty());
    }
}

/// The same where the application is one of callbacks: what it leaves is the layer's.
#[test]
fn bug_01_a_hello_that_a_callback_left_is_the_new_layers() {
    let (app, log) = App::new();
    let app = app.on_received(|cx, bytes| {
        if bytes == b"secret" {
            return 6;
        }
        cx.push(toy().server().feed());
        9
    });
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    let wire = [&b"STARTTLS\n"[..], &hello(), &record(TAG, b"secret")].concat();
    stack.receive(&mut wire.clone());
    assert_eq!(log.lock().unwrap()[2..], ["up", "received secret"]);
}

/// CVE-2011-0411, CVE-2021-22947 and their family: what came in clear before TLS was acted upon as
/// if TLS had brought it.
#[test]
fn bug_02_plaintext_read_ahead_is_never_taken_for_protected() {
    let server: (fn() -> Toy, &[u8], &[u8]) = (|| toy().server(), b"STARTTLS\r\n", b"NOOP\r\n");
    let client: (fn() -> Toy, &[u8], &[u8]) = (|| toy().client(), b"220 go\r\n", b"250 AUTH\r\n");
    for (layer, line, smuggled) in [server, client] {
        for n in 1..=smuggled.len() {
            let ahead = |stack: &mut Stack| {
                stack.receive(&mut [line, &smuggled[..n]].concat());
                stack.consume(line.len());
            };
            let mut stack = Stack::new(Limits::default());
            ahead(&mut stack);
            match stack.push(layer()) {
                Err(PushError::Rejected { residue, error, .. }) => {
                    assert_eq!(residue, &smuggled[..n]);
                    assert_eq!(
                        (error.kind(), error.blame()),
                        (ErrorKind::Residue, Blame::Remote)
                    );
                }
                other => panic!("{other:?}"),
            }
            // For good: neither the rest nor a second try brings anything to light.
            stack.receive(&mut smuggled[n..].to_vec());
            assert!(stack.push(layer()).is_err());
            stack.flush();
            assert!(stack.readable().is_empty() && stack.outgoing().is_empty());
            assert!(stack.input_end().is_some_and(|end| end.error().is_some()));

            // Fed to the layer instead, it is no handshake.
            let mut stack = Stack::new(Limits::default());
            ahead(&mut stack);
            let pushed = stack.push(layer().feed()).is_ok();
            stack.receive(&mut smuggled[n..].to_vec());
            assert!(stack.readable().is_empty() && !(pushed && stack.is_up()));
        }
    }
}

/// The same where a callback pushes: it gets nothing more, and its password does not go out.
#[test]
fn bug_02_a_callback_never_gets_what_was_smuggled() {
    let (app, log) = App::new();
    let app = app.on_received(|cx, bytes| {
        assert!(bytes.starts_with(b"220 go\r\n"), "it was given the rest");
        cx.push(toy().client());
        cx.send(b"password");
        8
    });
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    stack.receive(&mut b"220 go\r\n250 AUTH\r\n".to_vec());
    stack.receive(&mut b"250 more\r\n".to_vec());
    stack.flush();
    assert!(stack.outgoing().is_empty());
    let log = log.lock().unwrap();
    assert!(log.contains(&"toy rejected for 250 AUTH\r\n".to_owned()));
    assert!(!log.iter().any(|told| told.contains("more")), "{log:?}");
}

/// bpo-33674: `data_received` was called before `connection_made`. sygnal#181: the application got
/// data before it was given its new transport.
#[test]
fn bug_04_nobody_receives_before_it_is_told_that_it_stands() {
    // The data rides with the hello that ends the handshake.
    let wire = [&b"go\n"[..], &hello(), &record(TAG, b"x")].concat();
    for at in 0..=wire.len() {
        let (app, log) = App::new();
        let (witness, witnessed) = Witness::new();
        let mut witness = Some(witness);
        let app = app.on_received(move |cx, bytes| match bytes {
            [b'g', b'o', b'\n', ..] => {
                cx.push(toy().server().feed());
                witness.take().map(|witness| cx.push(witness));
                3
            }
            _ => bytes.iter().filter(|byte| **byte == b'x').count(),
        });
        let mut stack = Stack::with_app(Box::new(app), Limits::default());
        stack.receive(&mut wire[..at].to_vec());
        stack.receive(&mut wire[at..].to_vec());
        let log = log.lock().unwrap();
        let ups = log.iter().filter(|told| *told == "up").count();
        assert_eq!((log[0].as_str(), ups), ("attached", 2), "{log:?}");
        assert_eq!(log.last().unwrap(), "received x", "cut at {at}");
        assert_eq!(*witnessed.lock().unwrap(), ["attached", "received x"]);
    }
}

/// twisted#10445: startTLS overtook plaintext that was still buffered. netty#1480, #9231, #16931:
/// which write is the first encrypted one was left to chance. PaperMC#13929: the cut was made where
/// the socket's write was complete, which is some time later.
#[test]
fn bug_05_each_write_crosses_what_stood_when_it_was_made() {
    for (taken, n) in (0..=5).flat_map(|taken| (1..9).map(move |n| (taken, n))) {
        // The outbox is over its mark all the time; a layer below keeps what it is given.
        for stages in [false, true] {
            let mut stack = Stack::new(Limits {
                outbox_high: 1,
                outbox_low: 0,
                ..Limits::default()
            });
            if stages {
                let spy = Spy {
                    stages,
                    ..Spy::default()
                };
                stack.push(spy).unwrap();
            }
            stack.write(b"plain").unwrap();
            let mut wire = stack.outgoing()[..taken.min(stack.outgoing().len())].to_vec();
            stack.sent(wire.len());
            let id = stack.push(toy()).unwrap();
            stack.write(b"tagged").unwrap();
            wire.extend(drain(&mut stack, n));
            stack.write(b"more").unwrap();
            stack.start_pop(id).unwrap();
            stack.write(b"plain again").unwrap();
            wire.extend(drain(&mut stack, n));
            let (tagged, more) = (record(TAG, b"tagged"), record(TAG, b"more"));
            let expected = [b"plain", &tagged[..], &more, &mark(), b"plain again"].concat();
            assert_eq!(wire, expected, "{taken} taken, then {n} at a time");
        }
    }
}

/// The same from within one callback.
#[test]
fn bug_05_the_order_within_a_callback_is_kept() {
    let (app, _) = App::new();
    let app = app.on_received(|cx, bytes| {
        cx.send(b"plain");
        let id = cx.push(toy());
        cx.send(b"tagged");
        cx.pop(id);
        cx.send(b"plain again");
        bytes.len()
    });
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    stack.receive(&mut b"go".to_vec());
    let expected = [
        b"plain",
        &record(TAG, b"tagged")[..],
        &mark(),
        b"plain again",
    ]
    .concat();
    assert_eq!(drain(&mut stack, 3), expected);
}

/// netty#306, #11454: what was written into a layer and not yet sent was lost when it was taken out.
#[test]
fn bug_12_what_a_layer_staged_leaves_before_the_layer_does() {
    for above in [false, true] {
        let mut stack = Stack::new(Limits::default());
        let spy = || Spy {
            stages: true,
            ..Spy::default()
        };
        let id = stack.push(spy()).unwrap();
        if above {
            stack.push(spy()).unwrap();
        }
        stack.write(b"staged, ").unwrap();
        assert!(stack.outgoing().is_empty());
        stack.start_pop(id).unwrap();
        stack.write(b"and later").unwrap();
        stack.flush();
        assert_eq!(stack.outgoing(), b"staged, and later");
        let (layer, _) = stack.take_popped(id).unwrap();
        assert!(layer.staged.is_empty());
    }
    // What one above has staged crosses the layer that stood when it was written.
    let mut stack = Stack::new(Limits::default());
    let low = stack.push(toy()).unwrap();
    let spy = Spy {
        stages: true,
        ..Spy::default()
    };
    stack.push(spy).unwrap();
    stack.write(b"staged").unwrap();
    stack.start_pop(low).unwrap();
    assert_eq!(stack.outgoing(), [record(TAG, b"staged"), mark()].concat());
    // During a handshake nothing can leave yet: so the layer stays until it can.
    let mut pair = Pair::new(Cut::Lump);
    let id = pair.a.push(toy().client()).unwrap();
    pair.b.push(toy().server()).unwrap();
    pair.a.write(b"staged").unwrap();
    pair.a.start_pop(id).unwrap();
    assert_eq!(pair.a.popping(id), Popping::Waiting);
    pair.a.write(b", too").unwrap();
    pair.settle();
    assert_eq!(read_epochs(&mut pair.b), [named(&["toy"], "staged, too")]);
    assert!(pair.b.parked().is_some());
    // Also where it is ripped out.
    let mut stack = Stack::new(Limits::default());
    let spy = Spy {
        stages: true,
        ..Spy::default()
    };
    let id = stack.push(spy).unwrap();
    stack.write(b"inside").unwrap();
    let (layer, outcome) = stack.rip(id).unwrap();
    assert_eq!(stack.outgoing(), b"inside");
    assert!(layer.staged.is_empty());
    assert_eq!(outcome, stack::Outcome::Ripped { held: 0 });
}

/// netty#9668, swift-nio#1091, #1133: a handler taken out from within a callback, its own or
/// another's, was called again, or took what followed with it.
#[test]
fn bug_12_a_layer_may_be_popped_from_within_any_callback() {
    // While it is delivering, by the application that it delivers to; and by itself.
    for by_itself in [false, true] {
        let (key, log) = (Arc::default(), Log::default());
        let spy = Spy {
            log: Arc::clone(&log),
            leaves: by_itself.then(|| Arc::clone(&key)),
            ..Spy::default()
        };
        let (app, told) = App::new();
        let mut spy = Some(spy);
        let pushed = Arc::clone(&key);
        let app = app.on_received(move |cx, bytes| {
            if let Some(spy) = spy.take() {
                *pushed.lock().unwrap() = Some(cx.push(spy).key());
            } else if let Some(key) = *pushed.lock().unwrap()
                && bytes == b"out"
                && !by_itself
            {
                cx.pop(key);
            }
            bytes.len()
        });
        let mut stack = Stack::with_app(Box::new(app), Limits::default());
        for text in [&b"in"[..], b"out", b"after"] {
            stack.receive(&mut text.to_vec());
        }
        assert_eq!(
            *log.lock().unwrap(),
            ["attached false false false", "received out"]
        );
        let told = told.lock().unwrap();
        let expected = [
            "received in",
            "up",
            "received out",
            "Spy left",
            "received after",
        ];
        assert_eq!(told[1..], expected);
    }
    // When told that writing may go on, when told of an event, and when its time has come.
    fn pops() -> impl FnMut(&mut Context<'_>) + Send + Sync + 'static {
        let mut done = false;
        move |cx| {
            if !std::mem::replace(&mut done, true) {
                let id = cx.push(Spy::default());
                cx.pop(id);
                cx.send(b"after");
            }
        }
    }
    type Made = fn(App) -> App;
    let ways: [Made; 3] = [
        |app| {
            app.on_writable(pops())
                .on_attached(|cx| cx.send(&[b'x'; 9]))
        },
        |app| {
            let mut pops = pops();
            app.on_event(move |cx, _| pops(cx)).on_attached(|cx| {
                cx.push(Spy::default());
            })
        },
        |app| {
            app.on_time(pops())
                .on_attached(|cx| cx.wake_at(Some(Duration::ZERO)))
        },
    ];
    for made in ways {
        let (app, told) = App::new();
        let limits = Limits {
            outbox_high: 6,
            outbox_low: 0,
            ..Limits::default()
        };
        let mut stack = Stack::with_app(Box::new(made(app)), limits);
        stack.advance(Duration::ZERO);
        assert!(drain(&mut stack, 100).ends_with(b"after"));
        assert!(told.lock().unwrap().contains(&"Spy left".to_owned()));
    }
}

/// The rest of that row: taken out twice, or after the connection was torn down.
#[test]
fn bug_12_taking_a_layer_out_twice_or_too_late_is_refused() {
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(toy()).unwrap();
    stack.start_pop(id).unwrap();
    stack.start_pop(id).unwrap();
    assert_eq!(stack.outgoing(), mark(), "one end mark");
    stack.receive(&mut mark());
    stack.start_pop(id).unwrap();
    assert!(stack.rip(id).is_err(), "it has left already");
    assert!(stack.take_popped(id).is_some());
    assert!(stack.take_popped(id).is_none());
    assert_eq!(stack.popping(id), Popping::Gone);
    for gone in [stack.start_pop(id), stack.rip(id).map(drop)] {
        assert_eq!(gone.unwrap_err().kind(), ErrorKind::Refused);
    }
    stack.write(b"goes on").unwrap();

    let (witness, log) = Witness::new();
    let id = stack.push(witness).unwrap();
    stack.close(End::Clean);
    assert!(stack.start_pop(id).is_err());
    // It can still be had back, and is not told anything more.
    assert!(stack.rip(id).is_ok() && stack.rip(id).is_err());
    drop(stack);
    assert_eq!(*log.lock().unwrap(), ["attached", "lost: clean"]);
}

/// netty#9528: a handler whose `handlerAdded` threw stayed half in the pipeline. netty#6536:
/// `handlerRemoved` was called without `handlerAdded`.
#[test]
fn bug_13_a_layer_that_refuses_was_never_there() {
    let log = Log::default();
    let spy = Spy {
        log: Arc::clone(&log),
        refusals: 1,
        grips: true,
        ..Spy::default()
    };
    let mut stack = Stack::new(Limits::default());
    stack.receive(&mut b"unread".to_vec());
    let Err(PushError::Refused { back: layer, error }) = stack.push_after(b"answer", spy) else {
        panic!("it refuses")
    };
    assert_eq!(error.layer(), Some("Spy"));
    // Nothing of what it did is left: no word, no pause, no hold, no alarm; and no farewell.
    assert!(stack.outgoing().is_empty() && stack.wants_input() && stack.writable());
    assert_eq!((stack.deadline(), stack.layers().count()), (None, 0));
    assert_eq!(*log.lock().unwrap(), ["attached false false false"]);
    assert_eq!(read_all(&mut stack), b"unread");
    // The very same layer stands when it is willing; it is told of its end once.
    let layer = Spy {
        grips: false,
        ..layer
    };
    stack.push(layer).unwrap();
    drop(stack);
    assert_eq!(
        log.lock().unwrap()[1..],
        ["attached false false false", "lost"]
    );

    // One that was rejected for what had come before it is told nothing at all.
    let (app, told) = App::new();
    let app = app.on_attached(|cx| {
        cx.push(toy().server());
    });
    let mut stack = Stack::new(Limits::default());
    stack.receive(&mut b"residue".to_vec());
    assert!(stack.push(toy().server()).is_err());
    drop(stack);
    drop(Stack::with_app(Box::new(app), Limits::default()));
    assert_eq!(*told.lock().unwrap(), ["attached", "lost: clean"]);
}

/// netty#6881: a handler that came in the place of another and brought neighbours was put among the
/// wrong ones.
#[test]
fn bug_13_a_layer_that_replaces_another_may_bring_a_neighbour() {
    let mut stack = Stack::new(Limits::default());
    let old = stack.push(Toy::new("old", 1)).unwrap();
    stack.push(Toy::new("top", 4)).unwrap();
    let spy = Spy {
        neighbour: true,
        ..Spy::default()
    };
    stack.replace(old, spy).unwrap();
    stack.receive(&mut mark());
    assert_eq!(stack.to_string(), "app <=> toy <=> top <=> Spy <=> network");
    stack.receive(&mut record(4, &record(TAG, b"tagged")));
    let crossed = named(&["Spy", "top", "toy"], "tagged");
    assert_eq!(read_epochs(&mut stack), [crossed]);
    assert!(stack.take_popped(old).is_some());
}

/// netty#6881: whoever comes may bring a neighbour.
#[test]
fn bug_13_a_layer_may_push_a_neighbour_when_it_is_attached() {
    let mut stack = Stack::new(Limits::default());
    let spy = Spy {
        neighbour: true,
        ..Spy::default()
    };
    stack.push(spy).unwrap();
    assert_eq!(stack.to_string(), "app <=> toy <=> Spy <=> network");
    stack.receive(&mut record(TAG, b"tagged"));
    assert_eq!(read_epochs(&mut stack), [named(&["Spy", "toy"], "tagged")]);
    // If it is refused after all, the neighbour does not come either.
    let spy = Spy {
        neighbour: true,
        refusals: 1,
        ..Spy::default()
    };
    assert!(stack.push(spy).is_err());
    assert_eq!(stack.layers().count(), 2);
    stack.receive(&mut record(TAG, b"still"));
    assert_eq!(read_all(&mut stack), b"still");
}
