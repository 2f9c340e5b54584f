//! Random lives of two connections with real layers: TLS and codecs are pushed, and popped
//! from anywhere, and replaced, by the owner or by a handle, while both ends read and write at once
//! through tiny pipes, and futures are dropped at random. Each byte must come, in order, and of the
//! epoch that it was written in.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use compress_layer::CompressLayer;
use rustls::{ClientConfig, ServerConfig};
use stack::{Connection, Layer, LayerId, LayerKey, Limits, PopError, Residue};
use tls_layer::TlsLayer;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::real;
use crate::rng::{Rng, number};

/// What happens between two exchanges.
#[derive(Clone, Copy, Debug)]
enum Op {
    Push(&'static str),
    /// The layer at this place leaves.
    Pop(usize),
    /// The layer at this place is replaced.
    Replace(usize, &'static str),
    /// The layer at this place is asked to leave, and another is pushed while it still does.
    PopAndPush(usize, &'static str),
}

const NAMES: [&str; 6] = ["tls", "zstd", "deflate", "gzip", "brotli", "lz4"];

/// A life as it is to be, the same for both ends.
#[derive(Debug)]
struct Plan {
    ops: Vec<Op>,
    /// How many bytes each end sends in each exchange.
    lens: Vec<[usize; 2]>,
    /// All bytes of an exchange are alike, so that they compress to next to nothing.
    flat: bool,
    limits: Limits,
    pipe: usize,
}

impl Plan {
    fn draw(rng: &mut Rng) -> Self {
        let (mut ops, mut depth) = (Vec::new(), 0);
        for _ in 0..rng.below(7) {
            let name = NAMES[rng.below(NAMES.len())];
            let place = rng.below(depth.max(1));
            if depth < 4 && (depth == 0 || rng.once_in(2)) {
                ops.push(Op::Push(name));
                depth += 1;
            } else if rng.once_in(2) {
                ops.push(Op::Pop(place));
                depth -= 1;
            } else {
                ops.push(match rng.once_in(2) {
                    true => Op::Replace(place, name),
                    false => Op::PopAndPush(place, name),
                });
            }
        }
        let flat = rng.once_in(3);
        let most = if rng.once_in(4) { 150_000 } else { 3000 };
        let mut len = || match rng.below(4) {
            0 => 0,
            _ => rng.below(most),
        };
        let lens = (0..=ops.len()).map(|_| [len(), len()]).collect();
        let limits = Limits {
            inbox: 1 + rng.below(3000),
            outbox_high: 1 + rng.below(3000),
            outbox_low: rng.below(200),
            work: 1 + rng.below(3) as u32,
            ..Limits::default()
        };
        let pipe = 1 + rng.below(if most > 3000 { 5000 } else { 100 });
        Self {
            ops,
            lens,
            flat,
            limits,
            pipe,
        }
    }

    fn bytes(&self, exchange: usize, side: usize) -> Vec<u8> {
        let byte = |at: usize| match self.flat {
            true => (exchange * 3 + side) as u8,
            false => (at * 31 + at / 251 * 17) as u8 ^ (exchange * 7 + side * 101) as u8,
        };
        (0..self.lens[exchange][side]).map(byte).collect()
    }
}

/// One end.
struct End<'a> {
    connection: Connection<DuplexStream>,
    plan: &'a Plan,
    side: usize,
    rng: Rng,
    tls: &'a (Arc<ClientConfig>, Arc<ServerConfig>),
    /// Lowest first.
    pushed: Vec<Id>,
}

#[derive(Clone, Copy)]
enum Id {
    Tls(LayerId<TlsLayer>),
    Codec(LayerId<CompressLayer>, &'static str),
}

fn codec(name: &str) -> CompressLayer {
    match name {
        "zstd" => CompressLayer::zstd(1),
        "gzip" => CompressLayer::gzip(1),
        "brotli" => CompressLayer::brotli(1),
        "lz4" => CompressLayer::lz4(1),
        _ => CompressLayer::deflate(1),
    }
    .anywhere()
}

impl Id {
    fn key(self) -> LayerKey {
        match self {
            Self::Tls(id) => id.key(),
            Self::Codec(id, _) => id.key(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Tls(_) => "tls",
            Self::Codec(_, name) => name,
        }
    }
}

impl End<'_> {
    async fn live(mut self) {
        for exchange in 0..=self.plan.ops.len() {
            self.exchange(exchange).await;
            match self.plan.ops.get(exchange) {
                Some(Op::Push(name)) => self.push(name).await,
                Some(Op::Pop(place)) => {
                    let old = self.pushed.remove(*place);
                    self.pop_any(old).await;
                }
                Some(Op::Replace(place, name)) => {
                    let old = self.pushed[*place];
                    self.pushed[*place] = self.replace(old, name).await;
                    self.pop_any(old).await;
                }
                Some(Op::PopAndPush(place, name)) => {
                    let old = self.pushed.remove(*place);
                    self.connection.start_pop(old.key()).await.unwrap();
                    self.push(name).await;
                    self.pop_any(old).await;
                }
                None => {}
            }
        }
        self.connection.shutdown().await.unwrap();
        let end = self.connection.read(&mut [0]).await;
        assert_eq!(end.unwrap(), 0, "{:?}", self.connection);
        // The lower layers' ends are still to come, and the peer waits to be rid of them.
        let mut io = self.connection.into_parts().io;
        io.read_to_end(&mut Vec::new()).await.unwrap();
    }

    /// This end's part of TLS. The other end may have pushed its own already.
    fn make_tls(&self) -> TlsLayer {
        let tls = match self.side {
            0 => real::client(&self.tls.0),
            _ => real::server(&self.tls.1),
        };
        tls.with_residue(Residue::Feed).anywhere()
    }

    async fn push(&mut self, name: &'static str) {
        let id = match name {
            "tls" => Id::Tls(self.connection.push(self.make_tls()).await.unwrap()),
            _ => Id::Codec(self.connection.push(codec(name)).await.unwrap(), name),
        };
        self.pushed.push(id);
    }

    async fn replace(&mut self, old: Id, name: &'static str) -> Id {
        match name {
            "tls" => Id::Tls(self.replace_by(old, self.make_tls()).await),
            _ => Id::Codec(self.replace_by(old, codec(name)).await, name),
        }
    }

    /// By the owner, or by a handle while the owner reads.
    async fn replace_by<L: Layer>(&mut self, old: Id, new: L) -> LayerId<L> {
        if self.rng.once_in(2) {
            return self.connection.replace(old.key(), new).await.unwrap();
        }
        let handle = self.connection.handle();
        let mut replacing = pin!(handle.replace(old.key(), new));
        loop {
            tokio::select! {
                replaced = &mut replacing => return replaced.unwrap(),
                // Reads nothing: the other end may have come first, and go on already.
                _ = self.connection.fill_buf() => {}
            }
            yield_now().await;
        }
    }

    async fn pop_any(&mut self, id: Id) {
        match id {
            Id::Tls(id) => self.pop(id).await,
            Id::Codec(id, _) => self.pop(id).await,
        }
    }

    async fn pop<L: Layer>(&mut self, id: LayerId<L>) {
        loop {
            let popping = self.connection.pop(id);
            let popped = if self.rng.once_in(2) {
                timeout(Duration::ZERO, popping).await
            } else {
                Ok(popping.await)
            };
            match popped {
                Ok(Ok(_)) => return,
                Ok(Err(error @ PopError::NeedsRead)) => panic!("{error}: all was read"),
                Ok(Err(error)) => panic!("{error}"),
                Err(_) => yield_now().await, // Dropped; and again.
            }
        }
    }

    /// Writes what is ours and reads what is theirs, at once.
    async fn exchange(&mut self, exchange: usize) {
        let names: Vec<_> = self.pushed.iter().map(|id| id.name()).collect();
        let written = self.connection.write_epoch();
        assert_eq!(written.layers().collect::<Vec<_>>(), names);
        if !self.connection.stack().readable().is_empty() {
            let read = self.connection.read_epoch();
            assert_eq!(read.layers().collect::<Vec<_>>(), names);
        }
        let ours = self.plan.bytes(exchange, self.side);
        let theirs = self.plan.bytes(exchange, 1 - self.side);
        let (mut reader, mut writer) = split(&mut self.connection);
        let (mut chance, mut other) = (Rng(self.rng.next()), Rng(self.rng.next()));
        let writing = async {
            let mut at = 0;
            while at < ours.len() {
                let most = 1 << chance.below(18);
                let n = 1 + chance.below((ours.len() - at).min(most));
                let write = writer.write(&ours[at..at + n]);
                at += match chance.once_in(3) {
                    true => timeout(Duration::ZERO, write).await.unwrap_or(Ok(0)),
                    false => write.await,
                }
                .unwrap();
                match chance.below(6) {
                    0 => drop(timeout(Duration::ZERO, writer.flush()).await),
                    1 => yield_now().await,
                    _ => {}
                }
            }
            writer.flush().await.unwrap();
        };
        let reading = async {
            let (mut seen, mut piece) = (Vec::new(), vec![0; 70_000]);
            while seen.len() < theirs.len() {
                let most = 1 << other.below(17);
                let n = 1 + other.below((theirs.len() - seen.len()).min(most).min(piece.len()));
                let read = reader.read(&mut piece[..n]);
                let read = match other.once_in(3) {
                    true => timeout(Duration::ZERO, read).await,
                    false => Ok(read.await),
                };
                match read {
                    Ok(read) => {
                        let n = read.unwrap();
                        assert!(n > 0, "the end, after {} bytes", seen.len());
                        seen.extend_from_slice(&piece[..n]);
                    }
                    Err(_) => yield_now().await,
                }
            }
            assert!(seen == theirs, "exchange {exchange}");
        };
        tokio::join!(writing, reading);
    }
}

fn live(seed: u64, tls: &(Arc<ClientConfig>, Arc<ServerConfig>)) {
    let mut rng = Rng(seed);
    let plan = Plan::draw(&mut rng);
    let (a, b) = duplex(plan.pipe);
    let write_through = rng.once_in(5);
    let mut end = |io, side| {
        let mut connection = Connection::with_limits(io, plan.limits.clone());
        connection.set_write_through(write_through);
        End {
            connection,
            plan: &plan,
            side,
            rng: Rng(rng.next()),
            tls,
            pushed: Vec::new(),
        }
    };
    let (a, b) = (end(a, 0), end(b, 1));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let both = async { tokio::join!(a.live(), b.live()) };
    let lived = runtime.block_on(async { timeout(Duration::from_secs(60), both).await });
    assert!(lived.is_ok(), "it hangs: {plan:?}");
}

/// `LIVES=10000` lives as many; `SEED=7` begins with that one.
#[test]
fn lives_with_real_layers_lose_double_and_mislabel_nothing() {
    let tls = real::configs();
    let first = number("SEED").unwrap_or(0);
    let failed: Vec<u64> = (first..first + number("LIVES").unwrap_or(100))
        .filter(|&seed| {
            let lived = std::panic::AssertUnwindSafe(|| live(seed, &tls));
            std::panic::catch_unwind(lived).is_err()
        })
        .take(3)
        .collect();
    assert!(failed.is_empty(), "failed with the seeds {failed:?}");
}
