//! What is written here is read there.

use compress_layer::{CompressInfo, CompressLayer};
use stack::{End, Layer, Stack};

use crate::wire::{
    BROTLI, CODECS, DEFLATE, LZ4, ZSTD, bare, carry, feed, for_each_cut, noise, packed, prose,
    read, receive, wire, with,
};

#[test]
fn every_cut_of_the_wire_decodes_to_the_same() {
    for make in CODECS {
        let writes: [&[u8]; 4] = [b"hello, ", &prose(300), &noise(40), b"world"];
        let bytes = packed(make, &writes);
        for_each_cut(&bytes, |pieces| {
            let (mut stack, _) = with(make);
            assert_eq!(feed(&mut stack, pieces), writes.concat());
            stack.receive_end();
            // The peer has ended its stream: parked, not yet the network's end.
            assert!(matches!(stack.input_end(), Some(End::Clean)));
        });
    }
}

#[test]
fn large_amounts_cross_in_both_directions() {
    for make in CODECS {
        let (mut left, _) = with(make);
        let (mut right, _) = with(make);
        let data = [prose(700_000), noise(300_000), vec![0; 2_000_000]].concat();
        let (mut at_left, mut at_right) = (Vec::new(), Vec::new());
        for (i, piece) in data.chunks(77_777).enumerate() {
            left.write(piece).unwrap();
            right.write(piece).unwrap();
            if i % 3 == 0 {
                at_right.extend(carry(&mut left, &mut right));
                at_left.extend(carry(&mut right, &mut left));
            }
        }
        at_right.extend(carry(&mut left, &mut right));
        at_left.extend(carry(&mut right, &mut left));
        assert!(at_right == data && at_left == data);
    }
}

#[test]
fn a_flush_reaches_the_peer() {
    for make in CODECS {
        let (mut left, _) = with(make);
        let (mut right, _) = with(make);
        for word in ["one", "two", "three"] {
            left.write(word.as_bytes()).unwrap();
            assert_eq!(carry(&mut left, &mut right), word.as_bytes());
        }
    }
}

/// A turn's work may be used up before anything of a piece is taken.
#[test]
fn what_a_turn_leaves_is_decoded_in_the_next() {
    for make in CODECS {
        for pieces in 1..40 {
            let (mut left, _) = with(make);
            let (mut right, _) = with(make);
            for _ in 0..pieces {
                left.write(b"x").unwrap();
                // All within the same turn.
                right.receive(&mut wire(&mut left));
            }
            assert_eq!(read(&mut right).len(), pieces);
        }
    }
}

#[test]
fn a_flush_with_nothing_new_sends_nothing() {
    for make in CODECS {
        let (mut stack, _) = with(make);
        assert_eq!(wire(&mut stack), b"");
        stack.write(b"").unwrap();
        assert_eq!(wire(&mut stack), b"");
        stack.write(b"x").unwrap();
        assert_ne!(wire(&mut stack), b"");
        assert_eq!(wire(&mut stack), b"");
        stack.write(b"").unwrap();
        assert_eq!(wire(&mut stack), b"");
    }
}

/// C10: what a write of one byte, flushed, costs on the wire.
#[test]
fn one_byte_writes_do_not_double_empty_blocks() {
    for (make, most) in CODECS.into_iter().zip([8, 8, 8, 4, 7, 9]) {
        let (mut left, _) = with(make);
        let (mut right, _) = with(make);
        left.write(b"x").unwrap();
        carry(&mut left, &mut right);
        for byte in noise(1000) {
            left.write(&[byte]).unwrap();
            let first = wire(&mut left);
            assert_eq!(wire(&mut left), b"");
            assert!(first.len() <= most, "{} bytes", first.len());
            assert!(!doubled(&first));
            assert_eq!(feed(&mut right, &[&first]), [byte]);
        }
    }
}

/// The block before a sync flush may be larger than 16 KiB; its marker is written once.
#[test]
fn a_large_sync_flush_writes_its_marker_once() {
    fn check(level: u32, data: &[u8]) {
        let mut stack = bare();
        stack.push(CompressLayer::deflate(level)).unwrap();
        for piece in data.chunks(1 + data.len() / 3) {
            stack.write(piece).unwrap();
        }
        let bytes = wire(&mut stack);
        assert!(bytes.ends_with(&[0, 0, 0xff, 0xff]), "{level}");
        assert!(!doubled(&bytes), "level {level}, {} bytes", data.len());
    }
    let (noise, prose) = (noise(70_000), prose(70_000));
    for level in 0..=9 {
        for data in [&noise, &prose] {
            for len in [1, 33_000, 65_535] {
                check(level, &data[..len]);
            }
        }
        // Here a room of 16 KiB would end within the marker itself.
        (16_370..16_385).for_each(|len| check(level, &noise[..len]));
    }
}

fn doubled(bytes: &[u8]) -> bool {
    bytes.ends_with(&[0, 0, 0xff, 0xff, 0, 0, 0, 0xff, 0xff])
}

#[test]
fn all_levels_can_be_read_by_all() {
    let data = prose(50_000);
    let layers = (0..=9).map(CompressLayer::deflate);
    let layers = layers.chain([-7, 0, 1, 9, 19, 20].map(CompressLayer::zstd));
    let layers = layers.chain((0..=11).map(CompressLayer::brotli));
    let layers = layers.chain((0..=12).map(CompressLayer::lz4));
    for layer in layers {
        let make = match layer.name() {
            "zstd" => ZSTD,
            "brotli" => BROTLI,
            "lz4" => LZ4,
            _ => DEFLATE,
        };
        let (mut left, mut right) = (bare(), with(make).0);
        left.push(layer).unwrap();
        left.write(&data[..]).unwrap();
        assert!(carry(&mut left, &mut right) == data);
    }
}

#[test]
fn a_shutdown_ends_the_stream_also_if_it_was_empty() {
    for make in CODECS {
        for data in [&b""[..], b"last words"] {
            let (mut left, _) = with(make);
            let (mut right, id) = with(make);
            left.write(data).unwrap();
            left.shutdown();
            assert!(left.outgoing_ended());
            assert_eq!(carry(&mut left, &mut right), data);
            right.receive_end();
            assert_eq!(right.parked(), Some(id.key()));
            right.start_pop(id.key()).unwrap();
            assert!(matches!(right.input_end(), Some(End::Clean)));
        }
    }
}

#[test]
fn info_counts_both_directions() {
    let (mut left, mut right) = (with(ZSTD).0, with(ZSTD).0);
    left.write(&[7; 5000]).unwrap();
    let bytes = wire(&mut left);
    receive(&mut right, &bytes);
    read(&mut right);
    let info = |stack: &Stack| stack.info::<CompressInfo>().unwrap().clone();
    let (sent, received) = (info(&left).sent, info(&right).received);
    assert_eq!((sent.plain, sent.compressed), (5000, bytes.len() as u64));
    assert_eq!(sent, received);
    assert_eq!((sent.codec, info(&left).level), (Some("zstd"), Some(3)));
    assert_eq!(left.to_string(), "app <=> zstd <=> network");
}

#[test]
fn levels_out_of_range_count_as_the_nearest() {
    for (layer, level) in [
        (CompressLayer::deflate(99), 9),
        (CompressLayer::zstd(99), 22),
        (CompressLayer::zstd(i32::MIN), zstd_safe::min_c_level()),
        (CompressLayer::brotli(99), 11),
        (CompressLayer::lz4(99), 12),
    ] {
        let mut stack = bare();
        stack.push(layer).unwrap();
        assert_eq!(stack.info::<CompressInfo>().unwrap().level, Some(level));
    }
}

#[test]
fn nested_streams_round_trip() {
    let (mut left, mut right) = (bare(), bare());
    for stack in [&mut left, &mut right] {
        stack.push(CompressLayer::deflate(6)).unwrap();
        stack.push(CompressLayer::zstd(1).anywhere()).unwrap();
    }
    let data = prose(300_000);
    left.write(&data[..]).unwrap();
    assert!(carry(&mut left, &mut right) == data);
}
