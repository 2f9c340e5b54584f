//! What must hold in odd moments: a refusal in the middle of a callback, an end in the middle of a
//! turn, an id from elsewhere. Each test is named after its rule.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use stack::{
    Blame, Chunk, Connection, Context, End, Error, ErrorKind, Event, Exit, Layer, LayerId, Limits,
    Outcome, PopError, Protocol, Readiness, Residue, Stack, Standing, State, Transport,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use crate::pair::read_all;
use crate::toy::{TAG, Toy, Witness, mark, record, toy};

type Log = Arc<Mutex<Vec<String>>>;

/// Passes everything on, except for what it is told to do otherwise.
#[derive(Default)]
struct Odd {
    refuses: bool,
    /// Keeps what is sent until a flush.
    stages: bool,
    staged: Vec<u8>,
    flush_fails: bool,
    /// Says "ALERT" to whatever it receives, and fails.
    alerts: bool,
    /// Asks whether a block is wanted before it passes one on.
    asks: bool,
}

impl Protocol for Odd {
    fn attached(&mut self, _: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        if self.refuses {
            return Err(Error::local("not today"));
        }
        Ok(Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        if self.alerts {
            cx.send(b"ALERT");
            return Err(Error::remote("cannot be read"));
        }
        if self.asks && (bytes.is_empty() || !cx.wanted()) {
            return Ok(0);
        }
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}

impl Transport for Odd {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        if self.stages {
            self.staged.extend_from_slice(chunk.as_slice());
        } else {
            cx.send(chunk);
        }
        Ok(())
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.flush_fails {
            return Err(Error::local("the flush fails"));
        }
        cx.send(&mut std::mem::take(&mut self.staged));
        Ok(())
    }
}

impl Layer for Odd {
    fn exit(&self) -> Exit {
        Exit::Anytime
    }
}

/// Pushes a layer when it is told to go on, and sends a secret through it.
struct Secretive {
    log: Log,
    push: fn(&mut Context<'_>),
}

impl Protocol for Secretive {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        if !bytes.starts_with(b"go\n") {
            return Ok(bytes.len());
        }
        cx.send(b"as you say\n");
        (self.push)(cx);
        cx.send(b"swordfish\n");
        cx.push(Odd::default());
        Ok(3)
    }

    fn event(&mut self, _: &mut Context<'_>, event: Event) {
        let what = match event {
            Event::PushRefused { layers, .. } => format!("refused {}", layers[0].1.name()),
            Event::PushRejected {
                layers, residue, ..
            } => {
                let layer = &layers[0].1;
                let residue = String::from_utf8_lossy(&residue).into_owned();
                format!("rejected {} for {residue}", layer.name())
            }
            other => format!("{other:?}"),
        };
        self.log.lock().unwrap().push(what);
    }
}

#[test]
fn what_is_sent_behind_a_push_that_is_refused_never_goes_out_in_clear() {
    let refused: fn(&mut Context<'_>) = |cx| {
        cx.push(Odd {
            refuses: true,
            ..Odd::default()
        });
    };
    let rejected: fn(&mut Context<'_>) = |cx| {
        cx.push(toy().client());
    };
    let cases = [
        (refused, &b"go\n"[..], "refused Odd"),
        (rejected, b"go\nX", "rejected toy for X"),
    ];
    for (push, input, expected) in cases {
        let log = Log::default();
        let app = Secretive {
            log: Arc::clone(&log),
            push,
        };
        let mut stack = Stack::with_app(Box::new(app), Limits::default());
        stack.receive(&mut input.to_vec());
        stack.flush();
        assert_eq!(stack.outgoing(), b"as you say\n");
        assert_eq!(*log.lock().unwrap(), [expected, "refused Odd"]);
        assert_eq!(stack.to_string(), "app <=> network");
    }
}

/// Leaves one layer for another, and sends a secret through that.
struct Swaps(Option<LayerId<Toy>>);

impl Protocol for Swaps {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        self.0 = Some(cx.push(toy()));
        Ok(Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        if let Some(old) = self.0.take() {
            cx.pop(old);
            // The old one is still leaving, so this is refused.
            cx.push(toy().client());
            cx.send(b"swordfish\n");
        }
        Ok(bytes.len())
    }
}

#[test]
fn nor_does_it_where_a_leaving_layer_is_in_the_way() {
    let mut stack = Stack::with_app(Box::new(Swaps(None)), Limits::default());
    stack.receive(&mut record(TAG, b"go\n"));
    stack.flush();
    assert_eq!(stack.outgoing(), mark());
}

#[test]
fn parts_hold_every_epoch_and_what_no_layer_has_taken() {
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(toy()).unwrap();
    stack.push(Toy::new("upper", 1)).unwrap();
    let upper = [b'D', 1, b'u' ^ 1, b'D', 9];
    stack.receive(&mut [record(TAG, &upper), record(TAG, b"half")[..3].to_vec()].concat());
    stack.write(b"w").unwrap();
    let parts = stack.into_parts();
    let unread: Vec<_> = (parts.unread.iter())
        .map(|(epoch, bytes)| (epoch.layers().collect::<Vec<_>>(), &bytes[..]))
        .collect();
    assert_eq!(unread, [(vec!["toy", "upper"], &b"u"[..])]);
    let layers: Vec<_> = (parts.layers.iter())
        .map(|(layer, untaken)| (layer.name(), &untaken[..]))
        .collect();
    assert_eq!(
        layers,
        [("toy", &record(TAG, b"half")[..3]), ("upper", &[b'D', 9])]
    );
    assert_eq!(parts.unsent.len(), 2 + 2 + 1);

    let mut stack = Stack::new(Limits::default());
    let popped = stack.push(toy()).unwrap();
    assert_ne!(popped, id);
    stack.start_pop(popped).unwrap();
    stack.receive(&mut [record(TAG, b"tagged"), mark(), b"plain".to_vec()].concat());
    let parts = stack.into_parts();
    let unread: Vec<_> = (parts.unread.iter())
        .map(|(epoch, bytes)| (epoch.layers().collect::<Vec<_>>(), &bytes[..]))
        .collect();
    assert_eq!(unread, [(vec!["toy"], &b"tagged"[..]), (vec![], b"plain")]);
}

/// Sends an answer to whatever comes.
struct Answers;

impl Protocol for Answers {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        cx.send(b"answer");
        Ok(bytes.len())
    }
}

#[test]
fn an_input_that_ends_well_does_not_hide_that_the_answer_never_left() {
    let mut stack = Stack::with_app(Box::new(Answers), Limits::default());
    stack.receive(&mut b"question".to_vec());
    stack.receive_end();
    assert!(stack.app_end().unwrap().error().is_none());
    stack.fail_sending(Error::transport(std::io::ErrorKind::BrokenPipe.into()));
    let end = stack.app_end().unwrap();
    assert_eq!(end.error().map(Error::blame), Some(Blame::Transport));
}

#[test]
fn an_end_of_input_waits_for_a_layer_whose_turn_has_run_out() {
    for work in 1..4 {
        let mut stack = Stack::new(Limits {
            work,
            ..Limits::default()
        });
        for _ in 0..2 {
            stack
                .push(Odd {
                    asks: true,
                    ..Odd::default()
                })
                .unwrap();
        }
        stack.receive(&mut b"a".to_vec());
        stack.receive(&mut b"b".to_vec());
        stack.receive_end();
        let mut seen = Vec::new();
        for _ in 0..6 {
            seen.extend(read_all(&mut stack));
            stack.advance(Duration::ZERO);
        }
        assert_eq!(seen, b"ab");
        let end = stack.input_end().expect("an end, not a hang");
        assert!(end.error().is_none(), "{end:?}");
    }
}

/// Keeps all that comes, and hands it on at the end, as far as there is room.
#[derive(Default)]
struct Hoard(Vec<u8>, bool);

impl Hoard {
    fn hand_on(&mut self, cx: &mut Context<'_>) {
        while self.1 && !self.0.is_empty() && cx.wanted() {
            let block = self.0.len().min(16 * 1024);
            let mut block: Vec<_> = self.0.drain(..block).collect();
            cx.deliver(&mut block);
        }
    }
}

impl Protocol for Hoard {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        self.0.extend_from_slice(bytes);
        self.hand_on(cx);
        Ok(bytes.len())
    }

    fn end_received(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.1 = true;
        self.hand_on(cx);
        Ok(())
    }
}

impl Transport for Hoard {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        cx.send(chunk);
        Ok(())
    }
}

impl Layer for Hoard {}

#[test]
fn the_end_waits_for_a_layer_that_was_refused_room_when_it_was_told_of_it() {
    let bytes: Vec<u8> = (0..700_000).map(|i| (i / 7) as u8).collect();
    let mut stack = Stack::new(Limits::default());
    stack.push(Hoard::default()).unwrap();
    stack.push(Odd::default()).unwrap();
    stack.receive(&mut bytes.clone());
    stack.receive_end();
    let mut seen = read_all(&mut stack);
    while stack.input_end().is_none() {
        stack.advance(Duration::ZERO);
        seen.extend(read_all(&mut stack));
    }
    assert!(seen == bytes, "{} bytes of {}", seen.len(), bytes.len());
}

#[test]
fn the_last_word_of_a_failed_layer_leaves_through_one_that_stages() {
    let mut stack = Stack::new(Limits::default());
    stack
        .push(Odd {
            stages: true,
            ..Odd::default()
        })
        .unwrap();
    stack
        .push(Odd {
            alerts: true,
            ..Odd::default()
        })
        .unwrap();
    stack.receive(&mut b"x".to_vec());
    assert!(stack.input_end().unwrap().error().is_some());
    stack.flush();
    assert_eq!(stack.outgoing(), b"ALERT");
}

#[tokio::test]
async fn over_a_socket_too_the_last_word_leaves() {
    let (a, mut b) = duplex(100);
    let mut a = Connection::new(a);
    let stages = Odd {
        stages: true,
        ..Odd::default()
    };
    a.push(stages).await.unwrap();
    let alerts = Odd {
        alerts: true,
        ..Odd::default()
    };
    a.push(alerts).await.unwrap();
    b.write_all(b"x").await.unwrap();
    let read = a.read_u8().await;
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::InvalidData);
    let mut seen = [0; 5];
    let alert = b.read_exact(&mut seen);
    tokio::time::timeout(Duration::from_secs(1), alert)
        .await
        .expect("no alert")
        .unwrap();
    assert_eq!(&seen, b"ALERT");
}

#[tokio::test]
async fn an_id_of_another_connection_names_no_layer_here() {
    let ((a, _far_a), (b, _far_b)) = (duplex(100), duplex(100));
    let (mut a, mut b) = (Connection::new(a), Connection::new(b));
    let theirs: LayerId<Toy> = a.push(toy()).await.unwrap();
    b.push(toy()).await.unwrap();
    assert!(matches!(b.pop(theirs).await, Err(PopError::Refused(_))));
    assert!(b.rip(theirs).is_err());
    assert_eq!(b.layers().count(), 1);
}

#[tokio::test]
async fn a_layer_whose_push_was_dropped_can_still_be_named() {
    let (a, _far) = duplex(100);
    let mut a = Connection::new(a);
    let pushed = tokio::time::timeout(Duration::ZERO, a.push(toy().client())).await;
    assert!(pushed.is_err(), "nobody answers the hello");
    let view = a.layers().next().unwrap();
    assert!(view.id::<Odd>().is_none());
    let id: LayerId<Toy> = view.id().unwrap();
    assert_eq!(id.key(), view.key());
}

/// Takes one byte and pushes; writes down what it is offered.
struct TakesOne(Log, bool);

impl Protocol for TakesOne {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        self.0.lock().unwrap().push(text);
        if std::mem::replace(&mut self.1, true) {
            return Ok(bytes.len());
        }
        cx.push(Odd::default());
        Ok(1)
    }
}

#[test]
fn nobody_who_did_not_ask_is_offered_nothing() {
    let log = Log::default();
    let app = TakesOne(Arc::clone(&log), false);
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    stack.receive(&mut b"abc".to_vec());
    assert_eq!(*log.lock().unwrap(), ["abc", "bc"]);
}

/// Takes whole lines; pushes a layer at once, and pops it.
struct Lines(Log);

impl Protocol for Lines {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        let id = cx.push(toy());
        cx.pop(id);
        Ok(Readiness::Up)
    }

    fn received(&mut self, _: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        Ok(bytes.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1))
    }

    fn event(&mut self, _: &mut Context<'_>, event: Event) {
        if let Event::Left { layer, .. } = event {
            self.0
                .lock()
                .unwrap()
                .push(format!("{} left", layer.name()));
        }
    }
}

#[test]
fn half_a_line_holds_up_no_event_and_never_joins_the_next_epoch() {
    let log = Log::default();
    let mut stack = Stack::with_app(Box::new(Lines(Arc::clone(&log))), Limits::default());
    stack.receive(&mut [record(TAG, b"half a li"), mark()].concat());
    assert_eq!(*log.lock().unwrap(), ["toy left"]);
    stack.receive(&mut b"ne\n".to_vec());
    let end = stack.app_end().expect("it can never be a line");
    let error = end.error().expect("an error");
    assert_eq!(
        (error.kind(), error.blame()),
        (ErrorKind::Truncated, Blame::Remote)
    );
}

#[test]
fn a_failure_keeps_its_name_when_a_layer_below_it_is_ripped_out() {
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(toy()).unwrap();
    let fails = Odd {
        flush_fails: true,
        ..Odd::default()
    };
    stack.push(fails).unwrap();
    assert!(matches!(
        stack.rip(id),
        Ok((_, Outcome::Ripped { held: 0 }))
    ));
    let end = stack.input_end().unwrap();
    assert_eq!(end.error().and_then(Error::layer), Some("Odd"));
}

#[test]
fn a_handshake_that_has_begun_cannot_be_ripped_out_for_plaintext() {
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(toy().client()).unwrap();
    assert_eq!(
        stack.rip(id).map(|_| ()).unwrap_err().kind(),
        ErrorKind::Refused
    );
    stack.write(b"secret").unwrap();
    assert_eq!(stack.outgoing().len(), 2 + 5, "the hello alone");
    stack.advance(Duration::from_secs(10));
    assert!(stack.write(b"in clear").is_err());
    assert!(
        !stack
            .layers()
            .any(|layer| layer.state() == State::Standing && !stack.is_up())
    );
    assert_eq!(stack.outgoing().len(), 2 + 5);
}

#[test]
fn nothing_is_called_after_lost_and_nobody_goes_without() {
    let (witness, log) = Witness::new();
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(toy()).unwrap();
    stack.push(witness).unwrap();
    stack.close(End::Clean);
    let _ = stack.rip(id);
    assert_eq!(*log.lock().unwrap(), ["attached", "lost: clean"]);

    let (witness, log) = Witness::new();
    let mut stack = Stack::with_app(Box::new(Answers), Limits::default());
    stack.push(witness).unwrap();
    assert!(stack.into_app().is_some());
    assert_eq!(*log.lock().unwrap(), ["attached", "lost: clean"]);
    assert!(Stack::new(Limits::default()).into_app().is_none());

    // Taken apart, the layers may go on elsewhere; the application cannot.
    let (app, app_log) = Witness::new();
    let (layer, layer_log) = Witness::new();
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    stack.push(layer).unwrap();
    let parts = stack.into_parts();
    assert_eq!(*app_log.lock().unwrap(), ["attached", "lost: clean"]);
    assert_eq!(*layer_log.lock().unwrap(), ["attached"]);
    assert_eq!(parts.layers.len(), 1);
}

#[test]
fn what_is_put_back_for_an_application_is_offered_to_it() {
    let log = Log::default();
    let app = TakesOne(Arc::clone(&log), true);
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    stack.unread(b"back").unwrap();
    assert_eq!(*log.lock().unwrap(), ["back"]);
}

/// Rejects what came before it; needed where a toy's own rule does not do.
struct Strict;

impl Protocol for Strict {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}

impl Transport for Strict {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        cx.send(chunk);
        Ok(())
    }
}

impl Layer for Strict {
    fn residue(&self) -> Residue {
        Residue::Reject
    }
}

#[test]
fn half_a_record_below_a_standing_layer_is_residue_too() {
    let mut stack = Stack::new(Limits::default());
    stack.push(toy()).unwrap();
    stack.receive(&mut record(TAG, b"half")[..3].to_vec());
    let pushed = stack.push(Strict);
    assert_eq!(
        pushed.map(|_| ()).unwrap_err().error().kind(),
        ErrorKind::Residue
    );
}

/// Two turns' work for the lower layer; with the last of it, the upper one gets a record that it
/// may take in the next turn only.
fn behind_the_work(work: usize) -> Vec<u8> {
    let answer = [b'k', 4, 1, 1, 1, 1]; // Costs the upper layer no work, and makes nothing.
    let mut wire = record(TAG, &answer).repeat(2 * work - 1);
    wire.extend(record(
        TAG,
        &[vec![b'D', 4], b"text".map(|b| b ^ 1).to_vec(), mark()].concat(),
    ));
    wire.extend(mark());
    wire
}

#[test]
fn an_end_behind_bytes_that_wait_for_the_next_turn_is_no_truncation() {
    let mut stack = Stack::new(Limits {
        work: 1,
        ..Limits::default()
    });
    stack.push(toy()).unwrap();
    stack.push(Toy::new("high", 1)).unwrap();
    stack.receive(&mut behind_the_work(1));
    stack.receive_end();
    let mut seen = Vec::new();
    for _ in 0..9 {
        stack.advance(Duration::ZERO);
        seen.extend(read_all(&mut stack));
    }
    let end = stack.input_end().unwrap();
    assert!(end.error().is_none(), "{end:?}");
    assert_eq!(seen, b"text");
}

#[tokio::test]
async fn with_default_limits_an_end_right_behind_the_data_is_no_truncation() {
    let (a, mut b) = duplex(1000);
    let mut a = Connection::new(a);
    a.push(toy()).await.unwrap();
    a.push(Toy::new("high", 1)).await.unwrap();
    let work = Limits::default().work as usize;
    b.write_all(&behind_the_work(work)).await.unwrap();
    b.shutdown().await.unwrap();
    let mut seen = Vec::new();
    let read = a.read_to_end(&mut seen).await;
    assert!(read.is_ok(), "{read:?} after {seen:?}");
    assert_eq!(seen, b"text");
}

#[test]
fn a_read_that_brings_nothing_changes_nothing() {
    let kinds = [false, true].map(|fill| {
        let mut stack = Stack::with_app(Box::new(Lines(Log::default())), Limits::default());
        stack.receive(&mut [record(TAG, b"half a line"), mark()].concat());
        if fill {
            stack.input_space();
            stack.filled(0);
        }
        stack.receive_end();
        let end = stack.app_end().unwrap();
        let error = end.error().unwrap();
        (error.kind(), error.blame(), error.to_string())
    });
    assert_eq!(kinds[0].0, ErrorKind::Truncated);
    assert_eq!(kinds[0], kinds[1]);
}

/// Asks for a time again and again, and says something each time.
struct Ticks;

impl Protocol for Ticks {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        cx.wake_at(Some(cx.now() + Duration::from_secs(1)));
        Ok(Readiness::Up)
    }

    fn received(&mut self, _: &mut Context<'_>, _: &mut [u8]) -> Result<usize, Error> {
        Err(Error::remote("it understands nothing"))
    }

    fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        cx.send(b"tick");
        cx.wake_at(Some(cx.now() + Duration::from_secs(1)));
        Ok(())
    }
}

impl Transport for Ticks {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        cx.send(chunk);
        Ok(())
    }
}

impl Layer for Ticks {}

#[test]
fn a_layer_of_a_connection_that_has_failed_is_not_called_when_its_time_comes() {
    let mut stack = Stack::new(Limits::default());
    stack.push(Ticks).unwrap();
    stack.advance(Duration::from_secs(1));
    assert_eq!(stack.outgoing(), b"tick");
    assert_eq!(stack.deadline(), Some(Duration::from_secs(2)));
    stack.receive(&mut [0]);
    assert!(stack.input_end().is_some_and(|end| end.error().is_some()));
    assert_eq!(stack.deadline(), None);
    stack.advance(Duration::from_secs(2));
    assert_eq!(stack.outgoing(), b"tick");
}
