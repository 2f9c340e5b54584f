//! Two connections of the driver, whose futures are dropped.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::runtime::{Builder, Runtime};

use super::nature::{Make, Nature};
use super::{Order, Side};
use crate::{Connection, Exit, Layer, LayerId};

/// While nothing moves, time passes: so many milliseconds, and then it is taken to hang.
const PATIENCE: u32 = 5_000;

/// Two applications talk, push, and pop, each future of theirs dropped after so many polls and its
/// work done by another: for each number of polls, until none is dropped any more.
///
/// # Errors
///
/// What went wrong, in words.
pub(super) fn cut_short(make: &Make<'_>, nature: Nature) -> Result<(), String> {
    // A runtime cannot be within another, in which the test may run.
    let talk = || {
        let runtime = Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
        for width in [4096, 3] {
            let mut polls = 0;
            while talk(&runtime, make, nature, (width, polls))? > 0 {
                polls += 1;
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| match scope.spawn(talk).join() {
        Ok(talked) => talked,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

/// One conversation; returns how many futures were dropped.
fn talk(
    runtime: &Runtime,
    make: &Make<'_>,
    nature: Nature,
    (width, polls): (usize, usize),
) -> Result<usize, String> {
    let (a, b) = duplex(width);
    let end = |io, side| End {
        connection: Connection::new(io),
        side,
        make,
        pops: nature.exit != Exit::Silent,
        polls,
        dropped: 0,
    };
    let (mut client, mut server) = (end(a, Side::A), end(b, Side::B));
    let talked = join(runtime, pin!(client.ask()), pin!(server.answer()));
    talked.map_err(|words| format!("futures dropped after {polls} polls: {words}"))?;
    Ok(client.dropped + server.dropped)
}

/// Polls both until both are done, or one has failed.
fn join<'a>(
    runtime: &Runtime,
    mut a: Pin<&'a mut (dyn Future<Output = Result<(), String>> + 'a)>,
    mut b: Pin<&'a mut (dyn Future<Output = Result<(), String>> + 'a)>,
) -> Result<(), String> {
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&woken));
    let (mut task, mut done) = (Context::from_waker(&waker), [false; 2]);
    let mut idle = 0;
    while idle < PATIENCE {
        if !woken.0.swap(false, SeqCst) {
            // Where a layer waits for a time, that comes.
            runtime.block_on(pass());
            idle += 1;
        }
        let _within = runtime.enter();
        let sides = [&mut a, &mut b].into_iter().zip(&mut done);
        for (side, done) in sides.filter(|(_, done)| !**done) {
            if let Poll::Ready(result) = side.as_mut().poll(&mut task) {
                result?;
                (*done, idle) = (true, 0);
                woken.0.store(true, SeqCst);
            }
        }
        if done == [true; 2] {
            return Ok(());
        }
    }
    Err("it hangs".to_owned())
}

#[expect(clippy::disallowed_methods, reason = "no stack is asked to wait here")]
async fn pass() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

/// One end, in a hurry.
struct End<'a> {
    connection: Connection<DuplexStream>,
    side: Side,
    make: &'a Make<'a>,
    pops: bool,
    polls: usize,
    dropped: usize,
}

/// Awaits this once with the futures dropped, and where it was, once more.
macro_rules! hurried {
    ($end:ident, $future:expr) => {
        match cut($end.polls, $future).await {
            Some(result) => result,
            None => {
                $end.dropped += 1;
                $future.await
            }
        }
    };
}

impl End<'_> {
    async fn ask(&mut self) -> Result<(), String> {
        for _ in 0..self.rounds() {
            self.write(b"start\n").await?;
            self.expect(b"go\n").await?;
            let id = self.push(b"").await?;
            self.write(b"secret\n").await?;
            hurried!(self, self.connection.flush()).map_err(said)?;
            self.expect(b"kept\n").await?;
            self.pop(id).await?;
        }
        hurried!(self, self.connection.shutdown()).map_err(said)?;
        self.expect(b"bye\n").await
    }

    async fn answer(&mut self) -> Result<(), String> {
        for _ in 0..self.rounds() {
            self.expect(b"start\n").await?;
            let id = self.push(b"go\n").await?;
            self.expect(b"secret\n").await?;
            self.write(b"kept\n").await?;
            self.pop(id).await?;
        }
        self.write(b"bye\n").await?;
        hurried!(self, self.connection.shutdown()).map_err(said)
    }

    fn rounds(&self) -> usize {
        if self.pops { 2 } else { 1 }
    }

    async fn write(&mut self, mut text: &[u8]) -> Result<(), String> {
        while !text.is_empty() {
            let n = hurried!(self, self.connection.write(text)).map_err(said)?;
            text = &text[n..];
        }
        Ok(())
    }

    async fn expect(&mut self, text: &[u8]) -> Result<(), String> {
        let mut seen = Vec::new();
        while seen.len() < text.len() {
            let mut byte = [0];
            match hurried!(self, self.connection.read(&mut byte)).map_err(said)? {
                0 => break,
                _ => seen.extend(byte),
            }
        }
        if seen == text {
            return Ok(());
        }
        let words = [text, &seen].map(String::from_utf8_lossy);
        Err(format!(
            "{:?} reads {:?}, not {:?}",
            self.side, words[1], words[0]
        ))
    }

    async fn push(&mut self, answer: &[u8]) -> Result<LayerId<Box<dyn Layer>>, String> {
        let order = Order::alone(self.side);
        let made = (self.make)(&order);
        if let Some(pushed) = cut(self.polls, self.connection.push_after(answer, made)).await {
            return pushed.map_err(said);
        }
        self.dropped += 1;
        let top = self.connection.layers().next_back();
        if let Some(id) = top.and_then(|top| top.id()) {
            hurried!(self, self.connection.ready()).map_err(said)?;
            return Ok(id);
        }
        let made = (self.make)(&order);
        let pushed = self.connection.push_after(answer, made).await;
        pushed.map_err(said)
    }

    async fn pop(&mut self, id: LayerId<Box<dyn Layer>>) -> Result<(), String> {
        if !self.pops {
            return Ok(());
        }
        let popped = hurried!(self, self.connection.pop(id));
        popped.map(|_| ()).map_err(said)
    }
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Polls the future so often, and drops it.
async fn cut<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let (mut future, mut left) = (pin!(future), polls);
    poll_fn(|task| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(task) {
            Poll::Pending if left == 0 => Poll::Ready(None),
            poll => poll.map(Some),
        }
    })
    .await
}
