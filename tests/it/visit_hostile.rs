//! A layer that is called where it stands, at the worst moments.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stack::{
    Chunk, Connection, Context, Error, ErrorKind, Layer, LayerKey, Limits, Outcome, Protocol,
    Readiness, Stack, Standing, Transport, Watch,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use crate::app::App;
use crate::pair::{read_all, read_epochs};
use crate::spy::{Spy, named};
use crate::toy::{Stages, TAG, Toy, Witness, hello, mark, record, toy};

/// Counts how often it was called.
fn count(calls: &Arc<AtomicUsize>) -> impl FnOnce() + Send + Sync + 'static {
    let calls = Arc::clone(calls);
    move || {
        calls.fetch_add(1, Ordering::SeqCst);
    }
}

// ---- failures above ----

#[test]
fn a_failing_flush_above_is_the_error_and_has_risen_when_it_returns() {
    let mut stack = Stack::new(Limits::default());
    let low = stack.push(toy()).unwrap();
    stack
        .push(Stages {
            fails: true,
            ..Stages::default()
        })
        .unwrap();
    stack.push(Witness::new().0).unwrap();
    stack.write(b"text").unwrap();
    let called = stack.with_layer(low, |_, _| unreachable!());
    let called: Result<(), _> = called;
    assert_eq!(called.unwrap_err().layer(), Some("Stages"));
    assert!(stack.input_end().is_some(), "the reader is told, too");
}

#[test]
fn a_callback_calls_nothing_below_a_flush_that_fails() {
    let calls = Arc::default();
    let called = count(&calls);
    let mut called = Some(called);
    let (app, log) = App::new();
    let (low, keys) = (toy(), Arc::new(Mutex::new(None)));
    let id = Arc::clone(&keys);
    let app = app.on_received(move |cx, bytes| {
        if let (Some(low), Some(called)) = (*id.lock().unwrap(), called.take()) {
            cx.send(b"staged");
            cx.with_layer(low, |_: &mut Toy, _| called());
        }
        bytes.len()
    });
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    *keys.lock().unwrap() = Some(stack.push(low).unwrap());
    let fails = Stages {
        fails: true,
        ..Stages::default()
    };
    stack.push(fails).unwrap();
    stack.receive(&mut record(TAG, b"go"));
    assert_eq!(calls.load(Ordering::SeqCst), 0, "{log:?}");
    assert!(stack.app_end().unwrap().error().is_some());
}

/// Takes what comes, and fails behind it.
struct FailsBehind;

impl Protocol for FailsBehind {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        cx.deliver(bytes);
        Err(Error::remote("not that"))
    }
}

impl Transport for FailsBehind {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        cx.send(chunk);
        Ok(())
    }
}

impl Layer for FailsBehind {}

#[test]
fn on_a_connection_that_has_failed_meanwhile_a_callback_calls_nothing() {
    let calls = Arc::default();
    let mut called = Some(count(&calls));
    let (app, _) = App::new();
    let ids = Arc::new(Mutex::new(None));
    let id = Arc::clone(&ids);
    let app = app.on_received(move |cx, bytes| {
        if let (Some(low), Some(called)) = (*id.lock().unwrap(), called.take()) {
            cx.with_layer(low, |_: &mut FailsBehind, cx| {
                cx.send(b"said");
                called();
            });
        }
        bytes.len()
    });
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    *ids.lock().unwrap() = Some(stack.push(FailsBehind).unwrap());
    stack.receive(&mut b"go".to_vec());
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    assert_eq!(stack.outgoing(), b"");
}

// ---- changes under way ----

#[test]
fn a_layer_that_has_left_in_the_same_callback_is_not_called() {
    let calls = Arc::default();
    let mut called = Some(count(&calls));
    let (app, log) = App::new();
    let app = app.on_received(move |cx, bytes| {
        if let Some(called) = called.take() {
            let watch = cx.push(Witness::new().0);
            cx.pop(watch);
            cx.with_layer(watch, |_, cx| {
                called();
                cx.deliver(&mut b"late".to_vec());
            });
        }
        bytes.len()
    });
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    stack.receive(&mut b"x".to_vec());
    assert_eq!(calls.load(Ordering::SeqCst), 0, "{log:?}");
    assert!(log.lock().unwrap().iter().any(|line| line.contains("left")));
}

#[test]
fn what_it_delivers_before_its_end_mark_is_of_its_epoch() {
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(toy()).unwrap();
    stack.start_pop(id).unwrap();
    let last = |_: &mut Toy, cx: &mut Context<'_>| {
        cx.deliver(&mut b"last".to_vec());
        cx.end_mark();
    };
    stack.with_layer(id, last).unwrap();
    stack.receive(&mut b"plain".to_vec());
    let crossed = [named(&["toy"], "last"), named(&[], "plain")];
    assert_eq!(read_epochs(&mut stack), crossed);
    assert_eq!(stack.take_popped(id).unwrap().1, Outcome::Clean);
}

#[test]
fn behind_its_own_end_mark_a_layer_is_mute() {
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(toy()).unwrap();
    stack.start_pop(id).unwrap();
    let wire = stack.outgoing().to_vec();
    assert_eq!(wire, mark());
    stack.with_layer(id, |_, cx| cx.send(b"late")).unwrap();
    stack.flush();
    assert_eq!(stack.outgoing(), wire);
}

#[test]
fn behind_the_peers_end_mark_a_layer_delivers_nothing() {
    for popped in [false, true] {
        let mut stack = Stack::new(Limits::default());
        let id = stack.push(toy()).unwrap();
        stack.receive(&mut [mark(), b"rest".to_vec()].concat());
        assert_eq!(stack.parked(), Some(id.key()));
        let say = |_: &mut Toy, cx: &mut Context<'_>| cx.deliver(&mut b"late".to_vec());
        stack.with_layer(id, say).unwrap();
        assert_eq!(stack.readable(), b"");
        assert!(stack.input_end().is_some());
        if popped {
            stack.start_pop(id).unwrap();
            assert_eq!(read_epochs(&mut stack), [named(&[], "rest")]);
        }
    }
}

#[test]
fn behind_the_end_of_input_a_layer_delivers_nothing() {
    let (app, log) = App::new();
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    let id = stack.push(Witness::new().0).unwrap();
    stack.receive_end();
    let say = |_: &mut Witness, cx: &mut Context<'_>| {
        cx.deliver(&mut b"late".to_vec());
        cx.send(b"said");
    };
    stack.with_layer(id, say).unwrap();
    assert_eq!(*log.lock().unwrap(), ["attached", "end"]);
    assert_eq!(stack.outgoing(), b"said", "that half is open");
}

#[test]
fn a_handshake_goes_on_and_is_ended_from_within() {
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(toy().client()).unwrap();
    assert_eq!(stack.outgoing(), hello(TAG));
    stack.write(b"staged").unwrap();
    let answers = stack.with_layer(id, |toy, cx| {
        cx.send(b"|");
        toy.answers
    });
    assert_eq!(answers.unwrap(), 0);
    assert!(!stack.is_up());
    stack.receive(&mut hello(TAG));
    assert!(stack.is_up());
    let wire = [hello(TAG), b"|".to_vec(), record(TAG, b"staged")].concat();
    assert_eq!(stack.outgoing(), wire);
}

/// In its handshake, until it withdraws.
struct Shy;

impl Protocol for Shy {
    fn attached(&mut self, _: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        Ok(Readiness::Handshaking)
    }

    fn received(&mut self, _: &mut Context<'_>, _: &mut [u8]) -> Result<usize, Error> {
        Ok(0)
    }
}

impl Transport for Shy {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        cx.send(chunk);
        Ok(())
    }
}

impl Layer for Shy {}

#[test]
fn one_that_has_withdrawn_was_never_here() {
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(Shy).unwrap();
    let withdraw = |_: &mut Shy, cx: &mut Context<'_>| cx.withdraw(Error::local("not today"));
    stack.with_layer(id, withdraw).unwrap();
    let called = stack.with_layer(id, |_, cx| cx.send(b"from nowhere"));
    assert!(called.is_err());
    stack.flush();
    assert_eq!(stack.outgoing(), b"");
    assert!(stack.take_refused(id).is_some());
    stack.write(b"plain").unwrap();
    assert_eq!(stack.outgoing(), b"plain");
}

#[test]
fn it_pops_itself_pushes_another_and_shuts_down_in_that_order() {
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(toy()).unwrap();
    let key: LayerKey = id.key();
    let pushed = stack.with_layer(id, |_, cx| {
        cx.send(b"1");
        cx.pop(key);
        let pushed = cx.push(Toy::new("next", 1));
        cx.shutdown();
        pushed
    });
    let pushed = pushed.unwrap();
    assert_eq!(stack.to_string(), "app <=> next <=> toy <=> network");
    let wire = [b"1".to_vec(), mark(), mark()].concat();
    assert_eq!(stack.outgoing(), wire);
    assert!(stack.outgoing_ended());
    stack.receive(&mut mark());
    assert!(stack.take_popped(id).is_some());
    stack.receive(&mut record(1, b"in"));
    assert_eq!(read_epochs(&mut stack), [named(&["next"], "in")]);
    assert!(stack.with_layer(pushed, |_, _| ()).is_ok());
}

/// Not only where it is called from outside: what stands in the queue behind a layer's pop of itself
/// would go out behind its end mark, and not as its protocol has it.
#[test]
fn behind_the_pop_that_it_asked_for_itself_a_layer_is_mute() {
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(toy()).unwrap();
    let says = move |_: &mut Toy, cx: &mut Context<'_>| {
        cx.send(b"said");
        cx.pop(id);
        cx.send(b"mute");
    };
    stack.with_layer(id, says).unwrap();
    assert_eq!(stack.outgoing(), [b"said".to_vec(), mark()].concat());
}

#[test]
fn below_one_that_awaits_its_mark_what_it_delivers_passes_by() {
    let mut stack = Stack::new(Limits::default());
    let low = stack.push(toy()).unwrap();
    stack.start_pop(low).unwrap();
    let new = stack.push(Toy::new("new", 1)).unwrap();
    let say = |_: &mut Toy, cx: &mut Context<'_>| cx.deliver(&mut b"old".to_vec());
    stack.with_layer(low, say).unwrap();
    stack.receive(&mut [mark(), record(1, b"new")].concat());
    let crossed = [named(&["toy"], "old"), named(&["new"], "new")];
    assert_eq!(read_epochs(&mut stack), crossed);
    stack.with_layer(new, say).unwrap();
    assert_eq!(read_epochs(&mut stack), [named(&["new"], "old")]);
}

// ---- what it may do there ----

#[test]
fn what_it_has_staged_goes_with_the_next_flush() {
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(Stages::default()).unwrap();
    stack.flush();
    let stage = |stages: &mut Stages, _: &mut Context<'_>| stages.staged.extend(b"said");
    stack.with_layer(id, stage).unwrap();
    stack.flush();
    assert_eq!(stack.outgoing(), b"said");
}

/// Passes on what comes, and says when its time has come.
struct Chimes;

impl Protocol for Chimes {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        cx.deliver(bytes);
        Ok(bytes.len())
    }

    fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        cx.deliver(&mut b"ding".to_vec());
        Ok(())
    }
}

impl Transport for Chimes {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        cx.send(chunk);
        Ok(())
    }
}

impl Layer for Chimes {}

#[test]
fn a_time_that_it_asks_for_comes() {
    let (app, log) = App::new();
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    let id = stack.push(Chimes).unwrap();
    let at = Duration::from_secs(7);
    stack.with_layer(id, |_, cx| cx.wake_at(Some(at))).unwrap();
    assert_eq!(stack.deadline(), Some(at));
    stack.advance(at);
    assert_eq!(log.lock().unwrap().last().unwrap(), "received ding");
}

#[test]
fn more_than_the_budget_is_the_connections_error() {
    let limits = Limits {
        budget: 200_000,
        ..Limits::default()
    };
    for up in [false, true] {
        let mut stack = Stack::new(limits.clone());
        let id = stack.push(Witness::new().0).unwrap();
        let floods = move |_: &mut Witness, cx: &mut Context<'_>| {
            for _ in 0..1000 {
                match up {
                    true => cx.deliver(&mut [0; 1000]),
                    false => cx.send(&[0; 1000]),
                }
            }
        };
        stack.with_layer(id, floods).unwrap();
        let error = stack.with_layer(id, |_, _| ()).unwrap_err();
        assert_eq!(
            (error.kind(), error.layer()),
            (ErrorKind::Limit, Some("Witness"))
        );
        assert!(stack.outgoing().len() + read_all(&mut stack).len() <= 201_000);
    }
}

#[test]
fn what_it_delivers_waits_for_a_reader_that_is_slow() {
    let limits = Limits {
        inbox: 3,
        ..Limits::default()
    };
    let mut stack = Stack::new(limits);
    let id = stack.push(toy()).unwrap();
    stack.receive(&mut [record(TAG, b"abc"), record(TAG, b"def")].concat());
    assert_eq!(stack.readable(), b"abc");
    let say = |_: &mut Toy, cx: &mut Context<'_>| cx.deliver(&mut b"|".to_vec());
    stack.with_layer(id, say).unwrap();
    assert_eq!(read_epochs(&mut stack), [named(&["toy"], "abc|def")]);
}

// ---- layers of any kind ----

struct Count(usize);

impl Watch for Count {
    fn sent(&mut self, _: &Context<'_>, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

#[test]
fn a_watch_and_a_layer_without_a_type_are_called_too() {
    let mut stack = Stack::new(Limits::default());
    let watch = stack.push(Count(0)).unwrap();
    let boxed: Box<dyn Layer> = Box::new(Count(0));
    let boxed = stack.push(boxed).unwrap();
    stack.write(b"text").unwrap();
    let seen = stack.with_layer(watch, |count, _| count.0).unwrap();
    assert_eq!(seen, 4);
    let name = stack.with_layer(boxed, |layer, cx| {
        cx.send(b"!");
        layer.name().to_owned()
    });
    assert_eq!(name.unwrap(), "Count");
    assert_eq!(stack.outgoing(), b"text!");
}

// ---- other tasks ----

#[tokio::test]
async fn a_call_that_is_dropped_before_it_was_made_is_taken_back() {
    let (io, mut peer) = duplex(100);
    let mut connection = Connection::new(io);
    let spy = connection.push(Spy::default()).await.unwrap();
    let handle = connection.handle();
    let calls = Arc::default();
    let called = count(&calls);
    let mut asked = Box::pin(handle.with_layer(spy, |_, _| called()));
    assert!(crate::waiting::poll_once(asked.as_mut()).is_pending());
    drop(asked);
    peer.write_u8(1).await.unwrap();
    connection.read_u8().await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn another_task_calls_a_layer_while_reading_is_frozen() {
    let (io, mut peer) = duplex(100);
    let mut connection = Connection::new(io);
    let spy = connection.push(Spy::default()).await.unwrap();
    let handle = connection.handle();
    let asked = tokio::spawn(async move { handle.with_layer(spy, |_, cx| cx.send(b"said")).await });
    tokio::task::yield_now().await;
    let mut frozen = connection.freeze();
    frozen.write_all(b"220 go").await.unwrap();
    frozen.flush().await.unwrap();
    asked.await.unwrap().unwrap();
    drop(frozen);
    let mut seen = [0; 10];
    peer.read_exact(&mut seen).await.unwrap();
    assert_eq!(&seen, b"said220 go");
}

#[tokio::test(start_paused = true)]
async fn a_time_asked_for_by_another_task_comes_while_the_owner_reads() {
    let (io, _peer) = duplex(100);
    let mut connection = Connection::new(io);
    let chimes = connection.push(Chimes).await.unwrap();
    let handle = connection.handle();
    let owner = tokio::spawn(async move {
        let mut said = [0; 4];
        connection.read_exact(&mut said).await.unwrap();
        said
    });
    let day = Duration::from_secs(24 * 60 * 60);
    let asked = handle.with_layer(chimes, move |_, cx| cx.wake_at(Some(cx.now() + day)));
    asked.await.unwrap();
    assert_eq!(&owner.await.unwrap(), b"ding");
}

/// What it says in time comes behind the end all the same.
#[test]
fn behind_the_end_of_input_nothing_is_delivered_in_time_either() {
    for in_time in [true, false] {
        let (app, log) = App::new();
        let mut stack = Stack::with_app(Box::new(app), Limits::default());
        let chimes = stack.push(Chimes).unwrap();
        let set = |_: &mut Chimes, cx: &mut Context<'_>| cx.wake_at(Some(Duration::from_secs(1)));
        stack.with_layer(chimes, set).unwrap();
        if in_time {
            stack.advance(Duration::from_secs(1));
        }
        stack.receive_end();
        stack.advance(Duration::from_secs(2));
        let log = log.lock().unwrap();
        let heard = log.iter().any(|line| line.contains("ding"));
        assert_eq!(heard, in_time, "{log:?}");
    }
}
