//! Bugs that took others years: ends, and what is still to be said then.
//!
//! Each test has the number of its row in COVERAGE.md, and names where the bug was found.

use std::time::Duration;

use stack::{
    Chunk, Context, End, Error, ErrorKind, Layer, Limits, Protocol, Readiness, Stack, Standing,
    Transport,
};

use crate::app::App;
use crate::pair::{Cut, Pair, read_all, read_epochs};
use crate::spy::{Spy, drain, hello, named};
use crate::toy::{TAG, Toy, Witness, mark, record, toy};

/// cpython#125981: data that was in flight when we had said goodbye was an error.
#[test]
fn bug_10_what_was_in_flight_when_we_said_goodbye_is_read() {
    for (cut, pops) in Cut::EACH
        .iter()
        .flat_map(|cut| [(*cut, true), (*cut, false)])
    {
        let mut pair = Pair::new(cut);
        let (a, b) = (pair.a.push(toy()).unwrap(), pair.b.push(toy()).unwrap());
        pair.b.write(b"in flight, ").unwrap();
        if pops {
            pair.a.start_pop(a).unwrap();
        } else {
            pair.a.shutdown();
        }
        pair.settle();
        pair.b.write(b"and behind it").unwrap();
        pair.settle();
        assert!(pair.a.input_end().is_none());
        let expected = named(&["toy"], "in flight, and behind it");
        assert_eq!(read_epochs(&mut pair.a), [expected]);
        pair.b.start_pop(b).unwrap();
        pair.settle();
        match pops {
            true => assert!(pair.a.take_popped(a).is_some()),
            false => assert_eq!(pair.a.parked(), Some(a.key())),
        }
    }
}

/// twisted#5118: when the peer closed, only one chunk of what was written was still sent.
#[test]
fn bug_10_all_that_was_written_leaves_when_the_peer_has_closed() {
    for popped in [false, true] {
        let mut stack = Stack::new(Limits {
            outbox_high: 10,
            ..Limits::default()
        });
        let low = stack.push(toy()).unwrap();
        let spy = Spy {
            stages: true,
            ..Spy::default()
        };
        stack.push(spy).unwrap();
        for n in 0..20 {
            stack.write(b"chunk").unwrap();
            stack.flush();
            stack.write(b"staged").unwrap();
            if n < 19 {
                stack.flush();
            }
        }
        stack.receive(&mut mark());
        stack.receive_end();
        if popped {
            stack.start_pop(low).unwrap();
        }
        stack.shutdown();
        let each = [record(TAG, b"chunk"), record(TAG, b"staged")].concat();
        let expected = [each.repeat(20), mark()].concat();
        assert!(drain(&mut stack, 3) == expected, "popped: {popped}");
        assert!(stack.outgoing_ended());
    }
}

/// uvloop#385, rustls#790: a connection cut short looked like one that had come to its end.
#[test]
fn bug_11_a_truncation_is_never_a_clean_end() {
    let mut sender = Stack::new(Limits::default());
    sender.push(toy()).unwrap();
    sender.push(Toy::new("high", 1)).unwrap();
    sender.write(b"text").unwrap();
    sender.shutdown();
    let wire = sender.outgoing().to_vec();
    for (at, drip) in (0..=wire.len()).flat_map(|at| [(at, false), (at, true)]) {
        let mut stack = Stack::new(Limits::default());
        stack.push(toy()).unwrap();
        stack.push(Toy::new("high", 1)).unwrap();
        for piece in wire[..at].chunks(if drip { 1 } else { 1000 }) {
            stack.receive(&mut piece.to_vec());
        }
        stack.receive_end();
        let seen = read_all(&mut stack);
        let mut names = vec!["high", "toy"];
        let clean = |stack: &Stack| stack.input_end().is_some_and(|end| end.error().is_none());
        while let Some(key) = stack.parked()
            && clean(&stack)
        {
            assert_eq!(seen, b"text", "an end before the text is over");
            stack.start_pop(key).unwrap();
            names.remove(0);
        }
        let end = stack.input_end().expect("an end, not a hang");
        if at == wire.len() {
            assert!(end.error().is_none() && names.is_empty());
        } else {
            assert!(end.is_truncated(), "{at} bytes: {end:?}");
            let name = end.error().and_then(Error::layer);
            assert!(name.is_some_and(|name| names.contains(&name)));
        }
    }
}

/// swift-nio-ssl#205, #206: taking TLS off had no deadline; then it had one, and that closed the
/// socket.
#[test]
fn bug_15_a_pops_deadline_tells_and_closes_nothing() {
    let (app, log) = App::new();
    let app = app.on_received(|cx, bytes| {
        if bytes == b"go" {
            let id = cx.push(toy());
            cx.pop(id);
        }
        bytes.len()
    });
    let limits = Limits::default();
    let mut stack = Stack::with_app(Box::new(app), limits.clone());
    stack.receive(&mut b"go".to_vec());
    assert_eq!(stack.deadline(), Some(limits.pop));
    stack.advance(limits.pop);
    stack.advance(limits.pop * 100);
    assert_eq!(stack.deadline(), None);
    assert!(stack.wants_input() && !stack.outgoing_ended() && stack.app_end().is_none());
    stack.receive(&mut [record(TAG, b"late"), mark(), b"plain".to_vec()].concat());
    assert_eq!(
        log.lock().unwrap()[2..],
        ["up", "late", "received late", "toy left", "received plain"]
    );
}

/// swift-nio-ssl#603: an end in the middle of the handshake was lost, and the connection leaked.
#[test]
fn bug_16_an_end_within_a_handshake_ends_the_connection() {
    let hello = hello();
    for (at, client) in (0..hello.len()).flat_map(|at| [(at, false), (at, true)]) {
        let (witness, log) = Witness::new();
        let mut stack = Stack::new(Limits::default());
        stack.push(witness).unwrap();
        let layer = if client {
            toy().client()
        } else {
            toy().server()
        };
        stack.push(layer).unwrap();
        stack.write(b"kept").unwrap();
        stack.receive(&mut hello[..at].to_vec());
        stack.receive_end();
        assert!(stack.input_end().is_some_and(|end| end.is_truncated()));
        assert!(stack.write(b"more").is_err() && !stack.wants_input());
        let sent = drain(&mut stack, 100);
        assert!(!sent.windows(4).any(|four| four == b"kept"));
        drop(stack);
        let log = log.lock().unwrap();
        assert!(log.last().unwrap().starts_with("lost: toy"), "{log:?}");
    }
    // Our own half may be asked to end; that waits for the handshake, and is not forgotten.
    let mut pair = Pair::new(Cut::Drip);
    pair.a.push(toy().client()).unwrap();
    pair.b.push(toy().server()).unwrap();
    pair.a.write(b"kept").unwrap();
    pair.a.shutdown();
    assert!(!pair.a.outgoing_ended());
    pair.settle();
    assert!(pair.a.outgoing_ended());
    assert_eq!(read_all(&mut pair.b), b"kept");
}

/// vert.x#6187, #6190: while a server's configuration was being looked up, the hello was read, and
/// never looked at again.
#[test]
fn bug_16_a_hello_that_waits_for_a_decision_is_offered_again() {
    /// A server that takes nothing before it has decided, which takes it a second.
    struct Undecided {
        server: Toy,
        decided: bool,
    }
    impl Protocol for Undecided {
        fn attached(&mut self, cx: &mut Context<'_>, at: &Standing) -> Result<Readiness, Error> {
            self.server.attached(cx, at)
        }
        fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
            if !self.decided {
                cx.pause(true);
                cx.wake_at(Some(cx.now() + Duration::from_secs(1)));
                return Ok(0);
            }
            self.server.received(cx, bytes)
        }
        fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
            self.decided = true;
            cx.pause(false);
            Ok(())
        }
    }
    impl Transport for Undecided {
        fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
            self.server.send(cx, chunk)
        }
    }
    impl Layer for Undecided {}

    for before in [false, true] {
        let mut stack = Stack::new(Limits::default());
        if before {
            stack.receive(&mut hello());
        }
        let server = toy().server();
        let decided = false;
        stack.push(Undecided { server, decided }).unwrap();
        if !before {
            stack.receive(&mut hello());
        }
        assert!(!stack.is_up());
        stack.advance(Duration::from_secs(1));
        assert!(stack.is_up(), "{stack:?}");
    }
}

/// rally#1714, cpython#113214: closing twice, or aborting what was closed, was an error.
#[test]
fn bug_20_ends_may_be_asked_for_again() {
    let (witness, log) = Witness::new();
    let mut stack = Stack::new(Limits::default());
    let low = stack.push(toy()).unwrap();
    stack.push(witness).unwrap();
    stack.shutdown();
    stack.shutdown();
    assert_eq!(drain(&mut stack, 1), mark(), "one end mark");
    assert_eq!(
        stack.write(b"x").unwrap_err().kind(),
        ErrorKind::Closed,
        "and no panic"
    );
    stack.receive_end();
    stack.receive_end();
    stack.fail(Error::transport(std::io::ErrorKind::ConnectionReset.into()));
    stack.fail_sending(Error::transport(std::io::ErrorKind::BrokenPipe.into()));
    let end = stack.input_end().unwrap();
    assert!(end.is_truncated(), "the first end counts: {end:?}");
    stack.close(end);
    stack.close(End::Clean);
    stack.shutdown();
    stack.flush();
    stack.sent(1000);
    stack.consume(1000);
    stack.advance(Duration::from_secs(100));
    assert!(stack.start_pop(low).is_err());
    let lost = |told: &&String| told.starts_with("lost");
    drop(stack);
    assert_eq!(log.lock().unwrap().iter().filter(lost).count(), 1);
}
