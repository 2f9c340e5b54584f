//! What hostile reviews found, each by the rule that was broken.

use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use stack::{
    Chunk, Connection, Context, Error, Event, Exit, Layer, Limits, Popping, Protocol, PushError,
    Readiness, Stack, Standing, Transport,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf, duplex};

use crate::pair::{Cut, Pair, read_all, read_epochs};
use crate::toy::{Toy, Witness, hello, mark, question, record, toy};

/// Whether `test` ends within a second.
fn ends(test: impl FnOnce() + Send + 'static) -> bool {
    let (done, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        test();
        let _ = done.send(());
    });
    wait.recv_timeout(Duration::from_secs(1)).is_ok()
}

/// Passes on what is sent, and four times what is received, except for what it is told to do
/// otherwise.
#[derive(Default)]
struct Pass {
    refuse: bool,
    deliver_at_attach: Option<&'static [u8]>,
    push_at_attach: bool,
    marked: bool,
    /// Output that is inside, to be made block by block as it is wanted.
    inside: Vec<u8>,
    send_fails: bool,
    hold_back_until_flush: bool,
}

impl Protocol for Pass {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        if self.push_at_attach {
            cx.push(Pass::default());
        }
        if let Some(bytes) = self.deliver_at_attach {
            cx.deliver(&mut bytes.to_vec());
        }
        if self.refuse {
            return Err(Error::local("not today"));
        }
        Ok(Readiness::Up)
    }
    /// Each byte becomes a block of four.
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        self.inside.extend_from_slice(bytes);
        while !self.inside.is_empty() && cx.wanted() {
            let byte = self.inside.remove(0);
            cx.deliver(&mut [byte; 4]);
        }
        Ok(bytes.len())
    }
}

impl Transport for Pass {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        if self.send_fails {
            return Err(Error::local("no more"));
        }
        if self.hold_back_until_flush {
            cx.hold_back(true);
            return Ok(());
        }
        cx.send(chunk);
        Ok(())
    }
    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.hold_back_until_flush {
            cx.hold_back(false);
        }
        Ok(())
    }
}

impl Layer for Pass {
    fn exit(&self) -> Exit {
        if self.marked {
            Exit::Marked
        } else {
            Exit::Anytime
        }
    }
    fn held(&self) -> usize {
        self.inside.len()
    }
}

#[test]
fn a_high_mark_below_the_default_low_mark_does_not_spin() {
    assert!(ends(|| {
        let mut stack = Stack::new(Limits {
            outbox_high: 4096,
            ..Limits::default()
        });
        stack.write(&[0; 8192]).unwrap();
    }));
}

#[test]
fn a_refused_push_leaves_no_trace_in_the_epochs() {
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(toy()).unwrap();
    stack.start_pop(id.key()).unwrap();
    let wire = [record(0x20, b"tagged"), mark(), b"plain".to_vec()].concat();
    stack.receive(&mut wire.clone());
    let before = stack.write_epoch().number();
    assert!(matches!(
        stack.push(Pass {
            refuse: true,
            ..Pass::default()
        }),
        Err(PushError::Refused { .. })
    ));
    assert_eq!(stack.write_epoch().number(), before);
    assert_eq!(
        read_epochs(&mut stack),
        [
            (vec!["toy".to_owned()], "tagged".to_owned()),
            (vec![], "plain".to_owned())
        ]
    );
    stack.receive(&mut b"more".to_vec());
    assert_eq!(read_epochs(&mut stack), [(vec![], "more".to_owned())]);
}

#[test]
fn a_transport_failure_and_then_an_undecodable_record_end_the_input() {
    let mut stack = Stack::new(Limits {
        inbox: 4,
        ..Limits::default()
    });
    stack.push(toy()).unwrap();
    let wire = [
        record(0x20, b"12345678"),
        record(0x20, b"abcdefgh"),
        b"??".to_vec(),
    ]
    .concat();
    stack.receive(&mut wire.clone());
    stack.fail(Error::transport(io::ErrorKind::ConnectionReset.into()));
    assert_eq!(read_all(&mut stack), b"12345678abcdefgh");
    assert!(stack.input_end().is_some(), "the end never rises");
}

#[test]
fn what_a_layer_answers_is_bounded() {
    let mut stack = Stack::new(Limits::default());
    stack.push(toy()).unwrap();
    for _ in 0..200_000 {
        if !stack.wants_input() {
            break;
        }
        stack.receive(&mut question(0x20).repeat(30));
    }
    let limit = Limits::default().budget;
    assert!(
        stack.outgoing().len() <= limit + 65536,
        "{}",
        stack.outgoing().len()
    );
}

#[test]
fn a_parked_layer_is_no_end_while_one_above_it_has_more_inside() {
    let mut stack = Stack::new(Limits {
        work: 4,
        inbox: 4,
        ..Limits::default()
    });
    stack.push(toy()).unwrap();
    stack.push(Pass::default()).unwrap();
    stack.receive(&mut [record(0x20, b"abcdefgh"), mark()].concat());
    let mut seen = Vec::new();
    while stack.input_end().is_none() {
        seen.extend(read_all(&mut stack));
        if stack.input_end().is_some() {
            break;
        }
        stack.advance(Duration::ZERO);
    }
    stack.advance(Duration::ZERO);
    assert!(
        stack.readable().is_empty(),
        "{} read before the end, then more",
        seen.len()
    );
    assert_eq!(seen.len(), 32);
}

#[test]
fn a_layer_parked_within_a_record_of_the_one_above_is_told() {
    let mut stack = Stack::new(Limits::default());
    let low = stack.push(toy()).unwrap();
    stack.push(Toy::new("high", 1)).unwrap();
    let high = record(1, b"text");
    // The peer pops the lower layer within a record of the upper one.
    stack.receive(&mut [record(0x20, &high[..3]), mark(), high[3..].to_vec()].concat());
    assert!(stack.readable().is_empty());
    assert_eq!(stack.parked(), Some(low.key()), "nobody learns of it");
    stack.start_pop(low.key()).unwrap();
    assert_eq!(read_all(&mut stack), b"text");
}

#[derive(Default)]
struct App {
    log: Arc<Mutex<Vec<String>>>,
    pause: bool,
    push_two: bool,
    take_none: bool,
}

impl Protocol for App {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        cx.pause(self.pause);
        if self.pause {
            cx.push(Toy::new("low", 1));
            cx.push(Toy::new("high", 2).server());
        }
        Ok(Readiness::Up)
    }
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        self.log
            .lock()
            .unwrap()
            .push(format!("received {}", String::from_utf8_lossy(bytes)));
        if self.take_none {
            return Ok(0);
        }
        if std::mem::take(&mut self.push_two) {
            cx.push(Pass {
                deliver_at_attach: Some(b"banner"),
                ..Pass::default()
            });
            cx.push(Toy::new("toy", 0x20));
            return Ok(1);
        }
        Ok(bytes.len())
    }
    fn event(&mut self, _: &mut Context<'_>, event: Event) {
        self.log.lock().unwrap().push(format!("{event:?}"));
    }
}

#[test]
fn a_paused_application_does_not_block_a_handshake_above_another_layer() {
    let app = App {
        pause: true,
        ..App::default()
    };
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    assert_eq!(stack.to_string(), "app <=> high <=> low <=> network");
    let hello = hello(2);
    assert!(stack.wants_input());
    stack.receive(&mut record(1, &hello));
    assert!(stack.is_up(), "the hello waits below the layer below");
}

#[test]
fn what_a_leaving_layer_still_decodes_does_not_go_through_one_pushed_meanwhile() {
    let mut pair = Pair::new(Cut::Lump);
    let a = pair.a.push(toy()).unwrap();
    let b = pair.b.push(toy()).unwrap();
    pair.b.write(b"in flight").unwrap();
    pair.a.start_pop(a.key()).unwrap();
    // Its inbound half begins at the leaving layer's end mark; it never takes what is not its own.
    pair.a.push(Toy::new("new", 1)).unwrap();
    pair.settle();
    pair.b.start_pop(b.key()).unwrap();
    pair.b.push(Toy::new("new", 1)).unwrap();
    pair.b.write(b"behind").unwrap();
    pair.settle();
    let expected = [
        (vec!["toy".to_owned()], "in flight".to_owned()),
        (vec!["new".to_owned()], "behind".to_owned()),
    ];
    assert_eq!(read_epochs(&mut pair.a), expected);
}

#[tokio::test]
async fn a_reader_that_waits_learns_that_a_write_failed_in_a_layer() {
    let (a, _b) = duplex(1000);
    let mut a = Connection::new(a);
    a.push(Pass {
        send_fails: true,
        ..Pass::default()
    })
    .await
    .unwrap();
    let (mut reader, mut writer) = tokio::io::split(a);
    let reading = tokio::spawn(async move { reader.read(&mut [0]).await });
    tokio::task::yield_now().await;
    assert!(writer.write_all(b"x").await.is_err());
    let read = tokio::time::timeout(Duration::from_millis(200), reading).await;
    assert!(read.expect("the reader sleeps for ever").unwrap().is_err());
}

#[test]
fn deadlines_may_be_as_far_as_can_be() {
    let limits = Limits {
        handshake: Duration::MAX,
        pop: Duration::MAX,
        ..Limits::default()
    };
    let mut stack = Stack::new(limits);
    stack.advance(Duration::from_secs(1));
    stack.push(toy().client()).unwrap();
}

#[tokio::test]
async fn over_a_socket_deadlines_may_be_as_far_as_can_be() {
    let limits = Limits {
        handshake: Duration::MAX,
        pop: Duration::MAX,
        ..Limits::default()
    };
    let (a, _b) = duplex(1000);
    let mut a = Connection::with_limits(a, limits);
    let push = pin!(a.push(toy().client()));
    assert!(push.poll(&mut Task::from_waker(Waker::noop())).is_pending());
}

#[test]
fn a_record_that_can_never_fit_is_an_error_and_not_a_hang() {
    for lump in [true, false] {
        let mut stack = Stack::new(Limits {
            boundary: 16,
            ..Limits::default()
        });
        stack.push(toy()).unwrap();
        let wire = record(0x20, &[7; 100]);
        if lump {
            stack.receive(&mut wire[..50].to_vec());
        } else {
            for byte in &wire[..50] {
                if stack.wants_input() {
                    stack.receive(&mut [*byte]);
                }
            }
        }
        assert!(
            stack.wants_input() || stack.input_end().is_some(),
            "lump: {lump}"
        );
    }
}

#[test]
fn a_refused_push_takes_back_what_its_layer_asked_for() {
    let mut stack = Stack::new(Limits::default());
    let layer = Pass {
        refuse: true,
        push_at_attach: true,
        ..Pass::default()
    };
    assert!(stack.push(layer).is_err());
    assert!(stack.wants_input(), "a gate is left behind");
}

#[test]
fn a_pop_comes_to_its_end_where_the_input_does() {
    for end_first in [false, true] {
        let mut stack = Stack::new(Limits::default());
        let id = stack
            .push(Pass {
                marked: true,
                ..Pass::default()
            })
            .unwrap();
        if end_first {
            stack.receive_end();
        }
        stack.start_pop(id.key()).unwrap();
        if !end_first {
            stack.receive_end();
        }
        assert_eq!(
            stack.popping(id.key()),
            Popping::Left,
            "the mark cannot come any more"
        );
    }
}

#[test]
fn between_two_pushes_of_one_callback_the_application_gets_nothing() {
    let app = App {
        push_two: true,
        ..App::default()
    };
    let log = Arc::clone(&app.log);
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    stack.receive(&mut b"x".to_vec());
    assert_eq!(stack.to_string(), "app <=> toy <=> Pass <=> network");
    let log = log.lock().unwrap();
    assert!(!log.contains(&"received banner".to_owned()), "{log:?}");
}

#[test]
fn nothing_happens_after_lost() {
    let (witness, log) = Witness::new();
    let mut stack = Stack::new(Limits::default());
    stack.push(witness).unwrap();
    stack.close(stack::End::Clean);
    stack.receive(&mut b"x".to_vec());
    let _ = stack.write(b"y");
    let (second, second_log) = Witness::new();
    let _ = stack.push(second);
    drop(stack);
    assert_eq!(*log.lock().unwrap(), ["attached", "lost: clean"]);
    assert!(second_log.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_forgotten_freeze_does_not_last() {
    let (a, mut b) = duplex(1000);
    let mut a = Connection::new(a);
    std::mem::forget(a.freeze());
    b.write_all(b"x").await.unwrap();
    let read = tokio::time::timeout(Duration::from_millis(200), a.read_u8()).await;
    assert_eq!(read.expect("frozen for ever").unwrap(), b'x');
}

#[test]
fn what_a_layer_delivers_when_attached_is_of_its_epoch() {
    let mut stack = Stack::new(Limits::default());
    stack.receive(&mut b"plain".to_vec());
    read_all(&mut stack);
    stack
        .push(Pass {
            deliver_at_attach: Some(b"banner"),
            ..Pass::default()
        })
        .unwrap();
    assert_eq!(
        read_epochs(&mut stack),
        [(vec!["Pass".to_owned()], "banner".to_owned())]
    );
}

#[tokio::test]
async fn a_writer_held_back_goes_on_after_a_flush_that_sent_nothing() {
    let (a, _b) = duplex(1000);
    let mut a = Connection::new(a);
    a.push(Pass {
        hold_back_until_flush: true,
        ..Pass::default()
    })
    .await
    .unwrap();
    let writing = async {
        for _ in 0..3 {
            a.write_all(b"x").await.unwrap();
        }
    };
    let written = tokio::time::timeout(Duration::from_millis(200), writing).await;
    written.expect("the writer sleeps for ever");
}

#[test]
fn a_layer_that_holds_back_is_no_concern_of_those_below_it() {
    /// Watches its level; holds back with `x`, until a flush.
    #[derive(Default)]
    struct Level(Arc<Mutex<Vec<bool>>>);
    impl Protocol for Level {
        fn attached(&mut self, _: &mut Context<'_>, at: &Standing) -> Result<Readiness, Error> {
            self.0.lock().unwrap().push(!at.write_paused);
            Ok(Readiness::Up)
        }
        fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
            cx.deliver(bytes);
            Ok(bytes.len())
        }
        fn writable(&mut self, cx: &mut Context<'_>, writable: bool) {
            assert_eq!(cx.writable(), writable);
            self.0.lock().unwrap().push(writable);
        }
    }
    impl Transport for Level {
        fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
            cx.send(chunk);
            Ok(())
        }
    }
    impl Layer for Level {}

    let limits = Limits {
        outbox_high: 10,
        outbox_low: 0,
        ..Limits::default()
    };
    let mut stack = Stack::new(limits);
    let [below, above, late] = [(); 3].map(|()| Arc::<Mutex<Vec<bool>>>::default());
    stack.push(Level(Arc::clone(&below))).unwrap();
    let holder = Pass {
        hold_back_until_flush: true,
        ..Pass::default()
    };
    let holder = stack.push(holder).unwrap();
    stack.push(Level(Arc::clone(&above))).unwrap();

    stack.write(b"x").unwrap();
    assert!(!stack.writable());
    let id = stack.push(Level(Arc::clone(&late))).unwrap();
    stack.flush();
    assert!(stack.writable());
    stack.start_pop(id.key()).unwrap();
    stack.write(b"x").unwrap();
    let (_, _) = stack.rip(holder).unwrap();
    assert!(stack.writable());
    // And the outbox concerns all.
    stack.write(&[0; 11]).unwrap();
    stack.sent(11);
    let seen = |levels: &Mutex<Vec<bool>>| levels.lock().unwrap().clone();
    assert_eq!(seen(&below), [true, false, true]);
    assert_eq!(seen(&above), [true, false, true, false, true, false, true]);
    assert_eq!(seen(&late), [false, true]);
}

/// Reads work, writes take nothing.
struct Dead(tokio::io::DuplexStream);
impl AsyncRead for Dead {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Task<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}
impl AsyncWrite for Dead {
    fn poll_write(self: Pin<&mut Self>, _: &mut Task<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(0))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_reader_that_waits_learns_that_the_socket_takes_no_more() {
    let (a, _b) = duplex(1000);
    let (mut reader, mut writer) = tokio::io::split(Connection::new(Dead(a)));
    let reading = tokio::spawn(async move { reader.read(&mut [0]).await });
    tokio::task::yield_now().await;
    writer.write_all(b"x").await.unwrap();
    assert!(writer.flush().await.is_err());
    let read = tokio::time::timeout(Duration::from_millis(200), reading).await;
    assert!(read.expect("the reader sleeps for ever").unwrap().is_err());
}

#[tokio::test]
async fn a_failed_write_does_not_hide_what_the_peer_has_said() {
    let (a, mut b) = duplex(1000);
    let mut a = Connection::new(Dead(a));
    b.write_all(b"413 too large").await.unwrap();
    a.write_all(b"x").await.unwrap();
    let _ = a.flush().await;
    let mut seen = Vec::new();
    let _ = a.read_to_end(&mut seen).await;
    assert_eq!(seen, b"413 too large");
}

#[test]
fn bounds_of_zero_do_not_hang() {
    assert!(ends(|| {
        let limits = Limits {
            work: 0,
            inbox: 0,
            ..Limits::default()
        };
        let mut pair = Pair::with_limits(Cut::Lump, limits);
        pair.a.push(toy()).unwrap();
        pair.b.push(toy()).unwrap();
        pair.a.write(b"x").unwrap();
        pair.settle();
        assert_eq!(read_all(&mut pair.b), b"x");
    }));
}

#[tokio::test]
async fn an_application_whose_layer_is_parked_is_told_of_a_failure() {
    let (a, mut b) = duplex(1000);
    struct Pushes;
    impl Protocol for Pushes {
        fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
            cx.push(toy());
            Ok(Readiness::Up)
        }
        fn received(&mut self, _: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
            Ok(bytes.len())
        }
        fn end_received(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
            cx.send(b"goodbye");
            Ok(())
        }
    }
    b.write_all(&[mark(), b"rest".to_vec()].concat())
        .await
        .unwrap();
    let (_, end) = stack::serve(Dead(a), Pushes).await;
    assert!(end.error().is_some(), "{end:?}");
}

#[test]
fn what_an_upper_handshake_staged_crosses_the_lower_layer_that_stood_then() {
    let mut pair = Pair::new(Cut::Lump);
    let (low, theirs) = (pair.a.push(toy()).unwrap(), pair.b.push(toy()).unwrap());
    pair.a.push(Toy::new("high", 1).client()).unwrap();
    pair.b.push(Toy::new("high", 1).server()).unwrap();
    pair.a.write(b"early").unwrap();
    // It waits for the upper layer's handshake, which keeps what was written.
    pair.a.start_pop(low.key()).unwrap();
    assert_eq!(pair.a.popping(low.key()), Popping::Waiting);
    pair.settle();
    assert!(matches!(
        pair.a.popping(low.key()),
        Popping::OutboundEnded { .. }
    ));
    pair.b.start_pop(theirs.key()).unwrap();
    pair.settle();
    let names = vec!["toy".to_owned(), "high".to_owned()];
    assert_eq!(read_epochs(&mut pair.b), [(names, "early".to_owned())]);
}

#[test]
fn bytes_that_crossed_a_layer_say_so_when_it_left_from_below_them() {
    // A turn's work is a block of the lower layer, and one of the upper.
    let mut stack = Stack::new(Limits {
        work: 2,
        ..Limits::default()
    });
    let low = stack.push(toy()).unwrap();
    stack.push(Toy::new("high", 1)).unwrap();
    stack.start_pop(low.key()).unwrap();
    let both = [record(1, b"one "), record(1, b"two ")].concat();
    // "two" waits between the layers while the lower one leaves.
    stack.receive(&mut [record(0x20, &both), mark()].concat());
    assert_eq!(stack.to_string(), "app <=> high <=> network");
    stack.advance(Duration::ZERO);
    let names = vec!["toy".to_owned(), "high".to_owned()];
    assert_eq!(read_epochs(&mut stack), [(names, "one two ".to_owned())]);
}
