//! A layer that leaves before its handshake has begun; one that ends an epoch by itself; and one that
//! waits for more than bytes.

use std::any::{Any, TypeId};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use stack::{
    Changes, Chunk, Connection, Context, Error, ErrorKind, Event, Layer, LayerId, Limits, Protocol,
    PushError, Readiness, Signal, Stack, Standing, Template, Transport,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use crate::app::{App, Log};

/// Looks at what comes first, and withdraws where that is no `!`; says `first` and takes `taken` before.
#[derive(Debug, Default)]
struct Picky {
    first: &'static [u8],
    taken: usize,
}

impl Protocol for Picky {
    fn attached(&mut self, _: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        Ok(Readiness::Handshaking)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        if bytes.first() != Some(&b'!') {
            cx.send(self.first);
            cx.withdraw(Error::remote("not for me"));
            return Ok(self.taken);
        }
        cx.up();
        Ok(bytes.len())
    }
}

impl Transport for Picky {
    fn send(&mut self, _: &mut Context<'_>, _: Chunk<'_>) -> Result<(), Error> {
        Ok(())
    }
}

impl Layer for Picky {}

fn refused<T>(pushed: Result<T, PushError<Picky>>) -> (Picky, Error) {
    match pushed {
        Err(PushError::Refused { back, error }) => (back, error),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it came in"),
    }
}

#[test]
fn a_layer_that_withdraws_stays_until_it_is_taken_back_and_nothing_is_read_past_it() {
    let mut stack = Stack::new(Limits::default());
    let id: LayerId<Picky> = stack.push_after(b"go ahead\n", Picky::default()).unwrap();
    stack.receive(&mut b"plain".to_vec());
    assert!(stack.write(b"meant to be protected").is_err());
    assert!(stack.readable().is_empty() && !stack.is_up());
    stack.receive(&mut b" text".to_vec());
    assert!(stack.readable().is_empty());

    let (_layer, error) = stack.take_refused(id).unwrap();
    assert_eq!(error.layer(), Some("Picky"));
    assert!(stack.take_refused(id).is_none());
    assert_eq!(stack.readable(), b"plain text");
    assert_eq!(stack.epoch().layers().len(), 0);
    assert!(stack.is_up() && stack.layers().next().is_none());
    stack.write(b"plain").unwrap();
    stack.flush();
    assert_eq!(stack.outgoing(), b"go ahead\nplain");
}

#[test]
fn one_that_is_not_taken_back_runs_into_the_deadline() {
    let limits = Limits::default();
    let late = limits.handshake;
    let mut stack = Stack::new(limits);
    stack.push(Picky::default()).unwrap();
    stack.receive(&mut b"plain".to_vec());
    assert_eq!(stack.deadline(), Some(late));
    stack.advance(late);
    assert_eq!(stack.write(b"x").unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(stack.readable().is_empty());
}

#[test]
fn one_that_has_sent_or_taken_something_fails_the_connection() {
    let sent = Picky {
        first: b"hello",
        taken: 0,
    };
    let taken = Picky {
        first: b"",
        taken: 1,
    };
    for layer in [sent, taken] {
        let mut stack = Stack::new(Limits::default());
        let id = stack.push(layer).unwrap();
        stack.receive(&mut b"plain".to_vec());
        assert_eq!(stack.write(b"x").unwrap_err().layer(), Some("Picky"));
        assert!(stack.readable().is_empty() && stack.take_refused(id).is_none());
    }
}

#[test]
fn so_does_one_below_another() {
    let mut stack = Stack::new(Limits::default());
    stack.push(Picky::default()).unwrap();
    stack.push(Picky::default()).unwrap();
    stack.receive(&mut b"plain".to_vec());
    assert_eq!(stack.write(b"x").unwrap_err().layer(), Some("Picky"));
}

#[test]
fn an_application_of_callbacks_gets_it_back_and_then_the_bytes() {
    let (app, log) = App::new();
    let note = Log::clone(&log);
    let app = app
        .on_attached(|cx| {
            cx.push(Picky::default());
        })
        .on_event(move |_, event| {
            if let Event::PushRefused { layers, error } = event {
                let said = format!("{} layer back: {error}", layers.len());
                note.lock().unwrap().push(said);
            }
        });
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    stack.receive(&mut b"plain".to_vec());
    let log = log.lock().unwrap();
    let back = log.iter().position(|it| it.starts_with("1 layer back: "));
    let bytes = log.iter().position(|it| it.contains("plain"));
    assert!(back.is_some() && back < bytes, "{log:?}");
}

#[tokio::test]
async fn the_owner_gets_it_back_from_its_push_and_reads_on() {
    let (near, mut far) = duplex(64);
    let mut connection = Connection::new(near);
    far.write_all(b"plain").await.unwrap();
    let (layer, error) = refused(connection.push(Picky::default()).await);
    assert_eq!(error.layer(), Some("Picky"));
    let mut read = [0; 5];
    connection.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"plain");

    // Nothing is left of it: it may come in again, or several at once.
    far.write_all(b"more").await.unwrap();
    let mut changes = Changes::new();
    changes.push(layer);
    let Err(PushError::Refused { back, .. }) = connection.apply(changes).await else {
        panic!("it came in");
    };
    assert_eq!(back.into_layers().len(), 1);
    connection.read_exact(&mut read[..4]).await.unwrap();
    assert_eq!(&read[..4], b"more");
}

#[tokio::test]
async fn who_waits_for_all_to_be_up_learns_of_it() {
    let (near, mut far) = duplex(64);
    far.write_all(b"plain").await.unwrap();
    let template = Template::new().layer("picky", Picky::default);
    let failed = Connection::from_template(near, &template).await;
    assert_eq!(failed.unwrap_err().layer(), Some("Picky"));
}

/// Lets all pass but a `|`, with which an epoch ends in which it was called so; or, by time, says
/// `early` before that.
pub(crate) struct Pages(pub(crate) &'static str);

impl Protocol for Pages {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        match bytes.iter().position(|byte| *byte == b'|') {
            Some(0) => {
                cx.end_epoch(self.0);
                Ok(1)
            }
            Some(n) => {
                cx.deliver(&mut bytes[..n]);
                Ok(n)
            }
            None => {
                cx.deliver(bytes);
                Ok(bytes.len())
            }
        }
    }

    fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        cx.deliver(&mut b"early".to_vec());
        cx.end_epoch(self.0);
        Ok(())
    }
}

impl Transport for Pages {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        cx.send(chunk);
        Ok(())
    }
}

impl Layer for Pages {
    fn name(&self) -> &str {
        "late"
    }
}

#[test]
fn a_layer_ends_an_epoch_and_no_read_straddles_it() {
    for cut in 0..=11 {
        let mut stack = Stack::new(Limits::default());
        stack.push(Pages("early")).unwrap();
        let mut bytes = b"early|later".to_vec();
        let (first, second) = bytes.split_at_mut(cut);
        stack.receive(first);
        stack.receive(second);
        let first = stack.epoch();
        assert_eq!(first.layers().collect::<Vec<_>>(), ["early"], "{cut}");
        assert_eq!(stack.readable(), b"early", "{cut}");
        stack.consume(5);
        let second = stack.epoch();
        assert_eq!(second.layers().collect::<Vec<_>>(), ["late"], "{cut}");
        assert!(second.number() > first.number());
        assert_eq!(stack.readable(), b"later", "{cut}");
        stack.consume(5);
        assert!(stack.readable().is_empty());
    }
}

/// Is up once something of somebody else's is ready.
pub(crate) struct Waits {
    pub(crate) ready: Arc<AtomicUsize>,
    pub(crate) signal: Signal,
}

impl Protocol for Waits {
    fn attached(&mut self, _: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        Ok(Readiness::Handshaking)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        if self.ready.load(Ordering::SeqCst) == 0 {
            return Ok(0);
        }
        cx.up();
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}

impl Transport for Waits {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        cx.send(chunk);
        Ok(())
    }
}

impl Layer for Waits {
    fn info(&self, wanted: TypeId) -> Option<&dyn Any> {
        (wanted == TypeId::of::<Signal>()).then_some(&self.signal)
    }
}

#[test]
fn a_layer_that_raises_its_signal_is_called_with_what_waits() {
    let (ready, signal) = (Arc::<AtomicUsize>::default(), Signal::new());
    let mut stack = Stack::new(Limits::default());
    let waits = Waits {
        ready: Arc::clone(&ready),
        signal: signal.clone(),
    };
    stack.push(waits).unwrap();
    stack.receive(&mut b"hello".to_vec());
    stack.answer_signals();
    assert!(!stack.is_up());
    ready.store(1, Ordering::SeqCst);
    signal.raise();
    stack.answer_signals();
    assert!(stack.is_up() && !signal.is_raised());
    assert_eq!(stack.readable(), b"hello");
}

#[tokio::test]
async fn whoever_drives_is_woken_by_a_signal() {
    let (ready, signal) = (Arc::<AtomicUsize>::default(), Signal::new());
    let waits = Waits {
        ready: Arc::clone(&ready),
        signal: signal.clone(),
    };
    let (near, mut far) = duplex(64);
    far.write_all(b"hello").await.unwrap();
    let mut connection = Connection::new(near);
    let answer = async {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        ready.store(1, Ordering::SeqCst);
        signal.raise();
    };
    let (pushed, ()) = tokio::join!(connection.push(waits), answer);
    pushed.unwrap();
    let mut read = [0; 5];
    connection.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"hello");
}
