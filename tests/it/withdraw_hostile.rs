//! What could go wrong where a layer withdraws, ends an epoch, or raises a signal.

use std::any::{Any, TypeId};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stack::{
    Changes, Chunk, Connection, Context, Error, Event, Layer, LayerId, Limits, Popping, Protocol,
    PushError, Readiness, Residue, Signal, Stack, Standing, Transport,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use crate::app::App;
use crate::toy::{Stages, TAG, Toy, mark, record, toy};
use crate::withdraw::{Pages, Waits};

/// When a [`Shy`] layer withdraws.
#[derive(Clone, Copy, PartialEq)]
enum When {
    Attached,
    /// And then it refuses by itself.
    AttachedAndFails,
    Received,
    TimedOut,
    EndReceived,
    Sent,
}

/// Withdraws at some time, keeps what is written until a flush, and notes how it was called.
struct Shy {
    when: When,
    residue: Residue,
    staged: Vec<u8>,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Shy {
    fn new(when: When) -> Self {
        Self {
            when,
            residue: Residue::Feed,
            staged: Vec::new(),
            calls: Arc::default(),
        }
    }

    fn call(&self, what: impl Into<String>) {
        self.calls.lock().unwrap().push(what.into());
    }
}

impl Protocol for Shy {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        match self.when {
            When::Attached => cx.withdraw(Error::local("shy")),
            When::AttachedAndFails => {
                cx.withdraw(Error::local("shy"));
                return Err(Error::local("shy"));
            }
            When::TimedOut => cx.wake_at(Some(Duration::from_secs(1))),
            _ => {}
        }
        Ok(Readiness::Handshaking)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        self.call(format!("received {}", String::from_utf8_lossy(bytes)));
        if self.when == When::Received {
            cx.withdraw(Error::local("shy"));
        }
        Ok(0)
    }

    fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.when == When::TimedOut {
            cx.withdraw(Error::local("shy"));
        }
        Ok(())
    }

    fn end_received(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.when == When::EndReceived {
            cx.withdraw(Error::local("shy"));
        }
        Ok(())
    }
}

impl Transport for Shy {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        self.call("sent");
        self.staged.extend_from_slice(chunk.as_slice());
        if self.when == When::Sent {
            cx.withdraw(Error::local("shy"));
        }
        Ok(())
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.calls.lock().unwrap().iter().any(|it| it == "flushes") {
            cx.send(&std::mem::take(&mut self.staged));
        }
        Ok(())
    }
}

impl Layer for Shy {
    fn residue(&self) -> Residue {
        self.residue
    }

    fn held(&self) -> usize {
        self.staged.len()
    }
}

// ---- withdraw ----

/// "Until whoever pushed it has taken it back, the layer stays where it is, and is handed nothing more".
#[test]
fn a_withdrawn_layer_is_handed_nothing_more() {
    let mut stack = Stack::new(Limits::default());
    let shy = Shy::new(When::Received);
    let calls = Arc::clone(&shy.calls);
    stack.push(shy).unwrap();
    stack.receive(&mut b"plain".to_vec());
    stack.receive(&mut b" text".to_vec());
    assert!(stack.write(b"x").is_err());
    assert_eq!(*calls.lock().unwrap(), ["received plain"]);
}

/// The layer is said to be mute.
#[test]
fn a_withdrawn_layer_is_mute() {
    let mut stack = Stack::new(Limits::default());
    let shy = Shy::new(When::Received);
    shy.call("flushes");
    let id = stack.push(shy).unwrap();
    stack.receive(&mut b"plain".to_vec());
    assert!(stack.write(b"meant to be protected").is_err());
    stack.flush();
    assert_eq!(stack.outgoing(), b"");
    stack.take_refused(id).unwrap();
    assert_eq!(stack.outgoing(), b"");
}

/// A refused push leaves no trace.
#[test]
fn a_push_refused_by_a_layer_that_also_withdrew() {
    let mut stack = Stack::new(Limits::default());
    let refused = stack.push(Shy::new(When::AttachedAndFails));
    assert!(matches!(refused, Err(PushError::Refused { .. })));
    stack.receive(&mut b"plain".to_vec());
    stack.write(b"on").unwrap();
    assert_eq!(stack.readable(), b"plain");
}

struct Refuses;

impl Protocol for Refuses {
    fn attached(&mut self, _: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        Err(Error::local("not today"))
    }
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}

impl Transport for Refuses {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        cx.send(chunk);
        Ok(())
    }
}

impl Layer for Refuses {}

/// The same: all or none.
#[test]
fn changes_undone_forget_that_one_of_them_withdrew() {
    let mut stack = Stack::new(Limits::default());
    let mut changes = Changes::new();
    changes.push(Shy::new(When::Attached));
    changes.push(Refuses);
    assert!(matches!(
        stack.apply(changes),
        Err(PushError::Refused { .. })
    ));
    stack.write(b"on").unwrap();
    assert!(stack.is_up());
}

/// Nobody comes in below one that withdraws, so its place is what it was.
#[test]
fn nothing_comes_in_below_one_that_withdraws_in_the_same_change() {
    let mut stack = Stack::new(Limits::default());
    let shy = stack.push(Shy::new(When::Received)).unwrap();
    stack.receive(&mut b"plain".to_vec());
    let inserted = stack.insert_below(shy, Stages::default());
    assert!(matches!(inserted, Err(PushError::Refused { .. })));
    assert!(stack.take_refused(shy).is_some());
}

/// "`push(TLS)`, `send(password)`, and the push refused: the password must not go out in clear."
#[test]
fn what_a_callback_sent_behind_its_push_never_goes_out_in_clear() {
    let (app, _) = App::new();
    let app = app.on_attached(|cx| {
        cx.push(Shy::new(When::Attached));
        cx.send(b"password");
    });
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    stack.flush();
    assert_eq!(stack.outgoing(), b"");
}

/// The application and the layer both wait for the same time; it has not been told of the refusal.
#[test]
fn what_an_app_sends_before_it_is_told_never_goes_out_in_clear() {
    let (app, _) = App::new();
    let app = app
        .on_attached(|cx| {
            cx.wake_at(Some(Duration::from_secs(1)));
            cx.push(Shy::new(When::TimedOut));
        })
        .on_time(|cx| cx.send(b"password"));
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    stack.advance(Duration::from_secs(1));
    stack.flush();
    assert_eq!(stack.outgoing(), b"");
}

/// The pop of a layer below waits for the handshake; then there is none to wait for.
#[test]
fn a_pop_that_waited_for_the_handshake_goes_on() {
    let mut stack = Stack::new(Limits::default());
    let below = stack.push(toy()).unwrap();
    let shy = stack.push(Shy::new(When::Received)).unwrap();
    stack.start_pop(below).unwrap();
    assert_eq!(stack.popping(below), Popping::Waiting);
    stack.receive(&mut record(TAG, b"plain"));
    stack.take_refused(shy).unwrap();
    stack.advance(Duration::from_secs(1));
    assert!(
        matches!(stack.popping(below), Popping::OutboundEnded { .. }),
        "{:?}",
        stack.popping(below)
    );
}

/// "Forbids for good that the layer, or any below it, leaves."
#[test]
fn an_anchored_layer_does_not_leave_by_withdrawing() {
    let mut stack = Stack::new(Limits::default());
    let shy = stack.push(Shy::new(When::Received)).unwrap();
    stack.anchor(shy).unwrap();
    stack.receive(&mut b"plain".to_vec());
    assert!(stack.take_refused(shy).is_none());
    assert_eq!(stack.readable(), b"");
}

/// "Nothing began: the stack works on as before." But the old layer has gone.
#[test]
fn a_replacement_that_withdraws_does_not_leave_the_connection_in_clear() {
    let mut stack = Stack::new(Limits::default());
    let old = stack.push(toy()).unwrap();
    let shy = stack.replace(old, Shy::new(When::Received)).unwrap();
    let mut bytes = mark();
    bytes.extend_from_slice(b"plain");
    stack.receive(&mut bytes);
    stack.flush();
    let n = stack.outgoing().len();
    stack.sent(n);
    if stack.take_refused(shy).is_some() {
        // As before: what is written goes through the old layer.
        stack.write(b"secret").unwrap();
        stack.flush();
        assert_ne!(stack.outgoing(), b"secret");
    }
}

/// The same where the driver says so.
#[tokio::test(start_paused = true)]
async fn the_owner_is_not_told_that_nothing_began_when_the_old_layer_has_gone() {
    let (near, mut far) = duplex(64);
    let mut connection = Connection::new(near);
    let old = connection.push(toy()).await.unwrap();
    let mut bytes = mark();
    bytes.extend_from_slice(b"plain");
    far.write_all(&bytes).await.unwrap();
    match connection.replace(old, Shy::new(When::Received)).await {
        Err(PushError::Refused { .. }) => {
            let _ = connection.write_all(b"secret").await;
            let _ = connection.flush().await;
            let mut seen = [0; 64];
            let n = far.read(&mut seen).await.unwrap();
            let seen = &seen[..n];
            assert!(!seen.windows(6).any(|it| it == b"secret"), "{seen:?}");
        }
        Err(PushError::Begun(_)) => {}
        other => panic!("{:?}", other.map(|_| ()).map_err(|e| e.map(|_| ()))),
    }
}

/// Changes are all or none.
#[test]
fn of_several_changes_none_is_left_when_one_withdraws() {
    let mut stack = Stack::new(Limits::default());
    let mut changes = Changes::new();
    changes.push(Stages::default());
    let shy = changes.push(Shy::new(When::Received));
    stack.apply(changes).unwrap();
    stack.receive(&mut b"plain".to_vec());
    if stack.take_refused(shy).is_some() {
        assert_eq!(stack.layers().count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn of_several_changes_none_is_left_by_the_driver_either() {
    let (near, mut far) = duplex(64);
    let mut connection = Connection::new(near);
    far.write_all(b"plain").await.unwrap();
    let mut changes = Changes::new();
    changes.push(Stages::default());
    changes.push(Shy::new(When::Received));
    match connection.apply(changes).await {
        Err(PushError::Refused { back, .. }) => {
            assert_eq!(
                back.into_layers().len(),
                2,
                "and all of them are given back"
            );
            assert_eq!(connection.stack().layers().count(), 0);
        }
        Err(PushError::Begun(_)) => {}
        _ => panic!(),
    }
}

/// "the connection is as it was before the layer was pushed": the bytes, and the end behind them.
#[test]
fn the_end_of_input_behind_what_it_withdrew_from() {
    for before in [false, true] {
        let mut stack = Stack::new(Limits::default());
        if before {
            stack.receive(&mut b"plain".to_vec());
            stack.receive_end();
        }
        let shy = stack.push(Shy::new(When::Received)).unwrap();
        if !before {
            stack.receive(&mut b"plain".to_vec());
            stack.receive_end();
        }
        assert!(stack.take_refused(shy).is_some(), "{before}");
        assert_eq!(stack.readable(), b"plain");
        stack.consume(5);
        assert!(stack.input_end().unwrap().error().is_none());
        stack.write(b"on").unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_input_comes_by_the_driver_too() {
    let (near, mut far) = duplex(64);
    let mut connection = Connection::new(near);
    far.write_all(b"plain").await.unwrap();
    far.shutdown().await.unwrap();
    let mut first = [0; 1];
    connection.read_exact(&mut first).await.unwrap();
    tokio::task::yield_now().await;
    // Most readers have met the end by now, too.
    let _ = tokio::time::timeout(Duration::from_millis(10), connection.ready()).await;
    match connection.push(Shy::new(When::Received)).await {
        Err(PushError::Refused { .. }) => {}
        Err(PushError::Begun(error)) => panic!("{error}"),
        _ => panic!(),
    }
    let mut rest = Vec::new();
    connection.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"lain");
}

/// It awaits the mark of one below, which would not wait for it.
#[test]
fn one_that_withdraws_while_it_awaits_fails_the_connection() {
    let mut stack = Stack::new(Limits::default());
    let below = stack.push(toy()).unwrap();
    stack.start_pop(below).unwrap();
    let pushed = stack.push(Shy::new(When::Attached));
    assert!(matches!(pushed, Err(PushError::Begun(_))));
    stack.receive(&mut [mark(), b"plain".to_vec()].concat());
    assert!(stack.readable().is_empty());
}

/// A layer above one that has withdrawn.
#[test]
fn a_push_above_one_that_has_withdrawn() {
    let mut stack = Stack::new(Limits::default());
    let shy = stack.push(Shy::new(When::Attached)).unwrap();
    let pushed = stack.push(Toy::new("toy", TAG).client());
    let taken = stack.take_refused(shy);
    stack.flush();
    let said = stack.outgoing().to_vec();
    // Either it is not let in, or its greeting goes out, or the connection has failed.
    assert!(
        pushed.is_err() || !said.is_empty() || stack.write(b"x").is_err(),
        "taken: {}; its greeting is lost",
        taken.is_some()
    );
}

#[test]
fn it_withdraws_in_any_call_unless_something_was_written_through_it() {
    for when in [When::TimedOut, When::EndReceived, When::Sent] {
        let mut stack = Stack::new(Limits::default());
        let shy = stack.push(Shy::new(when)).unwrap();
        match when {
            When::TimedOut => stack.advance(Duration::from_secs(1)),
            When::EndReceived => stack.receive_end(),
            _ => assert!(stack.write(b"secret").is_err()),
        }
        let back = stack.take_refused(shy);
        assert_eq!(back.is_some(), when != When::Sent);
        stack.flush();
        assert_eq!(stack.outgoing(), b"");
        assert!(stack.take_refused(shy).is_none());
    }
}

#[test]
fn a_shutdown_asked_meanwhile_takes_place() {
    let mut stack = Stack::new(Limits::default());
    let shy = stack.push(Shy::new(When::Received)).unwrap();
    stack.shutdown();
    stack.receive(&mut b"plain".to_vec());
    assert!(!stack.outgoing_ended());
    stack.take_refused(shy).unwrap();
    assert!(stack.outgoing_ended());
}

/// A handle pushes onto a connection that `serve` drives.
#[tokio::test(start_paused = true)]
async fn a_handle_is_told_that_its_layer_withdrew_also_from_an_app() {
    let (near, mut far) = duplex(64);
    let (app, log) = App::new();
    let (handle, served) = stack::serve_with_handle(near, app, Limits::default());
    let client = async {
        let pushed = handle.push(Shy::new(When::Received));
        let say = async {
            far.write_all(b"plain").await.unwrap();
        };
        let (pushed, ()) = tokio::join!(pushed, say);
        drop(far);
        pushed
    };
    let (pushed, _) = tokio::join!(client, served);
    let what = match &pushed {
        Ok(_) => "it came in",
        Err(PushError::Refused { .. }) => "refused",
        Err(_) => "other",
    };
    assert_eq!(what, "refused", "{:?}", log.lock().unwrap());
}

/// Twice: what is left of the second word?
#[tokio::test(start_paused = true)]
async fn ready_tells_nothing_of_a_layer_that_has_gone() {
    let mut stack = Stack::new(Limits::default());
    let shy: LayerId<Shy> = stack.push(Shy::new(When::Received)).unwrap();
    stack.receive(&mut b"plain".to_vec());
    stack.receive(&mut b" text".to_vec());
    stack.take_refused(shy).unwrap();
    stack.consume(10);
    // Whoever asks for it now asks for nothing; a second entry would be reported by `ready`.
    let (near, mut far) = duplex(64);
    let mut connection = Connection::new(near);
    let handle = connection.handle();
    let mut push = Box::pin(handle.push(Shy::new(When::Received)));
    assert!(futures_poll(&mut push).is_none());
    let _ = tokio::time::timeout(Duration::from_millis(5), connection.ready()).await;
    drop(push);
    for text in [b"plain", b" text"] {
        far.write_all(text).await.unwrap();
        let _ = tokio::time::timeout(Duration::from_millis(5), connection.ready()).await;
    }
    let told = connection.ready().await.unwrap_err();
    assert_eq!(told.layer(), Some("Shy"));
}

fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut task = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut task) {
        std::task::Poll::Ready(it) => Some(it),
        std::task::Poll::Pending => None,
    }
}

// ---- end_epoch ----

/// Hands on what comes byte by byte, as a layer of small records does.
struct Chops;

impl Protocol for Chops {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        for piece in bytes.chunks_mut(1) {
            cx.deliver(piece);
        }
        Ok(bytes.len())
    }
}

impl Transport for Chops {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        cx.send(chunk);
        Ok(())
    }
}

impl Layer for Chops {}

/// "what it delivers in calls to come is of the next".
#[test]
fn calls_to_come_in_the_same_pass_are_of_the_next_epoch() {
    let mut stack = Stack::new(Limits::default());
    stack.push(Chops).unwrap();
    stack.push(Pages("early")).unwrap();
    stack.receive(&mut b"early|later".to_vec());
    assert_eq!(stack.readable(), b"early");
}

/// "What this layer has delivered by now, in this call and before, is of an epoch that is over".
#[test]
fn what_was_delivered_in_a_call_by_time_is_of_the_epoch_that_is_over() {
    struct Timed(Pages);
    impl Protocol for Timed {
        fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
            cx.wake_at(Some(Duration::from_secs(1)));
            Ok(Readiness::Up)
        }
        fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
            self.0.received(cx, bytes)
        }
        fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
            self.0.timed_out(cx)
        }
    }
    impl Transport for Timed {
        fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
            self.0.send(cx, chunk)
        }
    }
    impl Layer for Timed {
        fn name(&self) -> &str {
            "late"
        }
    }
    let mut stack = Stack::new(Limits::default());
    stack.push(Timed(Pages("early"))).unwrap();
    stack.advance(Duration::from_secs(1));
    stack.receive(&mut b"later".to_vec());
    assert_eq!(stack.readable(), b"early");
    assert_eq!(stack.epoch().layers().collect::<Vec<_>>(), ["early"]);
}

/// Two layers end an epoch in one pass.
#[test]
fn two_layers_end_an_epoch_in_one_pass() {
    /// Ends an epoch behind all that it is handed in one call.
    struct Ends(&'static str);
    impl Protocol for Ends {
        fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
            cx.deliver(bytes);
            cx.end_epoch(self.0);
            Ok(bytes.len())
        }
    }
    impl Transport for Ends {
        fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
            cx.send(chunk);
            Ok(())
        }
    }
    impl Layer for Ends {}
    let mut stack = Stack::new(Limits::default());
    stack.push(Ends("low")).unwrap();
    stack.push(Ends("high")).unwrap();
    stack.receive(&mut b"early".to_vec());
    assert_eq!(stack.epoch().layers().collect::<Vec<_>>(), ["low", "high"]);
}

// ---- signals ----

/// Lets others have their turn.
async fn later() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// "Its inbound half has not begun: it is called for that when it has."
#[tokio::test(start_paused = true)]
async fn a_signal_raised_while_its_layer_awaits_a_mark_is_answered_behind_it() {
    let (near, mut far) = duplex(64);
    let mut connection = Connection::new(near);
    let old = connection.push(toy()).await.unwrap();
    let signal = Signal::new();
    let waits = Waits {
        ready: Arc::new(AtomicUsize::new(1)),
        signal: signal.clone(),
    };
    let peer = async {
        later().await;
        signal.raise();
        later().await;
        far.write_all(&mark()).await.unwrap();
        far
    };
    // If nobody calls it, its deadline does.
    let push = connection.replace(old, waits);
    let (pushed, _far) = tokio::join!(push, peer);
    assert!(pushed.is_ok());
}

/// A layer that raises its signal in each call lets others run.
#[tokio::test(start_paused = true)]
async fn a_signal_raised_in_each_call_lets_others_run() {
    struct Spins(Signal, Arc<AtomicUsize>);
    impl Protocol for Spins {
        fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
            self.1.fetch_add(1, Ordering::SeqCst);
            self.0.raise();
            cx.deliver(bytes);
            Ok(bytes.len())
        }
        fn timed_out(&mut self, _: &mut Context<'_>) -> Result<(), Error> {
            self.0.raise();
            Ok(())
        }
    }
    impl Transport for Spins {
        fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
            cx.send(chunk);
            Ok(())
        }
    }
    impl Layer for Spins {
        fn info(&self, wanted: TypeId) -> Option<&dyn Any> {
            (wanted == TypeId::of::<Signal>()).then_some(&self.0)
        }
    }
    let (near, mut far) = duplex(64);
    let mut connection = Connection::new(near);
    let signal = Signal::new();
    signal.raise();
    let calls = Arc::<AtomicUsize>::default();
    connection
        .push(Spins(signal, Arc::clone(&calls)))
        .await
        .unwrap();
    let other = async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        far.write_all(b"hello").await.unwrap();
    };
    let mut read = [0; 5];
    let (n, ()) = tokio::join!(connection.read_exact(&mut read), other);
    n.unwrap();
    assert!(calls.load(Ordering::SeqCst) > 2);
}

/// The signal outlives its connection: whose task is kept, whose is woken?
#[tokio::test(start_paused = true)]
async fn a_signal_that_outlives_its_connection_keeps_no_task() {
    use std::task::Wake;
    struct Counts(AtomicUsize);
    impl Wake for Counts {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let task = Arc::new(Counts(AtomicUsize::new(0)));
    let waker = std::task::Waker::from(Arc::clone(&task));
    let signal = Signal::new();
    {
        let (near, _far) = duplex(64);
        let mut connection = Connection::new(near);
        let waits = Waits {
            ready: Arc::default(),
            signal: signal.clone(),
        };
        let mut push = Box::pin(connection.push(waits));
        let mut cx = std::task::Context::from_waker(&waker);
        assert!(push.as_mut().poll(&mut cx).is_pending());
    }
    drop(waker);
    let before = task.0.load(Ordering::SeqCst);
    signal.raise();
    assert_eq!(task.0.load(Ordering::SeqCst), before, "woken for nothing");
    assert_eq!(Arc::strong_count(&task), 1, "kept alive");
}

#[test]
fn early_up_then_mark_then_end() {
    struct Early;
    impl Protocol for Early {
        fn attached(&mut self, _: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
            Ok(Readiness::Handshaking)
        }
        fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
            cx.up_early();
            match bytes.iter().position(|it| *it == b'.') {
                Some(n) => {
                    cx.deliver(&mut bytes[..n]);
                    cx.end_mark();
                    Ok(n + 1)
                }
                None => {
                    cx.deliver(bytes);
                    Ok(bytes.len())
                }
            }
        }
    }
    impl Transport for Early {
        fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
            cx.send(chunk);
            Ok(())
        }
    }
    impl Layer for Early {
        fn exit(&self) -> stack::Exit {
            stack::Exit::Marked
        }
    }
    let limits = Limits::default();
    let late = limits.handshake;
    let mut stack = Stack::new(limits);
    let id = stack.push(Early).unwrap();
    stack.receive(&mut b"early.plain".to_vec());
    assert_eq!(stack.readable(), b"early");
    stack.consume(5);
    assert_eq!(stack.readable(), b"");
    stack.start_pop(id).unwrap();
    assert_eq!(stack.popping(id), Popping::Waiting);
    assert_eq!(stack.deadline(), Some(late));
    stack.advance(late);
    assert_eq!(stack.readable(), b"");
    assert!(stack.write(b"x").is_err());
}

#[test]
fn notices_and_events_of_a_withdrawal() {
    let (app, log) = App::new();
    let app = app
        .on_attached(|cx| {
            let id = cx.push(Shy::new(When::Received));
            cx.pop(id);
        })
        .on_event(|_, event| if let Event::PushRefused { .. } = event {});
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    stack.receive(&mut b"plain".to_vec());
    let log = log.lock().unwrap();
    assert!(log.iter().any(|it| it == "Shy refused"), "{log:?}");
    assert!(log.iter().any(|it| it == "received plain"), "{log:?}");
}

/// "so nobody reads past it who does not know": the one who pushed has gone, and the owner knows nothing.
#[tokio::test(start_paused = true)]
async fn a_handle_s_push_is_dropped_and_then_its_layer_withdraws() {
    let (near, mut far) = duplex(64);
    let mut connection = Connection::new(near);
    let handle = connection.handle();
    let mut push = Box::pin(handle.push(Shy::new(When::Received)));
    assert!(futures_poll(&mut push).is_none());
    let _ = tokio::time::timeout(Duration::from_millis(5), connection.ready()).await;
    assert_eq!(connection.stack().layers().count(), 1);
    drop(push);
    far.write_all(b"plain").await.unwrap();
    let mut read = [0; 5];
    let read = tokio::time::timeout(Duration::from_millis(50), connection.read(&mut read)).await;
    assert!(read.is_err(), "the owner reads {read:?} in clear");
    assert_eq!(connection.stack().layers().count(), 1);
}

/// The owner's push, dropped likewise.
#[tokio::test(start_paused = true)]
async fn the_owner_s_push_is_dropped_and_then_its_layer_withdraws() {
    let (near, mut far) = duplex(64);
    let mut connection = Connection::new(near);
    let push = connection.push(Shy::new(When::Received));
    let _ = tokio::time::timeout(Duration::from_millis(5), push).await;
    far.write_all(b"plain").await.unwrap();
    let mut read = [0; 5];
    let read = tokio::time::timeout(Duration::from_millis(50), connection.read(&mut read)).await;
    assert!(read.is_err(), "the owner reads {read:?} in clear");
    assert_eq!(connection.ready().await.unwrap_err().layer(), Some("Shy"));
}

/// Its deadline has failed the connection; what was below it is never read.
#[test]
fn taken_back_behind_its_deadline() {
    let limits = Limits::default();
    let late = limits.handshake;
    let mut stack = Stack::new(limits);
    let shy = stack.push(Shy::new(When::Received)).unwrap();
    stack.receive(&mut b"plain".to_vec());
    stack.advance(late);
    assert!(stack.write(b"x").is_err());
    let taken = stack.take_refused(shy).is_some();
    assert_eq!(stack.readable(), b"", "taken: {taken}");
}

/// An app is told of the refusal before it is handed what was below the layer.
#[test]
fn an_app_is_told_before_it_is_handed_plain_bytes() {
    /// Delivers by time.
    struct Late;
    impl Protocol for Late {
        fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
            cx.wake_at(Some(Duration::from_secs(1)));
            Ok(Readiness::Up)
        }
        fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
            cx.deliver(bytes);
            Ok(bytes.len())
        }
        fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
            cx.deliver(&mut b"plain".to_vec());
            Ok(())
        }
    }
    impl Transport for Late {
        fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
            cx.send(chunk);
            Ok(())
        }
    }
    impl Layer for Late {}
    let (app, log) = App::new();
    let app = app.on_attached(|cx| {
        cx.push(Late);
        cx.push(Shy::new(When::TimedOut));
    });
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    stack.advance(Duration::from_secs(1));
    let log = log.lock().unwrap();
    let told = log.iter().position(|it| it == "Shy refused");
    let bytes = log.iter().position(|it| it == "received plain");
    assert!(told.is_some() && told < bytes, "{log:?}");
}

/// A layer that has withdrawn, and then says that it is up after all.
#[test]
fn one_that_has_withdrawn_does_not_come_up() {
    struct Fickle;
    impl Protocol for Fickle {
        fn attached(&mut self, _: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
            Ok(Readiness::Handshaking)
        }
        fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
            if bytes.len() < 6 {
                cx.withdraw(Error::local("not yet"));
                return Ok(0);
            }
            cx.up();
            cx.deliver(bytes);
            Ok(bytes.len())
        }
    }
    impl Transport for Fickle {
        fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
            cx.send(chunk);
            Ok(())
        }
    }
    impl Layer for Fickle {}
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(Fickle).unwrap();
    stack.receive(&mut b"plain".to_vec());
    stack.receive(&mut b" text".to_vec());
    assert!(!stack.is_up());
    assert!(stack.take_refused(id).is_some());
}

/// Two whose words come in one pass: the standing one below is in error, and that is told.
#[test]
fn a_standing_layer_that_withdraws_fails_the_connection_also_beside_another() {
    /// Withdraws though it is up.
    struct Mad;
    impl Protocol for Mad {
        fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
            cx.deliver(bytes);
            cx.withdraw(Error::local("mad"));
            Ok(bytes.len())
        }
    }
    impl Transport for Mad {
        fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
            cx.send(chunk);
            Ok(())
        }
    }
    impl Layer for Mad {}
    let mut stack = Stack::new(Limits::default());
    stack.push(Mad).unwrap();
    let shy = stack.push(Shy::new(When::Received)).unwrap();
    stack.receive(&mut b"plain".to_vec());
    let _ = stack.take_refused(shy);
    assert!(stack.write(b"x").is_err());
}

/// What waits at several boundaries, with a layer above that is leaving.
#[test]
fn an_epoch_ends_while_bytes_wait_at_several_boundaries() {
    /// Is called as what it hands on, as a layer with early data is.
    struct Book(Pages, bool);
    impl Protocol for Book {
        fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
            self.1 |= bytes.first() == Some(&b'|');
            self.0.received(cx, bytes)
        }
    }
    impl Transport for Book {
        fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
            self.0.send(cx, chunk)
        }
    }
    impl Layer for Book {
        fn name(&self) -> &str {
            if self.1 { "late" } else { "early" }
        }
    }
    let limits = Limits {
        inbox: 2,
        ..Limits::default()
    };
    let mut stack = Stack::new(limits);
    stack.push(Book(Pages("early"), false)).unwrap();
    let above = stack.push(toy()).unwrap();
    stack.start_pop(above).unwrap();
    let mut bytes = record(TAG, b"one");
    bytes.extend(record(TAG, b"two"));
    bytes.push(b'|');
    bytes.extend(record(TAG, b"three"));
    bytes.extend(mark());
    bytes.extend_from_slice(b"plain");
    stack.receive(&mut bytes);
    let mut seen: Vec<(String, String)> = Vec::new();
    loop {
        stack.advance(Duration::ZERO);
        if stack.readable().is_empty() {
            break;
        }
        let names = stack.epoch().layers().collect::<Vec<_>>().join(" ");
        let text = String::from_utf8_lossy(stack.readable()).into_owned();
        match seen.last_mut() {
            Some((last, all)) if *last == names => all.push_str(&text),
            _ => seen.push((names, text)),
        }
        stack.consume(stack.readable().len());
    }
    let told = |names: &str, text: &str| (names.to_owned(), text.to_owned());
    assert_eq!(
        seen,
        [
            told("early toy", "onetwo"),
            told("late toy", "three"),
            told("late", "plain")
        ]
    );
    assert!(stack.take_popped(above).is_some());
}
