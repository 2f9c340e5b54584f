//! Sequences that somebody thought of who meant ill.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Waker};
use std::time::Duration;

use stack::{
    Changes, Chunk, Connection, Context, Error, ErrorKind, Exit, Layer, LayerKey, Limits, Protocol,
    PushError, Readiness, Residue, Stack, Standing, Transport, Turn,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};
use tokio::time::timeout;

use crate::pair::{Cut, read_all, read_epochs};
use crate::toy::{Stages, TAG, Toy, Witness, hello, mark, record, toy};

/// Asks for something when it is attached, or refuses; else passes on.
struct Asks {
    ask: fn(&mut Context<'_>) -> Result<(), Error>,
    exit: Exit,
    attached: Arc<AtomicUsize>,
}

fn asks(ask: fn(&mut Context<'_>) -> Result<(), Error>) -> Asks {
    Asks {
        ask,
        exit: Exit::Anytime,
        attached: Arc::default(),
    }
}

fn refuses() -> Asks {
    asks(|_| Err(Error::local("not today")))
}

fn plain() -> Asks {
    asks(|_| Ok(()))
}

impl Protocol for Asks {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        self.attached.fetch_add(1, Ordering::SeqCst);
        (self.ask)(cx).map(|()| Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}

impl Transport for Asks {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        cx.send(chunk);
        Ok(())
    }
}

impl Layer for Asks {
    fn exit(&self) -> Exit {
        self.exit
    }
}

/// Changes each byte, and has no end mark.
struct Xor;

impl Protocol for Xor {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        bytes.iter_mut().for_each(|byte| *byte ^= TAG);
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}

impl Transport for Xor {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        let mut bytes = chunk.as_slice().to_vec();
        bytes.iter_mut().for_each(|byte| *byte ^= TAG);
        cx.send(&mut bytes);
        Ok(())
    }
}

impl Layer for Xor {}

fn is_refused<T>(made: Result<T, PushError<Changes>>) -> ErrorKind {
    match made {
        Err(PushError::Refused { error, .. }) => error.kind(),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it is made"),
    }
}

fn xored(text: &[u8]) -> Vec<u8> {
    text.iter().map(|byte| byte ^ TAG).collect()
}

// ---- accounts ----

#[test]
fn bytes_that_were_put_back_feed_a_pushed_layer() {
    let mut stack = Stack::new(Limits::default());
    stack.unread(&record(TAG, b"early")).unwrap();
    stack.push(toy()).unwrap();
    assert_eq!(read_all(&mut stack), b"early");
}

#[test]
fn the_accounts_can_be_read_after_a_failure_above_a_layer_that_is_passed_by() {
    let mut stack = Stack::new(Limits::default());
    let low = stack.push(Toy::new("low", 1)).unwrap();
    stack.push(Toy::new("top", 4)).unwrap();
    stack.replace(low, Toy::new("new", 2)).unwrap();
    stack.receive(&mut record(1, b"no record of the top layer's"));
    assert!(stack.write(b"x").is_err());
    let drawn = format!("{stack:#}");
    assert!(drawn.lines().all(|line| line.len() < 110), "{drawn}");
}

#[test]
fn the_accounts_can_be_read_after_the_budget_was_used_up_past_a_leaving_layer() {
    let limits = Limits {
        budget: 64 * 1024,
        ..Limits::default()
    };
    let mut stack = Stack::new(limits);
    let id = stack.push(toy()).unwrap();
    stack.start_pop(id).unwrap();
    while stack.write(&[0; 8 * 1024]).is_ok() {}
    let _ = format!("{stack:#}");
}

// ---- transactions ----

#[test]
fn a_gate_that_a_layer_closed_opens_when_its_transaction_is_undone() {
    let mut stack = Stack::new(Limits::default());
    let mut changes = Changes::new();
    changes.push(asks(|cx| {
        cx.push(plain());
        Ok(())
    }));
    changes.push(refuses());
    is_refused(stack.apply(changes));
    assert!(stack.wants_input(), "it never reads again");
}

#[test]
fn an_anchor_of_a_layer_that_was_refused_does_not_hold() {
    struct Anchors(LayerKey);
    impl Protocol for Anchors {
        fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
            cx.anchor(self.0).unwrap();
            Err(Error::local("not today"))
        }
        fn received(&mut self, _: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
            Ok(bytes.len())
        }
    }
    impl Transport for Anchors {
        fn send(&mut self, _: &mut Context<'_>, _: Chunk<'_>) -> Result<(), Error> {
            Ok(())
        }
    }
    impl Layer for Anchors {}
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(plain()).unwrap();
    assert!(stack.push(Anchors(id.key())).is_err());
    stack.start_pop(id).unwrap();
}

#[test]
fn what_was_staged_above_a_removed_layer_goes_out_through_it() {
    let mut stack = Stack::new(Limits::default());
    let xor = stack.push(Xor).unwrap();
    stack.push(Stages::default()).unwrap();
    stack.write(b"secret").unwrap();
    let mut changes = Changes::new();
    changes.remove(xor);
    stack.apply(changes).unwrap();
    stack.flush();
    assert_eq!(stack.outgoing(), xored(b"secret"));
}

#[test]
fn a_layer_that_stages_can_be_replaced_and_removed_as_it_can_be_popped() {
    for change in [
        (|stack, id| stack.start_pop(id).unwrap()) as fn(&mut Stack, LayerKey),
        |stack, id| {
            stack.replace(id, plain()).unwrap();
        },
        |stack, id| {
            let mut changes = Changes::new();
            changes.remove(id);
            stack.apply(changes).unwrap();
        },
    ] {
        let mut stack = Stack::new(Limits::default());
        let id = stack.push(Stages::default()).unwrap();
        stack.write(b"staged").unwrap();
        change(&mut stack, id.key());
        assert_eq!(stack.outgoing(), b"staged");
    }
}

#[test]
fn a_layer_goes_once_however_often_it_is_named() {
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(plain()).unwrap();
    stack.watch(true);
    let epoch = stack.write_epoch().number();
    let mut changes = Changes::new();
    changes.remove(id);
    changes.remove(id);
    let _ = stack.apply(changes);
    let turns: Vec<_> = stack.take_notices().iter().map(|it| it.turn).collect();
    let leaving = turns.iter().filter(|it| **it == Turn::Leaving).count();
    assert!(leaving <= 1, "{turns:?}");
    assert!(stack.write_epoch().number() <= epoch + 1);
}

#[test]
fn who_watches_is_not_told_of_layers_that_never_came_in() {
    let mut stack = Stack::new(Limits::default());
    stack.watch(true);
    let mut changes = Changes::new();
    changes.push(plain());
    changes.push(refuses());
    is_refused(stack.apply(changes));
    assert_eq!(stack.take_notices(), []);
}

#[test]
fn watching_again_forgets_nothing() {
    let mut stack = Stack::new(Limits::default());
    stack.watch(true);
    stack.push(plain()).unwrap();
    stack.watch(true);
    assert_eq!(stack.take_notices().len(), 1);
}

#[test]
fn a_transaction_is_not_busy_with_itself() {
    let mut stack = Stack::new(Limits::default());
    let mut changes = Changes::new();
    let tls = changes.push(toy().client());
    changes.insert_below(tls, plain());
    assert_eq!(
        is_refused(stack.apply(changes)),
        ErrorKind::Refused,
        "waiting does not help"
    );
}

#[test]
fn a_transaction_that_has_to_wait_attaches_nothing() {
    let mut stack = Stack::new(Limits::default());
    let old = stack.push(toy()).unwrap();
    stack.start_pop(old).unwrap();
    let first = plain();
    let attached = Arc::clone(&first.attached);
    let mut changes = Changes::new();
    changes.push(first);
    changes.push(Toy::new("tls", 2).server());
    assert_eq!(is_refused(stack.apply(changes)), ErrorKind::Busy);
    assert_eq!(attached.load(Ordering::SeqCst), 0);
}

#[test]
fn bytes_that_a_layer_delivers_when_it_is_attached_cross_what_stands_above_it() {
    let mut stack = Stack::new(Limits::default());
    let mut changes = Changes::new();
    changes.push(HandsBack(asks(|cx| {
        cx.deliver(&mut b"first".to_vec());
        Ok(())
    })));
    changes.push(HandsBack(plain()));
    stack.apply(changes).unwrap();
    stack.push(HandsBack(plain())).unwrap();
    let both = vec!["HandsBack".to_owned(), "HandsBack".to_owned()];
    assert_eq!(read_epochs(&mut stack), [(both, "first".to_owned())]);
}

struct HandsBack<L>(L);

impl<L: Layer> Protocol for HandsBack<L> {
    fn attached(&mut self, cx: &mut Context<'_>, at: &Standing) -> Result<Readiness, Error> {
        self.0.attached(cx, at)
    }
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        self.0.received(cx, bytes)
    }
}

impl<L: Layer> Transport for HandsBack<L> {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        self.0.send(cx, chunk)
    }
}

impl<L: Layer> Layer for HandsBack<L> {
    fn residue(&self) -> Residue {
        Residue::HandBack
    }
}

#[test]
fn what_is_handed_back_does_not_depend_on_the_room_above() {
    for inbox in [1, 1000] {
        let limits = Limits {
            inbox,
            ..Limits::default()
        };
        let mut stack = Stack::new(limits);
        stack.push(toy()).unwrap();
        stack.receive(&mut [record(TAG, b"one "), record(TAG, b"two ")].concat());
        if let Err(error) = stack.push(HandsBack(Xor)) {
            assert!(matches!(error, PushError::Refused { .. }));
            continue;
        }
        assert_eq!(read_all(&mut stack), b"one two ", "inbox {inbox}");
    }
}

// ---- ends and failures ----

#[test]
fn a_layer_is_told_of_the_end_of_input_once() {
    let mut stack = Stack::new(Limits::default());
    let (witness, log) = Witness::new();
    let id = stack.push(witness).unwrap();
    stack.receive_end();
    stack.insert_below(id, plain()).unwrap();
    let ends = || {
        let log = log.lock().unwrap();
        log.iter().filter(|it| *it == "end received").count()
    };
    assert_eq!(ends(), 1);
}

#[test]
fn a_flush_that_fails_before_a_layer_comes_in_is_told_of_who_failed() {
    let mut stack = Stack::new(Limits::default());
    let low = stack.push(plain()).unwrap();
    let failing = Stages {
        fails: true,
        ..Stages::default()
    };
    stack.push(failing).unwrap();
    let inserted = stack.insert_above(low, Toy::new("innocent", 3));
    let error = inserted.unwrap_err();
    assert_eq!(error.error().layer(), Some("Stages"));
}

// ---- surgery: replaced again and again, in every order ----

#[test]
fn a_replacing_layer_is_replaced_before_the_first_mark() {
    let mut stack = Stack::new(Limits::default());
    let old = stack.push(Toy::new("old", 1)).unwrap();
    stack.push(Toy::new("top", 4)).unwrap();
    let mid = stack.replace(old, Toy::new("mid", 2)).unwrap();
    stack.replace(mid, Toy::new("new", 3)).unwrap();
    let inner = |text| record(4, text);
    let wire = [
        record(1, &inner(b"a")),
        mark(),
        record(2, &inner(b"b")),
        mark(),
        record(3, &inner(b"c")),
    ];
    for mut byte in wire.concat().chunks(1).map(<[u8]>::to_vec) {
        stack.receive(&mut byte);
    }
    let named = |name: &str, text: &str| (vec![name.to_owned(), "top".to_owned()], text.to_owned());
    let expected = [named("old", "a"), named("mid", "b"), named("new", "c")];
    assert_eq!(read_epochs(&mut stack), expected);
    assert_eq!(stack.to_string(), "app <=> top <=> new <=> network");
}

#[test]
fn marks_of_two_leaving_layers_with_an_awaiting_one_above_each() {
    for cut in Cut::EACH {
        for (inbox, work) in [(1, 1), (1, 16), (1000, 1)] {
            let limits = Limits {
                inbox,
                work,
                ..Limits::default()
            };
            let mut stack = Stack::new(limits);
            let low = stack.push(Toy::new("low", 1)).unwrap();
            let top = stack.push(Toy::new("top", 2)).unwrap();
            stack.start_pop(low).unwrap();
            stack.push(Toy::new("a", 3)).unwrap();
            stack.start_pop(top).unwrap();
            stack.push(Toy::new("b", 4)).unwrap();
            let wire = [
                record(1, &record(2, b"0")),
                record(1, &record(2, b"1")),
                mark(),
                record(2, &record(3, b"2")),
                record(2, &record(3, b"3")),
                mark(),
                record(3, &record(4, b"4")),
            ]
            .concat();
            let pieces: Vec<Vec<u8>> = match cut {
                Cut::Lump => vec![wire.clone()],
                Cut::Drip => wire.iter().map(|byte| vec![*byte]).collect(),
                Cut::At(n) => {
                    let n = n.min(wire.len());
                    vec![wire[..n].to_vec(), wire[n..].to_vec()]
                }
            };
            let mut seen = Vec::new();
            for mut piece in pieces {
                stack.receive(&mut piece);
                for _ in 0..20 {
                    stack.advance(Duration::ZERO);
                    seen.extend(read_epochs(&mut stack));
                }
            }
            let mut joined: Vec<(Vec<String>, String)> = Vec::new();
            for (layers, text) in seen {
                match joined.last_mut() {
                    Some((last, all)) if *last == layers => all.push_str(&text),
                    _ => joined.push((layers, text)),
                }
            }
            let named = |layers: &[&str], text: &str| {
                let layers = layers.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
                (layers, text.to_owned())
            };
            assert_eq!(
                joined,
                [
                    named(&["low", "top"], "01"),
                    named(&["top", "a"], "23"),
                    named(&["a", "b"], "4")
                ],
                "{cut:?} inbox {inbox} work {work} {stack:?}"
            );
            assert_eq!(stack.to_string(), "app <=> b <=> a <=> network");
        }
    }
}

// ---- handles ----

#[tokio::test]
async fn two_tasks_that_wait_do_not_wake_each_other_while_an_errand_is_under_way() {
    let (io, _peer) = duplex(8);
    let mut connection = Connection::new(io);
    let handle = connection.handle();
    let old = connection.push(toy()).await.unwrap();
    let (mut reader, mut writer) = split(connection);
    let polls = Arc::new(AtomicUsize::new(0));
    let reading = tokio::spawn(counted(&polls, async move {
        let _ = reader.read(&mut [0; 10]).await;
    }));
    let writing = tokio::spawn(counted(&polls, async move {
        let _ = writer.write_all(&[0; 1000]).await;
        let _ = writer.flush().await;
    }));
    let popping = tokio::spawn(async move { handle.pop(old).await.map(|_| ()) });
    settle().await;
    let before = polls.load(Ordering::SeqCst);
    settle().await;
    let spun = polls.load(Ordering::SeqCst) - before;
    assert!(spun < 10, "{spun} polls in silence");
    reading.abort();
    writing.abort();
    popping.abort();
}

/// Lets all other tasks of a runtime with one thread have many turns.
async fn settle() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

/// Counts how often the future is polled.
fn counted<F: Future>(polls: &Arc<AtomicUsize>, it: F) -> impl Future<Output = F::Output> + use<F> {
    let polls = Arc::clone(polls);
    let mut it = Box::pin(it);
    std::future::poll_fn(move |task: &mut Task<'_>| {
        polls.fetch_add(1, Ordering::SeqCst);
        it.as_mut().poll(task)
    })
}

#[tokio::test]
async fn a_layer_is_ripped_out_though_a_change_waits_for_it_in_line() {
    let (io, _peer) = duplex(1000);
    let mut connection = Connection::new(io);
    let handle = connection.handle();
    let old = connection.push(toy()).await.unwrap();
    let owner = tokio::spawn(async move { connection.read(&mut [0; 10]).await.map(|_| ()) });
    handle.start_pop(old).await.unwrap();
    let pushing = tokio::spawn({
        let handle = handle.clone();
        async move { handle.push(Toy::new("tls", 2).client()).await.map(|_| ()) }
    });
    tokio::task::yield_now().await;
    let ripped = timeout(Duration::from_secs(20), handle.rip(old)).await;
    assert!(ripped.is_ok(), "it waits behind what waits for it");
    pushing.abort();
    owner.abort();
}

/// Runs it on a thread of its own, which may never come back. Whether it did.
fn comes_back<F: Future>(it: impl FnOnce() -> F + Send + 'static) -> bool {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            let _ = timeout(Duration::from_millis(300), it()).await;
        });
        let _ = tell.send(());
    });
    told.recv_timeout(Duration::from_secs(60)).is_ok()
}

#[test]
fn a_transaction_that_can_never_be_made_does_not_take_the_thread() {
    assert!(comes_back(|| async {
        let (io, _peer) = duplex(1000);
        let mut connection = Connection::new(io);
        let mut changes = Changes::new();
        let tls = changes.push(toy().client());
        changes.insert_below(tls, plain());
        let _ = connection.apply(changes).await;
    }));
}

#[test]
fn a_transaction_that_waits_in_line_does_not_take_the_thread() {
    assert!(comes_back(|| async {
        let (io, _peer) = duplex(1000);
        let mut connection = Connection::new(io);
        let handle = connection.handle();
        let old = connection.push(toy()).await.unwrap();
        connection.start_pop(old).await.unwrap();
        let mut changes = Changes::new();
        changes.push(asks(|cx| {
            cx.send(b"hello");
            Ok(())
        }));
        changes.push(Toy::new("tls", 2).server());
        let mut byte = [0];
        let (_, _) = tokio::join!(connection.read(&mut byte), handle.apply(changes));
    }));
}

#[tokio::test]
async fn every_errand_on_a_connection_that_is_gone_says_so() {
    let (io, _peer) = duplex(1000);
    let mut connection = Connection::new(io);
    let handle = connection.handle();
    let id = connection.push(toy()).await.unwrap();
    drop(connection);
    let ripped = handle.rip(id).await.map(|_| ()).unwrap_err();
    assert_eq!(ripped.kind(), ErrorKind::Closed);
    let anchored = handle.anchor(id).await.unwrap_err();
    assert_eq!(anchored.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn a_frozen_connection_does_not_thaw_to_wait_in_line() {
    let (io, mut peer) = duplex(1000);
    let mut connection = Connection::new(io);
    let old = connection.push(toy()).await.unwrap();
    connection.start_pop(old).await.unwrap();
    let mut frozen = connection.freeze();
    frozen.write_all(b"go ahead").await.unwrap();
    frozen.flush().await.unwrap();
    let hello = hello(2);
    peer.write_all(&[mark(), hello].concat()).await.unwrap();
    let pushed = timeout(
        Duration::from_secs(20),
        frozen.push(Toy::new("tls", 2).server()),
    )
    .await
    .expect("it waits");
    match pushed {
        Ok(_) => {}
        Err(PushError::Refused { error, .. }) => assert_eq!(error.kind(), ErrorKind::Busy),
        Err(other) => panic!("an honest peer is rejected: {other:?}"),
    }
}

/// A layer that is dropped says so.
struct Dropped(Toy, Arc<Mutex<usize>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        *self.1.lock().unwrap() += 1;
    }
}

impl Protocol for Dropped {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        self.0.received(cx, bytes)
    }
}

impl Transport for Dropped {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        self.0.send(cx, chunk)
    }
}

impl Layer for Dropped {}

#[tokio::test]
async fn errands_that_were_taken_back_do_not_pile_up_while_nobody_drives() {
    let (io, _peer) = duplex(1000);
    let mut connection = Connection::new(io);
    let handle = connection.handle();
    let gone = Arc::new(Mutex::new(0));
    let mut task = Task::from_waker(Waker::noop());
    for _ in 0..1000 {
        let mut pushing = pin!(handle.push(Dropped(toy(), Arc::clone(&gone))));
        assert!(pushing.as_mut().poll(&mut task).is_pending());
    }
    let gone = *gone.lock().unwrap();
    assert!(gone > 900, "only {gone} of 1000 are gone");
}

#[tokio::test]
async fn errands_that_were_taken_back_do_not_pile_up_behind_one_that_waits() {
    let (io, _peer) = duplex(1000);
    let mut connection = Connection::new(io);
    let handle = connection.handle();
    let old = connection.push(toy()).await.unwrap();
    let owner = tokio::spawn(async move { connection.read(&mut [0; 10]).await.map(|_| ()) });
    handle.start_pop(old).await.unwrap();
    let mut pushing = pin!(handle.push(Toy::new("tls", 2).client()));
    let mut task = Task::from_waker(Waker::noop());
    assert!(pushing.as_mut().poll(&mut task).is_pending());
    let gone = Arc::new(Mutex::new(0));
    for _ in 0..100 {
        let pushing = handle.push(Dropped(toy(), Arc::clone(&gone)));
        assert!(timeout(Duration::from_millis(1), pushing).await.is_err());
    }
    let gone = *gone.lock().unwrap();
    assert!(gone > 90, "only {gone} of 100 are gone");
    owner.abort();
}

#[tokio::test]
async fn a_look_that_panics_is_its_askers_affair() {
    let (io, mut peer) = duplex(1000);
    let mut connection = Connection::new(io);
    let handle = connection.handle();
    let owner = tokio::spawn(async move { connection.read_u8().await });
    let looking = tokio::spawn(async move {
        handle.look(|_| -> () { panic!("oh dear") }).await.unwrap();
    });
    let panic = looking.await.unwrap_err().into_panic();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"oh dear"));
    peer.write_all(b"7").await.unwrap();
    assert_eq!(owner.await.unwrap().unwrap(), b'7');
}

#[tokio::test]
async fn the_end_mark_of_a_pop_by_handle_leaves_though_the_owner_only_writes() {
    let (io, mut peer) = duplex(1000);
    let mut connection = Connection::new(io);
    let handle = connection.handle();
    let old = connection.push(toy()).await.unwrap();
    let popping = tokio::spawn(async move { handle.start_pop(old).await });
    tokio::task::yield_now().await;
    connection.write_all(b"x").await.unwrap();
    popping.await.unwrap().unwrap();
    let mut seen = [0; 2];
    let read = timeout(Duration::from_secs(20), peer.read_exact(&mut seen)).await;
    assert!(read.is_ok(), "what `start_pop` says was sent is not");
}

#[tokio::test]
async fn the_last_notice_is_told_when_the_connection_is_dropped() {
    let (io, _peer) = duplex(1000);
    let mut connection = Connection::new(io);
    let handle = connection.handle();
    let mut notices = handle.notices();
    let id = connection.push(toy()).await.unwrap();
    connection.rip(id).unwrap();
    drop(connection);
    let mut turns = Vec::new();
    while let Some(notice) = notices.next().await {
        turns.push(notice.turn);
    }
    assert_eq!(turns.len(), 2, "{turns:?}");
}

#[tokio::test]
async fn a_pop_of_a_connection_that_has_failed_says_that_it_has() {
    let (io, mut peer) = duplex(1000);
    let mut connection = Connection::new(io);
    let id = connection.push(toy()).await.unwrap();
    peer.write_all(b"nonsense").await.unwrap();
    assert!(connection.read(&mut [0]).await.is_err());
    let popped = connection.pop(id).await.map(|_| ());
    assert!(
        matches!(popped, Err(stack::PopError::Failed(_))),
        "{popped:?}"
    );
}

/// Answers one byte with as many as it can.
struct Flood;

impl Protocol for Flood {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        for _ in 0..1000 {
            cx.send(&[0; 64 * 1024]);
        }
        Ok(bytes.len())
    }
}

impl Transport for Flood {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        cx.send(chunk);
        Ok(())
    }
}

impl Layer for Flood {}

#[test]
fn what_a_layer_queues_over_the_budget_is_not_kept() {
    let used = allocation_counter::measure(|| {
        let mut stack = Stack::new(Limits::default());
        stack.push(Flood).unwrap();
        stack.receive(&mut [0]);
        let end = stack.input_end().unwrap();
        assert_eq!(end.error().unwrap().kind(), ErrorKind::Limit);
    });
    // Without, its 64 MB would all be kept. A queue grows by doubling.
    assert!(used.bytes_max < 32 * 1024 * 1024, "{used:?}");
}
