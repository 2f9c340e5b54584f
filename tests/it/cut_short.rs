//! Futures dropped at every poll, and bytes cut as small as can be: rows D1 and D2 of COVERAGE.md.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use stack::{Connection, Layer, LayerId, Popping};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex};
use tokio::time::timeout;

use crate::driver::Choppy;
use crate::real;
use crate::toy::toy;

/// Lets futures live for so many polls.
pub(crate) struct Scissors {
    pub(crate) polls: usize,
    /// How many futures did not live to their end.
    pub(crate) cut: usize,
}

impl Scissors {
    /// Polls the future as often as it may be, and drops it.
    pub(crate) async fn cut<F: Future>(&mut self, future: F) -> Option<F::Output> {
        let (mut future, mut left) = (pin!(future), self.polls);
        let lived = poll_fn(|task| {
            if left == 0 {
                return Poll::Ready(None);
            }
            left -= 1;
            match future.as_mut().poll(task) {
                Poll::Pending if left == 0 => Poll::Ready(None),
                poll => poll.map(Some),
            }
        });
        let lived = lived.await;
        self.cut += usize::from(lived.is_none());
        lived
    }
}

/// One end of a conversation in which every future is dropped after so many polls, and what it was
/// to do is done by another.
pub(crate) struct Hasty<Io: AsyncRead + AsyncWrite + Unpin> {
    connection: Connection<Io>,
    pub(crate) scissors: Scissors,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Hasty<Io> {
    pub(crate) fn new(io: Io, polls: usize) -> Self {
        Self {
            connection: Connection::new(io),
            scissors: Scissors { polls, cut: 0 },
        }
    }

    pub(crate) async fn write(&mut self, mut text: &[u8]) {
        while !text.is_empty() {
            let written = match self.scissors.cut(self.connection.write(text)).await {
                Some(written) => written,
                None => self.connection.write(text).await,
            };
            text = &text[written.unwrap()..];
        }
    }

    pub(crate) async fn flush(&mut self) {
        match self.scissors.cut(self.connection.flush()).await {
            Some(flushed) => flushed.unwrap(),
            None => self.connection.flush().await.unwrap(),
        }
    }

    pub(crate) async fn shutdown(&mut self) {
        match self.scissors.cut(self.connection.shutdown()).await {
            Some(shut) => shut.unwrap(),
            None => self.connection.shutdown().await.unwrap(),
        }
    }

    /// Reads up to the end of a line, or of the input, into `seen`.
    pub(crate) async fn read_line(&mut self, seen: &mut String) {
        loop {
            let mut byte = [0];
            let read = match self.scissors.cut(self.connection.read(&mut byte)).await {
                Some(read) => read,
                None => self.connection.read(&mut byte).await,
            };
            if read.unwrap() == 0 {
                return;
            }
            seen.push(char::from(byte[0]));
            if byte[0] == b'\n' {
                return;
            }
        }
    }

    pub(crate) async fn read_to_end(&mut self) -> Vec<u8> {
        let (mut seen, mut some) = (Vec::new(), vec![0; 4096]);
        loop {
            let n = match self.scissors.cut(self.connection.read(&mut some)).await {
                Some(read) => read.unwrap(),
                None => self.connection.read(&mut some).await.unwrap(),
            };
            if n == 0 {
                return seen;
            }
            seen.extend_from_slice(&some[..n]);
        }
    }

    /// Pushes what `made` makes, behind `answer`.
    pub(crate) async fn push<L: Layer>(
        &mut self,
        answer: &[u8],
        made: &impl Fn() -> L,
    ) -> LayerId<L> {
        let before = self.connection.layers().count();
        let push = async {
            match answer {
                b"" => self.connection.push(made()).await,
                _ => self.connection.push_after(answer, made()).await,
            }
        };
        if let Some(pushed) = self.scissors.cut(push).await {
            return pushed.unwrap();
        }
        if self.connection.layers().count() == before {
            assert_eq!(self.scissors.polls, 0, "polled, and nothing has begun");
            return self.connection.push_after(answer, made()).await.unwrap();
        }
        match self.scissors.cut(self.connection.ready()).await {
            Some(ready) => ready.unwrap(),
            None => self.connection.ready().await.unwrap(),
        }
        let top = self.connection.layers().next_back();
        top.and_then(|layer| layer.id()).expect("it was pushed")
    }

    /// Puts what `made` makes in the place of a layer.
    async fn replace<L: Layer>(&mut self, old: LayerId<L>, made: &impl Fn() -> L) -> LayerId<L> {
        let replaced = self.scissors.cut(self.connection.replace(old, made()));
        if let Some(replaced) = replaced.await {
            return replaced.unwrap();
        }
        if self.connection.stack().popping(old) == Popping::NotAsked {
            assert_eq!(self.scissors.polls, 0, "polled, and nothing has begun");
            return self.connection.replace(old, made()).await.unwrap();
        }
        match self.scissors.cut(self.connection.ready()).await {
            Some(ready) => ready.unwrap(),
            None => self.connection.ready().await.unwrap(),
        }
        let top = self.connection.layers().next_back();
        top.and_then(|layer| layer.id()).expect("it was pushed")
    }

    async fn pop<L: Layer>(&mut self, id: LayerId<L>) {
        let started = self.scissors.cut(self.connection.start_pop(id)).await;
        started.unwrap_or(Ok(())).unwrap();
        let popped = match self.scissors.cut(self.connection.pop(id)).await {
            Some(popped) => popped,
            None => self.connection.pop(id).await,
        };
        popped.unwrap();
    }
}

/// A conversation with two pushes, two replacements and pops, the futures of both ends cut short. Returns what
/// each end has read, and how many futures were cut.
async fn conversation<L: Layer>(
    (a, b): (
        impl AsyncRead + AsyncWrite + Unpin,
        impl AsyncRead + AsyncWrite + Unpin,
    ),
    polls: usize,
    client: impl Fn() -> L,
    server: impl Fn() -> L,
) -> ([String; 2], usize) {
    let (mut a, mut b) = (Hasty::new(a, polls), Hasty::new(b, polls));
    let client = async {
        let mut seen = String::new();
        for _ in 0..2 {
            a.write(b"start\n").await;
            a.read_line(&mut seen).await;
            let id = a.push(b"", &client).await;
            a.write(b"secret\n").await;
            a.flush().await;
            a.read_line(&mut seen).await;
            let new = a.replace(id, &client).await;
            a.pop(id).await;
            a.write(b"secret, too\n").await;
            a.pop(new).await;
        }
        a.shutdown().await;
        a.read_line(&mut seen).await;
        seen
    };
    let server = async {
        let mut seen = String::new();
        for _ in 0..2 {
            b.read_line(&mut seen).await;
            let id = b.push(b"go\n", &server).await;
            b.read_line(&mut seen).await;
            b.write(b"kept\n").await;
            let new = b.replace(id, &server).await;
            b.pop(id).await;
            b.read_line(&mut seen).await;
            b.pop(new).await;
        }
        b.read_line(&mut seen).await;
        b.write(b"bye\n").await;
        b.shutdown().await;
        seen
    };
    let both = async { tokio::join!(client, server) };
    let (client, server) = timeout(Duration::from_secs(20), both)
        .await
        .expect("it hangs");
    ([client, server], a.scissors.cut + b.scissors.cut)
}

fn expected() -> [String; 2] {
    [
        "go\nkept\ngo\nkept\nbye\n",
        "start\nsecret\nsecret, too\nstart\nsecret\nsecret, too\n",
    ]
    .map(str::to_owned)
}

fn choppy() -> (Choppy, Choppy) {
    let (a, b) = duplex(4096);
    (Choppy(a, [false; 2]), Choppy(b, [true, false]))
}

#[tokio::test]
async fn d1_every_future_may_be_dropped_at_every_poll() {
    let mut polls = 0;
    loop {
        let (client, server) = (|| toy().client(), || toy().server());
        let (seen, cut) = conversation(choppy(), polls, client, server).await;
        assert_eq!(seen, expected(), "cut at poll {polls}");
        let (narrow, _) = conversation(duplex(3), polls, client, server).await;
        assert_eq!(narrow, expected(), "cut at poll {polls}, narrow");
        if cut == 0 {
            break;
        }
        polls += 1;
    }
    assert!(polls > 5, "hardly anything was ever cut");
}

#[tokio::test]
async fn d1_every_future_may_be_dropped_at_every_poll_with_real_tls() {
    let (client_config, server_config) = real::configs();
    let (mut polls, mut cut) = (0, 1);
    while cut > 0 {
        let (client, server) = (
            || real::client(&client_config),
            || real::server(&server_config),
        );
        let seen;
        (seen, cut) = conversation(duplex(100), polls, client, server).await;
        assert_eq!(seen, expected(), "cut at poll {polls}");
        polls += 1;
    }
    assert!(polls > 5, "hardly anything was ever cut");
}

#[tokio::test]
async fn d1_in_bulk_every_future_may_be_dropped_at_every_poll() {
    let text: Vec<u8> = (0..400_000).map(|i| (i * 7 + i / 251) as u8).collect();
    for (polls, layers) in (0..6).flat_map(|polls| [(polls, 0), (polls, 1), (polls, 2)]) {
        let (a, b) = duplex(1000);
        let (mut a, mut b) = (Hasty::new(a, polls), Hasty::new(b, polls));
        let writing = async {
            for _ in 0..layers {
                a.push(b"", &toy).await;
            }
            // Some of the writes are long enough to go to the socket from where they lie.
            for piece in text.chunks(100_000) {
                a.write(piece).await;
                a.write(b"small").await;
                a.flush().await;
            }
            a.shutdown().await;
        };
        let reading = async {
            for _ in 0..layers {
                b.push(b"", &toy).await;
            }
            b.read_to_end().await
        };
        let both = async { tokio::join!(writing, reading) };
        let ((), seen) = timeout(Duration::from_secs(20), both)
            .await
            .expect("it hangs");
        let pieces = text.chunks(100_000);
        let expected: Vec<u8> = pieces
            .flat_map(|piece| [piece, b"small"].concat())
            .collect();
        assert!(seen == expected, "cut at poll {polls}, {layers} layers");
    }
}

#[tokio::test]
async fn d2_real_tls_a_byte_at_a_time_and_never_ready_at_once_gives_the_same_transcript() {
    let (client_config, server_config) = real::configs();
    let (client, server) = (
        || real::client(&client_config),
        || real::server(&server_config),
    );
    let (seen, cut) = conversation(choppy(), usize::MAX, client, server).await;
    assert_eq!((seen, cut), (expected(), 0));
}
