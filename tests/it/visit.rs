//! A layer is called where it stands: by the owner, a callback, another task.

use stack::{
    Chunk, Connection, Context, Error, ErrorKind, Layer, Limits, Outcome, Protocol, Stack,
    Transport,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use crate::app::App;
use crate::spy::Spy;

/// Adds a number to each byte on its way down.
struct Shift(u8);

impl Protocol for Shift {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}

impl Transport for Shift {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        let shifted: Vec<_> = chunk.as_slice().iter().map(|byte| byte + self.0).collect();
        cx.send(&shifted[..]);
        Ok(())
    }
}

impl Layer for Shift {}

#[test]
fn what_was_written_before_meets_the_layer_as_it_was() {
    let mut stack = Stack::new(Limits::default());
    let shift = stack.push(Shift(0)).unwrap();
    stack
        .push(Spy {
            stages: true,
            ..Spy::default()
        })
        .unwrap();
    stack.write(b"a").unwrap();
    let before = stack.with_layer(shift, |shift, cx| {
        cx.send(b"|");
        std::mem::replace(&mut shift.0, 1)
    });
    assert_eq!(before.unwrap(), 0);
    stack.write(b"a").unwrap();
    stack.flush();
    assert_eq!(stack.outgoing(), b"a|b");
}

#[test]
fn a_callback_calls_it_between_what_it_sends() {
    let (app, _) = App::new();
    let app = app.on_received(|cx, bytes| {
        cx.send(b"a");
        let shift = cx.push(Shift(1));
        cx.send(b"a");
        cx.with_layer(shift, |shift, _| shift.0 += 1);
        cx.send(b"a");
        cx.pop(shift);
        cx.send(b"a");
        bytes.len()
    });
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    stack.receive(&mut b"x".to_vec());
    stack.flush();
    assert_eq!(stack.outgoing(), b"abca");
}

#[test]
fn of_a_refused_push_nothing_is_called() {
    let (app, log) = App::new();
    let app = app.on_received(|cx, bytes| {
        let refuses = cx.push(Spy {
            refusals: 1,
            ..Spy::default()
        });
        cx.with_layer(refuses, |_, _| unreachable!());
        bytes.len()
    });
    let mut stack = Stack::with_app(Box::new(app), Limits::default());
    stack.receive(&mut b"x".to_vec());
    assert!(
        log.lock()
            .unwrap()
            .iter()
            .any(|line| line.contains("refused")),
        "{log:?}"
    );
}

#[test]
fn without_the_layer_or_the_connection_it_is_an_error_and_nothing_is_called() {
    let mut stack = Stack::new(Limits::default());
    let shift = stack.push(Shift(1)).unwrap();
    let call = |stack: &mut Stack| stack.with_layer(shift, |_, _| ()).map_err(|e| e.kind());
    assert_eq!(call(&mut stack), Ok(()));
    let (_, outcome) = stack.rip(shift).unwrap();
    assert_eq!(outcome, Outcome::Ripped { held: 0 });
    assert_eq!(call(&mut stack), Err(ErrorKind::Refused));
    stack.fail(Error::remote("it is over"));
    assert_eq!(call(&mut stack), Err(ErrorKind::Protocol));
}

#[tokio::test]
async fn another_task_calls_it_while_the_owner_sits_in_a_read() {
    let (io, mut peer) = duplex(100);
    let mut connection = Connection::new(io);
    let handle = connection.handle();
    let shift = connection.push(Shift(0)).await.unwrap();
    let owner = tokio::spawn(async move { connection.read_u8().await.map(|_| connection) });
    let seen = handle.with_layer(shift, |shift, cx| {
        cx.send(b"said");
        shift.0 = 1;
        7
    });
    assert_eq!(seen.await.unwrap(), 7);
    let mut said = [0; 4];
    peer.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"said", "it leaves, though the owner only reads");

    // A panic is the asker's.
    let asker = handle.clone();
    let asker = tokio::spawn(async move { asker.with_layer(shift, |_, _| panic!("ours")).await });
    assert!(asker.await.unwrap_err().is_panic());

    peer.write_u8(0).await.unwrap();
    let mut connection = owner.await.unwrap().unwrap();
    let said: Result<(), _> = connection.with_layer(shift, |_, cx| cx.send(b"again"));
    said.unwrap();
    connection.write_all(b"a").await.unwrap();
    connection.flush().await.unwrap();
    let mut said = [0; 6];
    peer.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"againb");
    drop(connection);
    let late = handle.with_layer(shift, |_, _| ()).await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Closed);
}
