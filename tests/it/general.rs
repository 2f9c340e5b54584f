//! The general layers, above and below TLS, on virtual time: a time that passes here is exact.

use std::time::Duration;

use general_layers::{Counters, Deadlines, Faults, Injected, RateLimit, Trace};
use stack::{Connection, Exit, Handle, Layer, LayerKey};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use crate::real;

const SECOND: Duration = Duration::from_secs(1);

/// What tokio's timer may add.
const TICK: Duration = Duration::from_millis(1);

fn pattern(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i / 7 * 31 % 251) as u8).collect()
}

/// Two ends, and TLS on them.
async fn tls() -> (Connection<DuplexStream>, Connection<DuplexStream>, LayerKey) {
    let (client, server) = real::configs();
    let (a, b) = duplex(10_000);
    let (mut a, mut b) = (Connection::new(a), Connection::new(b));
    let (tls, served) = tokio::join!(a.push(real::client(&client)), b.push(real::server(&server)));
    served.unwrap();
    (a, b, tls.unwrap().key())
}

/// Sends back what comes.
async fn echo<Io: AsyncRead + AsyncWrite + Unpin>(io: Io) {
    let (mut from, mut to) = split(io);
    tokio::io::copy(&mut from, &mut to).await.unwrap();
    to.shutdown().await.unwrap();
}

/// Writes so much, and reads it back, at once.
async fn there_and_back<Io: AsyncRead + AsyncWrite + Unpin>(io: Io, n: usize) -> Io {
    let sent = pattern(n);
    let (mut from, mut to) = split(io);
    let mut came = Vec::new();
    let writing = async {
        to.write_all(&sent).await.unwrap();
        to.shutdown().await.unwrap();
    };
    let (_, read) = tokio::join!(writing, from.read_to_end(&mut came));
    read.unwrap();
    assert!(came == sent);
    from.unsplit(to)
}

/// Pushes a layer at the top, and another of its kind below TLS, and pops both, while bytes flow.
async fn come_and_go<L: Layer>(handle: &Handle, tls: LayerKey, layer: impl Fn() -> L) {
    assert_eq!(layer().exit(), Exit::Anytime);
    let below = handle.insert_below(tls, layer()).await.unwrap();
    yield_now().await;
    let above = handle.push(layer()).await.unwrap();
    let waits = Duration::from_millis(20);
    sleep(waits).await;
    handle.pop(below).await.unwrap();
    sleep(waits).await;
    handle.pop(above).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn every_layer_comes_and_goes_in_mid_stream_above_and_below_tls() {
    let (mut a, b, tls) = tls().await;
    let handle = a.handle();
    tokio::spawn(echo(b));
    // The pace of the whole: 2 s, in which all that follows happens.
    a.push(RateLimit::new().outbound(500_000, 1000))
        .await
        .unwrap();
    let carrying = tokio::spawn(there_and_back(a, 1_000_000));
    for round in 0..4 {
        come_and_go(&handle, tls, Counters::new).await;
        come_and_go(&handle, tls, || Trace::new("it").hexdump(8)).await;
        come_and_go(&handle, tls, || Deadlines::new().idle(SECOND).read(SECOND)).await;
        let limit = || {
            RateLimit::new()
                .inbound(300_000, 500)
                .outbound(300_000, 500)
        };
        come_and_go(&handle, tls, limit).await;
        let late = Duration::from_millis(3);
        let faults = || Faults::seeded(round).pieces(700).delay(late);
        come_and_go(&handle, tls, faults).await;
    }
    let drawn = handle.look(|stack| stack.to_string()).await.unwrap();
    assert_eq!(drawn, "app <=> rate-limit <=> tls <=> network");
    assert!(
        !carrying.is_finished(),
        "the stream was too short for all that"
    );
    carrying.await.unwrap();
}

#[tokio::test]
async fn counters_tell_what_tls_costs() {
    let (mut a, b, tls) = tls().await;
    tokio::spawn(echo(b));
    a.push(Counters::new()).await.unwrap();
    let below = a.insert_below(tls, Counters::new()).await.unwrap();
    let mut a = there_and_back(a, 100_000).await;
    let above = a.info::<Counters>().unwrap();
    assert_eq!(
        (above.sent().bytes, above.received().bytes),
        (100_000, 100_000)
    );
    assert!(above.sent().first <= above.sent().last);
    let (below, _) = a.rip(below).unwrap();
    assert!(
        (100_100..110_000).contains(&below.sent().bytes),
        "{below:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept_both_ways() {
    for inbound in [true, false] {
        let (a, b) = duplex(10_000);
        let mut a = Connection::new(a);
        let limit = RateLimit::new();
        let limit = match inbound {
            true => limit.inbound(100_000, 5_000),
            false => limit.outbound(100_000, 5_000),
        };
        a.push(limit).await.unwrap();
        tokio::spawn(echo(b));
        let began = Instant::now();
        there_and_back(a, 505_000).await;
        let took = began.elapsed();
        // What is written last passes at once, and nobody waits for its debt any more.
        let unpaid = match inbound {
            true => Duration::ZERO,
            false => Duration::from_millis(640),
        };
        let exact = 5 * SECOND;
        assert!(
            took >= exact - unpaid && took <= exact + 2 * TICK,
            "{took:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_meets_the_deadline() {
    let (a, _b) = duplex(100);
    let mut a = Connection::new(a);
    sleep(SECOND).await;
    a.push(Deadlines::new().read(30 * SECOND)).await.unwrap();
    let began = Instant::now();
    let error = a.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert_eq!(error.to_string(), "deadlines: nothing came for 30s");
    let took = began.elapsed();
    assert!(
        took >= 30 * SECOND && took <= 30 * SECOND + 2 * TICK,
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_meets_the_deadline() {
    let (a, _b) = duplex(100);
    let mut a = Connection::new(a);
    a.push(Deadlines::new().write(30 * SECOND)).await.unwrap();
    let began = Instant::now();
    let error = a.write_all(&pattern(1_000_000)).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert!(began.elapsed() <= 30 * SECOND + 2 * TICK);
}

#[tokio::test(start_paused = true)]
async fn a_limit_above_a_deadline_is_not_the_peers_fault() {
    let (a, mut b) = duplex(1_000_000);
    let mut a = Connection::new(a);
    a.push(Deadlines::new().write(SECOND)).await.unwrap();
    a.push(RateLimit::new().outbound(1000, 1000)).await.unwrap();
    a.write_all(&pattern(11_000)).await.unwrap();
    a.write_all(b"the debt of 10 s is paid").await.unwrap();
    a.shutdown().await.unwrap();
    let mut came = Vec::new();
    b.read_to_end(&mut came).await.unwrap();
    assert_eq!(came.len(), 11_024);
}

#[tokio::test(start_paused = true)]
async fn an_application_that_was_busy_does_not_blame_its_peer() {
    let (a, mut b) = duplex(100);
    let mut a = Connection::new(a);
    a.push(Deadlines::new().read(SECOND).idle(SECOND))
        .await
        .unwrap();
    for _ in 0..3 {
        b.write_all(b"x").await.unwrap();
        // Nobody awaits the connection.
        sleep(10 * SECOND).await;
        assert_eq!(a.read_u8().await.unwrap(), b'x');
    }
    // A change drives it, too.
    b.write_all(b"x").await.unwrap();
    sleep(10 * SECOND).await;
    a.push(Counters::new()).await.unwrap();
    assert_eq!(a.read_u8().await.unwrap(), b'x');
    assert!(a.read_u8().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn tls_stands_any_cut_and_delay_and_no_wrong_byte() {
    let (client, server) = real::configs();
    for seed in 0..5 {
        let (a, b) = duplex(10_000);
        let (mut a, mut b) = (Connection::new(a), Connection::new(b));
        let faults = |seed| Faults::seeded(seed).pieces(40).delay(TICK);
        a.push(faults(seed)).await.unwrap();
        b.push(faults(seed + 100)).await.unwrap();
        let server = real::server(&server);
        let peer = tokio::spawn(async move {
            b.push(server).await.unwrap();
            echo(b).await;
        });
        a.push(real::client(&client)).await.unwrap();
        let a = there_and_back(a, 20_000).await;
        peer.await.unwrap();
        let injected = a.info::<Injected>().unwrap();
        assert!(
            injected.pieces > 1000 && injected.delays > 500,
            "{injected:?}"
        );
        assert_eq!(injected.corrupted, 0);
    }

    let (mut a, b, tls) = tls().await;
    tokio::spawn(async move {
        let (mut from, mut to) = split(b);
        // The echo ends with an error, or not at all.
        let _ = tokio::io::copy(&mut from, &mut to).await;
    });
    a.insert_below(tls, Faults::seeded(1).corrupt(1000))
        .await
        .unwrap();
    let sent = pattern(20_000);
    let _ = a.write_all(&sent).await;
    let mut came = Vec::new();
    assert!(a.read_to_end(&mut came).await.is_err());
    assert!(sent.starts_with(&came));
}

#[tokio::test]
async fn a_reset_is_a_reset_for_whoever_reads_and_writes() {
    let (a, b) = duplex(10_000);
    let mut a = Connection::new(a);
    a.push(Faults::seeded(1).reset_after(1000)).await.unwrap();
    tokio::spawn(async move {
        let (mut from, mut to) = split(b);
        let _ = tokio::io::copy(&mut from, &mut to).await;
    });
    a.write_all(&pattern(600)).await.unwrap();
    let mut came = Vec::new();
    let error = a.read_to_end(&mut came).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(came, pattern(400));
    let error = a.write_all(b"x").await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test(start_paused = true)]
async fn what_has_come_while_nobody_drove_counts_for_a_deadline() {
    let (near, mut far) = duplex(64);
    let mut connection = Connection::new(near);
    let deadlines = Deadlines::new().read(SECOND);
    connection.push(deadlines).await.unwrap();
    far.write_all(b"in time").await.unwrap();
    sleep(60 * SECOND).await;
    let mut bytes = [0; 7];
    connection.read_exact(&mut bytes).await.unwrap();
    // And from here on there is nothing.
    let error = connection.read_exact(&mut bytes).await.unwrap_err();
    assert_eq!(error.to_string(), "deadlines: nothing came for 1s");
}
