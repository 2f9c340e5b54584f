//! How often a codec is flushed: once before somebody waits, and not once more.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use compress_layer::CompressLayer;
use flate2::{Decompress, FlushDecompress};
use stack::{Connection, Layer, Limits, Stack, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::app::App;
use crate::pair::{Cut, Pair, read_all};
use crate::waiting::poll_once;
use crate::wire::Wire;

/// What a sync flush of deflate ends with.
const MARKER: [u8; 4] = [0, 0, 0xff, 0xff];

fn markers(wire: &[u8]) -> usize {
    wire.windows(4).filter(|bytes| *bytes == MARKER).count()
}

fn inflate(decoder: &mut Decompress, wire: &[u8]) -> Vec<u8> {
    let (mut plain, mut taken) = (Vec::with_capacity(1 << 20), 0);
    while taken < wire.len() {
        let before = decoder.total_in();
        let input = &wire[taken..];
        let status = decoder.decompress_vec(input, &mut plain, FlushDecompress::None);
        status.unwrap();
        taken += (decoder.total_in() - before) as usize;
    }
    plain
}

/// Commands of a byte, each of which its client has flushed; all in one segment.
fn commands(count: usize) -> Vec<u8> {
    let mut stack = Stack::new(Limits::default());
    stack.push(CompressLayer::deflate(6)).unwrap();
    for nth in 0..count {
        stack.write(&[nth as u8]).unwrap();
        stack.flush();
    }
    let wire = stack.outgoing().to_vec();
    assert_eq!(markers(&wire), count);
    wire
}

async fn deflated(wire: &Wire) -> Connection<Wire> {
    let mut connection = Connection::new(wire.clone());
    connection.push(CompressLayer::deflate(6)).await.unwrap();
    connection
}

#[test]
fn c10_a_callback_that_answers_a_thousand_commands_of_one_segment_is_flushed_once() {
    let (app, _) = App::new();
    let app = app.on_attached(|cx| {
        cx.push(CompressLayer::deflate(6));
    });
    let app = app.on_received(|cx, bytes| {
        for byte in bytes {
            cx.send(&[*byte, b'!']);
        }
        bytes.len()
    });
    let wire = Wire::default();
    let mut serving = pin!(serve(wire.clone(), app));
    assert!(poll_once(serving.as_mut()).is_pending());
    wire.bring(&commands(1000));
    assert!(poll_once(serving.as_mut()).is_pending());
    let sent = wire.taken();
    let answers: Vec<u8> = (0..1000).flat_map(|nth| [nth as u8, b'!']).collect();
    assert!(inflate(&mut Decompress::new(false), &sent) == answers);
    assert_eq!(markers(&sent), 1);
    assert!(sent.ends_with(&MARKER));
    assert!(poll_once(serving.as_mut()).is_pending());
    assert_eq!(wire.taken(), b"", "nothing new is nothing to flush");
}

#[tokio::test]
async fn c10_a_stream_that_answers_without_a_flush_is_flushed_each_time_it_waits() {
    let wire = Wire::default();
    let mut connection = deflated(&wire).await;
    let mut serving = pin!(async {
        loop {
            let command = connection.read_u8().await.unwrap();
            connection.write_all(&[command, b'!']).await.unwrap();
        }
    });
    let mut decoder = Decompress::new(false);
    let all = commands(1003);
    let segments = [&all[..all.len() - 21], &all[all.len() - 21..]];
    for (segment, answered) in segments.into_iter().zip([1000, 3]) {
        wire.bring(segment);
        assert!(poll_once(serving.as_mut()).is_pending());
        let sent = wire.taken();
        assert_eq!(inflate(&mut decoder, &sent).len(), 2 * answered);
        assert_eq!(markers(&sent), 1);
        assert!(poll_once(serving.as_mut()).is_pending());
        assert_eq!(wire.taken(), b"");
    }
}

#[tokio::test]
async fn c10_a_flush_is_one_and_one_without_anything_new_is_none() {
    let wire = Wire::default();
    let mut connection = deflated(&wire).await;
    for nth in 0..100 {
        connection.write_all(b"x").await.unwrap();
        connection.flush().await.unwrap();
        let sent = wire.taken();
        assert_eq!(markers(&sent), 1, "{nth}");
        connection.flush().await.unwrap();
        assert!(poll_once(connection.read_u8()).is_pending());
        assert_eq!(wire.taken(), b"", "{nth}");
    }
}

#[tokio::test]
async fn c10_flushes_while_the_socket_takes_nothing_add_none() {
    let wire = Wire::narrow(0);
    let mut connection = deflated(&wire).await;
    connection.write_all(b"said").await.unwrap();
    for _ in 0..100 {
        assert!(poll_once(connection.flush()).is_pending());
        assert!(poll_once(connection.read_u8()).is_pending());
    }
    wire.make_room(3);
    assert!(poll_once(connection.flush()).is_pending());
    wire.make_room(1000);
    connection.flush().await.unwrap();
    let sent = wire.taken();
    assert_eq!(markers(&sent), 1);
    assert_eq!(inflate(&mut Decompress::new(false), &sent), b"said");
}

/// A peer that never reads: what waits for it is bounded, and a flush adds nothing to that.
#[tokio::test]
async fn a_peer_that_never_reads_stops_the_writer_and_is_not_sent_markers() {
    let wire = Wire::narrow(100);
    let mut connection = deflated(&wire).await;
    let (mut noise, mut written) = (noise(), 0);
    let mut piece = [0; 1000];
    loop {
        piece.fill_with(|| noise.next().unwrap());
        match poll_once(connection.write(&piece)) {
            Poll::Ready(n) => written += n.unwrap(),
            Poll::Pending => break,
        }
        assert!(written < 1_000_000, "it is never told to stop");
        assert!(poll_once(connection.flush()).is_pending() || written < 100);
    }
    let waiting = connection.stack().outgoing().len();
    for _ in 0..100 {
        assert!(poll_once(connection.flush()).is_pending());
        assert!(poll_once(connection.write(&piece)).is_pending());
    }
    assert_eq!(connection.stack().outgoing().len(), waiting);
    // It reads after all.
    wire.make_room(waiting);
    connection.flush().await.unwrap();
    let sent = wire.taken();
    assert_eq!(inflate(&mut Decompress::new(false), &sent).len(), written);
}

#[tokio::test]
async fn throughput_mode_gathers_what_is_written_and_latency_mode_hands_over_each_write() {
    let wire = Wire::default();
    let mut connection = deflated(&wire).await;
    let mut decoder = Decompress::new(false);
    for _ in 0..10 {
        connection.write_all(b"gathered ").await.unwrap();
    }
    assert_eq!(wire.taken(), b"", "nobody waits yet");
    assert!(poll_once(connection.read_u8()).is_pending());
    let sent = wire.taken();
    assert_eq!(markers(&sent), 1);
    assert_eq!(inflate(&mut decoder, &sent), b"gathered ".repeat(10));

    connection.set_write_through(true);
    for _ in 0..10 {
        connection.write_all(b"at once").await.unwrap();
        let sent = wire.taken();
        assert_eq!(markers(&sent), 1);
        assert_eq!(inflate(&mut decoder, &sent), b"at once");
    }
}

/// A message of a byte, and its answer: what each costs on the wire, its flush included.
#[test]
fn a_byte_each_way_costs_no_more_than_the_format_must() {
    // A block of one literal, and what ends a flush (deflate: an empty block of 5 bytes).
    let codecs: [(fn() -> CompressLayer, usize); 6] = [
        (|| CompressLayer::deflate(6), 7),
        (|| CompressLayer::zlib(6), 7),
        (|| CompressLayer::gzip(6), 7),
        (|| CompressLayer::zstd(3), 4),
        (|| CompressLayer::brotli(5), 4),
        (|| CompressLayer::lz4(1), 5),
    ];
    for (codec, most) in codecs {
        let mut pair = Pair::new(Cut::Lump);
        pair.a.push(codec()).unwrap();
        pair.b.push(codec()).unwrap();
        let name = Layer::name(&codec()).to_owned();
        let mut worst = 0;
        for nth in 0..1000 {
            for flip in [false, true] {
                let Pair { a, b, .. } = &mut pair;
                let (from, to) = if flip { (b, a) } else { (a, b) };
                let byte = [nth as u8 ^ 0x5a];
                from.write(&byte).unwrap();
                from.flush();
                let mut wire = from.outgoing().to_vec();
                from.sent(wire.len());
                to.advance(Duration::ZERO);
                to.receive(&mut wire);
                assert_eq!(read_all(to), byte);
                // The first has the header.
                if nth > 0 {
                    worst = worst.max(wire.len());
                }
            }
        }
        assert!(worst <= most, "{name}: {worst} bytes");
        println!("{name}: {worst} bytes");
    }
}

/// What no codec makes smaller.
fn noise() -> impl Iterator<Item = u8> {
    let mut state = 1u32;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
}
