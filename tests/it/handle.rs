//! Changes that other tasks ask for, by a handle.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Waker};
use std::time::Duration;

use stack::{
    Changes, Connection, Context, End, Error, ErrorKind, Event, Layer, Limits, Outcome, PopError,
    Popping, Protocol, PushError, Readiness, Stack, Standing, Turn, serve_with_handle,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::sync::{Barrier, watch};
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::cut_short::Scissors;
use crate::real;
use crate::toy::{TAG, Toy, hello, mark, question, record, toy};

/// Lets all other tasks of a runtime with one thread go as far as they can.
async fn settle() {
    for _ in 0..50 {
        yield_now().await;
    }
}

/// An owner that sits in a read, and gives back the connection with all that it has read.
fn reading<Io>(mut connection: Connection<Io>) -> tokio::task::JoinHandle<(Connection<Io>, Vec<u8>)>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + Sync + 'static,
{
    tokio::spawn(async move {
        let mut read = vec![0; 100];
        let n = connection.read(&mut read).await.unwrap();
        read.truncate(n);
        (connection, read)
    })
}

#[tokio::test]
async fn another_task_changes_the_stack_while_the_owner_sits_in_a_read() {
    let (io, mut peer) = duplex(1000);
    let mut connection = Connection::new(io);
    let handle = connection.handle();
    connection.write_all(b"before").await.unwrap();
    let owner = reading(connection);
    settle().await;
    let first = handle.push(toy()).await.unwrap();
    // The layer's own words leave, though the owner neither writes nor returns from its read.
    let mut seen = vec![0; 6];
    peer.read_exact(&mut seen).await.unwrap();
    assert_eq!(seen, b"before");
    peer.write_all(&question(TAG)).await.unwrap();
    let mut answer = vec![0; 6];
    peer.read_exact(&mut answer).await.unwrap();
    let second = handle.replace(first, Toy::new("second", 2)).await.unwrap();
    let mut end = vec![0; 2];
    peer.read_exact(&mut end).await.unwrap();
    assert_eq!(end, mark());
    peer.write_all(&mark()).await.unwrap();
    let (_, outcome) = handle.pop(first).await.unwrap();
    assert_eq!(outcome, Outcome::Clean);
    assert!(!owner.is_finished(), "it has seen nothing of all this");
    peer.write_all(&record(2, b"hello")).await.unwrap();
    let (connection, read) = owner.await.unwrap();
    assert_eq!(read, b"hello");
    let standing: Vec<_> = connection.layers().map(|layer| layer.key()).collect();
    assert_eq!(standing, [second.key()]);
}

#[tokio::test]
async fn s11_what_the_owner_writes_while_another_task_pushes_is_clear_before_and_coded_behind() {
    for pushes_after in 0..20 {
        let (io, mut peer) = duplex(64);
        let mut connection = Connection::new(io);
        let handle = connection.handle();
        let writer = tokio::spawn(async move {
            for n in 0..20_u8 {
                connection.write_all(&[n; 3]).await.unwrap();
                connection.flush().await.unwrap();
                yield_now().await;
            }
            connection
        });
        let pusher = tokio::spawn(async move {
            for _ in 0..pushes_after {
                yield_now().await;
            }
            handle.push_after(b"GO", toy()).await.map(|_| ())
        });
        let mut wire = Vec::new();
        let reader = async {
            while !wire.ends_with(&record(TAG, &[19; 3])) && !wire.ends_with(&[19; 3]) {
                let mut piece = [0; 7];
                let n = peer.read(&mut piece).await.unwrap();
                wire.extend_from_slice(&piece[..n]);
            }
        };
        let (_, connection, pushed) = tokio::join!(reader, writer, pusher);
        drop(connection);
        // Whatever the moment: clear up to the answer, and records behind it.
        let clear: Vec<u8> = (0..20).flat_map(|n| [n; 3]).collect();
        let go = wire.windows(2).position(|it| it == b"GO");
        let go = go.unwrap_or(wire.len());
        assert_eq!(wire[..go], clear[..go]);
        let mut rest = Vec::new();
        for triple in clear[go..].chunks(3) {
            rest.extend(record(TAG, triple));
        }
        assert_eq!(wire.get(go + 2..).unwrap_or_default(), rest);
        assert!(pushed.unwrap().is_ok() || go == wire.len());
    }
}

#[tokio::test]
async fn a_change_that_is_dropped_before_it_begins_is_taken_back() {
    let (io, mut peer) = duplex(100);
    let mut connection = Connection::new(io);
    let handle = connection.handle();
    {
        let mut pushing = pin!(handle.push(toy()));
        let mut task = Task::from_waker(Waker::noop());
        assert!(pushing.as_mut().poll(&mut task).is_pending());
    }
    peer.write_all(b"plain").await.unwrap();
    let mut read = [0; 5];
    connection.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"plain");
    assert_eq!(connection.stack().to_string(), "app <=> network");
}

#[tokio::test]
async fn a_change_that_has_begun_goes_on_when_it_is_dropped() {
    let (io, mut peer) = duplex(100);
    let mut connection = Connection::new(io);
    let handle = connection.handle();
    let owner = reading(connection);
    {
        let mut pushing = pin!(handle.push(toy().client()));
        let mut task = Task::from_waker(Waker::noop());
        assert!(pushing.as_mut().poll(&mut task).is_pending());
        settle().await;
        assert!(
            pushing.as_mut().poll(&mut task).is_pending(),
            "nobody answers"
        );
    }
    peer.write_all(&hello(TAG)).await.unwrap();
    peer.write_all(&record(TAG, b"inside")).await.unwrap();
    assert_eq!(owner.await.unwrap().1, b"inside");
}

#[tokio::test]
async fn when_the_connection_goes_layers_come_back_and_everybody_is_told() {
    let (io, _peer) = duplex(100);
    let mut connection = Connection::new(io);
    let handle = connection.handle();
    let mut notices = handle.notices();
    let gone = |error: &Error| error.kind() == ErrorKind::Closed;
    // Asked for before the end, and after.
    let early = tokio::spawn({
        let handle = handle.clone();
        async move { handle.push(Toy::new("mine", 3)).await }
    });
    settle().await;
    drop(connection);
    for pushed in [early.await.unwrap(), handle.push(Toy::new("mine", 3)).await] {
        let Err(PushError::Refused { back, error }) = pushed else {
            panic!("{pushed:?}")
        };
        assert!(back.name() == "mine" && gone(&error));
    }
    assert!(gone(&handle.look(|_| ()).await.unwrap_err()));
    let mut changes = Changes::new();
    let id = changes.push(toy());
    assert!(gone(handle.apply(changes).await.unwrap_err().error()));
    let popped = handle.pop(id).await.map(|_| ());
    assert!(matches!(popped, Err(PopError::Refused(error)) if gone(&error)));
    assert!(notices.next().await.is_none());
}

#[tokio::test]
async fn changes_that_have_to_wait_do_so_in_line() {
    let (io, mut peer) = duplex(1000);
    let mut connection = Connection::new(io);
    let handle = connection.handle();
    let old = connection.push(toy()).await.unwrap();
    let owner = reading(connection);
    settle().await;
    handle.start_pop(old).await.unwrap();
    // It would take what is left of the old layer's bytes for smuggled ones, so it waits; and
    // what was asked for after it does not overtake it.
    let log = Arc::new(Mutex::new(Vec::new()));
    let ask = |name: &'static str, layer: Toy| {
        let (handle, log) = (handle.clone(), Arc::clone(&log));
        tokio::spawn(async move {
            let pushed = handle.push(layer).await;
            log.lock().unwrap().push(name);
            pushed
        })
    };
    let first = ask("first", Toy::new("first", 1).server());
    settle().await;
    let second = ask("second", Toy::new("second", 2));
    settle().await;
    assert!(log.lock().unwrap().is_empty());
    let drawn = handle.look(|stack| stack.to_string()).await.unwrap();
    assert_eq!(
        drawn, "app <=> toy <=> network",
        "a look does not wait in line"
    );
    peer.write_all(&mark()).await.unwrap();
    settle().await;
    let drawn = handle.look(|stack| stack.to_string()).await.unwrap();
    assert_eq!(drawn, "app <=> second <=> first <=> network");
    peer.write_all(&hello(1)).await.unwrap();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    owner.abort();
}

#[tokio::test]
async fn the_owner_waits_in_line_too_but_not_for_its_own_reading() {
    let (io, mut peer) = duplex(1000);
    let limits = Limits {
        inbox: 4,
        ..Limits::default()
    };
    let mut connection = Connection::with_limits(io, limits);
    let old = connection.push(toy()).await.unwrap();
    peer.write_all(&[record(TAG, b"much "), record(TAG, b"more"), mark()].concat())
        .await
        .unwrap();
    connection.start_pop(old).await.unwrap();
    let tls = match connection.push(Toy::new("tls", 1).server()).await {
        Err(PushError::Refused { back, error }) if error.kind() == ErrorKind::Busy => back,
        other => panic!("{other:?}"),
    };
    let mut read = [0; 9];
    connection.read_exact(&mut read).await.unwrap();
    let hello = hello(1);
    let (pushed, written) = tokio::join!(connection.push(tls), async {
        settle().await;
        peer.write_all(&hello).await
    });
    pushed.unwrap();
    written.unwrap();
    connection.pop(old).await.unwrap();
}

#[tokio::test]
async fn who_watches_from_another_task_sees_each_turn_as_it_happens() {
    let (io, mut peer) = duplex(1000);
    let mut connection = Connection::new(io);
    let handle = connection.handle();
    let mut notices = handle.notices();
    let watcher = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(notice) = notices.next().await {
            seen.push((notice.name, notice.turn));
        }
        seen
    });
    let id = connection.push(toy()).await.unwrap();
    peer.write_all(&mark()).await.unwrap();
    assert_eq!(connection.read(&mut [0]).await.unwrap(), 0);
    connection.pop(id).await.unwrap();
    drop((connection, handle));
    let expected = [
        Turn::Attached,
        Turn::Parked,
        Turn::Leaving,
        Turn::Left(Outcome::Clean),
    ];
    let expected = expected.map(|turn| ("toy".to_owned(), turn));
    assert_eq!(watcher.await.unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_replace_one_layer_at_once_and_one_of_them_does_it() {
    for _ in 0..50 {
        let (io, mut peer) = duplex(10_000);
        let mut connection = Connection::new(io);
        let handle = connection.handle();
        let old = connection.push(toy()).await.unwrap();
        let owner = reading(connection);
        let replacing = (0..8).map(|n| {
            let handle = handle.clone();
            tokio::spawn(async move { handle.replace(old, Toy::new("new", n)).await.is_ok() })
        });
        let replacing: Vec<_> = replacing.collect();
        let mut replaced = 0;
        for it in replacing {
            replaced += u32::from(it.await.unwrap());
        }
        assert_eq!(replaced, 1);
        peer.write_all(&mark()).await.unwrap();
        handle.pop(old).await.unwrap();
        let drawn = handle.look(|stack| stack.to_string()).await.unwrap();
        assert_eq!(drawn, "app <=> new <=> network");
        drop(peer);
        assert!(timeout(Duration::from_secs(10), owner).await.is_ok());
    }
}

/// A callback application that is told of what others do to its stack.
#[derive(Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Protocol for Told {
    fn attached(&mut self, _: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        Ok(Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        let n = bytes.len();
        cx.send(bytes);
        Ok(n)
    }

    fn event(&mut self, _: &mut Context<'_>, event: Event) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }

    fn lost(&mut self, end: &End) {
        self.0
            .lock()
            .unwrap()
            .push(format!("lost, clean: {}", end.error().is_none()));
    }
}

#[tokio::test]
async fn an_application_of_callbacks_lives_through_changes_from_other_tasks() {
    let (io, mut peer) = duplex(1000);
    let told = Told::default();
    let log = Arc::clone(&told.0);
    let (handle, served) = serve_with_handle(io, told, Limits::default());
    let served = tokio::spawn(served);
    let id = handle.push(toy()).await.unwrap();
    peer.write_all(&record(TAG, b"echo")).await.unwrap();
    let mut echo = vec![0; 6];
    peer.read_exact(&mut echo).await.unwrap();
    assert_eq!(echo, record(TAG, b"echo"));
    let popping = tokio::spawn({
        let handle = handle.clone();
        async move { handle.pop(id).await.map(|(_, outcome)| outcome) }
    });
    peer.write_all(&[&mark()[..], b"plain"].concat())
        .await
        .unwrap();
    assert_eq!(popping.await.unwrap().unwrap(), Outcome::Clean);
    let mut plain = vec![0; 7];
    peer.read_exact(&mut plain).await.unwrap();
    assert_eq!(plain, [&mark()[..], b"plain"].concat());
    drop(peer);
    served.await.unwrap();
    assert_eq!(log.lock().unwrap().last().unwrap(), "lost, clean: true");
    assert!(
        !log.lock().unwrap().iter().any(|it| it.contains("Left")),
        "who asked has it"
    );
}

/// How many bytes each end writes in the next test.
const BUSY: usize = 5000;

/// Replaces a layer some times by a handle whose futures are dropped after so many polls, while the
/// owner reads and writes. Returns how many were dropped.
async fn replaces_hastily(
    connection: Connection<DuplexStream>,
    polls: usize,
    both: &Barrier,
    make: impl Fn(u8) -> Toy,
) -> usize {
    let mut connection = connection;
    let handle = connection.handle();
    let mut old = connection.push(make(0)).await.unwrap();
    let (mut reader, mut writer) = split(connection);
    let (done, over) = watch::channel(());
    let writing = async {
        for n in 0..BUSY {
            writer.write_all(&[(n / 3) as u8]).await.unwrap();
            if n % 50 == 0 {
                yield_now().await;
            }
        }
        writer.flush().await.unwrap();
    };
    let reading = async {
        let (mut n, mut piece) = (0, [0; 64]);
        let mut over = over;
        loop {
            let read = tokio::select! {
                biased;
                _ = over.changed(), if n == BUSY => return,
                read = reader.read(&mut piece) => read.unwrap(),
            };
            for byte in &piece[..read] {
                assert_eq!(*byte, (n / 3) as u8, "byte {n}");
                n += 1;
            }
            if read == 0 {
                yield_now().await; // Parked: the peer came first.
            }
        }
    };
    let changing = async {
        let mut scissors = Scissors { polls, cut: 0 };
        for tag in 1..6 {
            let replaced = scissors.cut(handle.replace(old, make(tag))).await;
            // It was taken back, unless it had begun.
            let begun = handle.look(move |stack| stack.popping(old) != Popping::NotAsked);
            let new = match replaced {
                Some(new) => new.unwrap(),
                None if begun.await.unwrap() => {
                    let top = |stack: &Stack| stack.layers().next_back()?.id::<Toy>();
                    handle.look(top).await.unwrap().expect("it has come in")
                }
                None => handle.replace(old, make(tag)).await.unwrap(),
            };
            let popped = match scissors.cut(handle.pop(old)).await {
                Some(popped) => popped,
                None => handle.pop(old).await,
            };
            assert_eq!(popped.unwrap().1, Outcome::Clean);
            old = new;
        }
        scissors.cut
    };
    let working = async {
        let ((), cut) = tokio::join!(writing, changing);
        // Whoever is done drives on until the other end is, too.
        both.wait().await;
        done.send(()).unwrap();
        cut
    };
    tokio::join!(working, reading).0
}

#[tokio::test]
async fn d1_a_handles_futures_may_be_dropped_at_every_poll() {
    let mut polls = 0;
    loop {
        let (a, b) = duplex(100);
        let both = Barrier::new(2);
        let lives = async {
            tokio::join!(
                replaces_hastily(Connection::new(a), polls, &both, |tag| {
                    Toy::new("toy", tag).client().feed()
                }),
                replaces_hastily(Connection::new(b), polls, &both, |tag| {
                    Toy::new("toy", tag).server().feed()
                }),
            )
        };
        let cut = timeout(Duration::from_secs(20), lives).await;
        let cut = cut.unwrap_or_else(|_| panic!("it hangs, cut at poll {polls}"));
        if cut == (0, 0) {
            break;
        }
        polls += 1;
    }
    assert!(polls > 1, "hardly anything was ever cut");
}

/// TLS is replaced by TLS, with new keys, at both ends at moments of their own, while both owners
/// read and write without rest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_replaced_by_handle_under_load_from_both_ends() {
    const BYTES: usize = 1_000_000;
    let (client_config, server_config) = real::configs();
    let (a, b) = duplex(3000);
    let (mut a, mut b) = (Connection::new(a), Connection::new(b));
    let (client, server) = (a.handle(), b.handle());
    let (mut old_a, mut old_b) = {
        let pushed = tokio::join!(
            a.push(real::client(&client_config)),
            b.push(real::server(&server_config))
        );
        (pushed.0.unwrap(), pushed.1.unwrap())
    };
    let (mut readers, mut writers) = (Vec::new(), Vec::new());
    let (all_done, over) = watch::channel(());
    for connection in [a, b] {
        let (mut reader, mut writer) = split(connection);
        let mut over = over.clone();
        readers.push(tokio::spawn(async move {
            let (mut n, mut piece) = (0, vec![0; 5000]);
            while n < BYTES {
                let read = reader.read(&mut piece).await.unwrap();
                if read == 0 {
                    yield_now().await; // Parked: the peer's replace came first.
                }
                for byte in &piece[..read] {
                    assert_eq!(*byte, (n * 7 / 5) as u8, "byte {n}");
                    n += 1;
                }
            }
            // Whoever has all still drives what the changes need.
            while !over.has_changed().unwrap() {
                tokio::select! {
                    _ = over.changed() => break,
                    read = reader.read(&mut piece) => match read {
                        Ok(0) => yield_now().await,
                        // The other end may be gone first.
                        other => assert!(other.is_err() && over.has_changed().unwrap(), "{other:?}"),
                    }
                }
            }
        }));
        writers.push(tokio::spawn(async move {
            let bytes: Vec<u8> = (0..BYTES).map(|n| (n * 7 / 5) as u8).collect();
            for piece in bytes.chunks(1777) {
                writer.write_all(piece).await.unwrap();
                yield_now().await;
            }
            writer.flush().await.unwrap();
        }));
    }
    for _ in 0..20 {
        let (new_a, new_b) = (real::client(&client_config), real::server(&server_config));
        let replaced = tokio::join!(client.replace(old_a, new_a), server.replace(old_b, new_b));
        let popped = tokio::join!(client.pop(old_a), server.pop(old_b));
        assert_eq!(
            (popped.0.unwrap().1, popped.1.unwrap().1),
            (Outcome::Clean, Outcome::Clean)
        );
        (old_a, old_b) = (replaced.0.unwrap(), replaced.1.unwrap());
    }
    for writer in writers {
        writer.await.unwrap();
    }
    all_done.send(()).unwrap();
    for reader in readers {
        reader.await.unwrap();
    }
}

#[tokio::test]
async fn a_replacement_does_not_wait_for_what_only_a_read_brings() {
    let (io, mut peer) = duplex(1000);
    let limits = Limits {
        inbox: 4,
        ..Limits::default()
    };
    let mut connection = Connection::with_limits(io, limits);
    let old = connection.push(toy()).await.unwrap();
    let unread = [record(TAG, b"much "), record(TAG, b"more"), mark()].concat();
    let hello = hello(1);
    peer.write_all(&[unread, hello].concat()).await.unwrap();
    let new = Toy::new("new", 1).server();
    let replaced = timeout(Duration::from_secs(10), connection.replace(old, new));
    replaced.await.expect("it hangs").unwrap();
    assert_eq!(
        connection.ready().await.unwrap_err().kind(),
        ErrorKind::Busy
    );
    let mut read = [0; 9];
    connection.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"much more");
    connection.ready().await.unwrap();
    connection.pop(old).await.unwrap();
}
