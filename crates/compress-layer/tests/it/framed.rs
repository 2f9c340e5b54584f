//! Series of streams, of which an empty one is the last.

use std::io::Write;
use std::time::Duration;

use compress_layer::{CompressLayer, Zlib};
use flate2::Compression;
use stack::{ErrorKind, Layer, Limits, Outcome, Stack};

use crate::wire::{
    BROTLI, CODECS, GZIP, LZ4, Make, ZLIB, ZSTD, bare, carry, failure, feed, for_each_cut, noise,
    packed, prose, read, receive, wire, with,
};

/// What a framed layer makes of `writes`, each in a stream of its own, with the end mark.
fn series(make: Make, writes: &[&[u8]]) -> Vec<u8> {
    let mut bytes: Vec<_> = writes
        .iter()
        .flat_map(|write| packed(make, &[write]))
        .collect();
    bytes.extend(packed(make, &[]));
    bytes
}

fn framed(make: Make) -> impl Fn() -> CompressLayer {
    move || make().framed()
}

#[test]
fn a_series_ends_with_an_empty_stream_at_every_cut() {
    for make in CODECS {
        let mut bytes = series(make, &[b"one", &prose(100), &noise(20)]);
        bytes.extend(b"plain behind");
        let expected = [b"one", &prose(100)[..], &noise(20), b"plain behind"].concat();
        for_each_cut(&bytes, |pieces| {
            let (mut stack, id) = with(framed(make));
            stack.start_pop(id.key()).unwrap();
            assert_eq!(feed(&mut stack, pieces), expected);
            assert!(matches!(stack.take_popped(id), Some((_, Outcome::Clean))));
        });
    }
}

#[test]
fn a_series_may_be_empty() {
    for make in CODECS {
        let bytes = packed(framed(make), &[]);
        // The empty stream alone, which is what ends any series.
        assert_eq!(bytes, packed(make, &[]));
        let bytes = [&bytes[..], b"plain"].concat();
        for_each_cut(&bytes, |pieces| {
            let (mut stack, id) = with(framed(make));
            assert_eq!(feed(&mut stack, pieces), b"");
            assert_eq!(stack.parked(), Some(id.key()));
            stack.start_pop(id.key()).unwrap();
            assert_eq!(read(&mut stack), b"plain");
        });
    }
}

/// A layer without changes sends one stream and the empty one.
#[test]
fn a_series_of_one_is_a_stream_and_the_end() {
    for make in CODECS {
        let bytes = packed(framed(make), &[b"one", b"two"]);
        let one = packed(make, &[b"one", b"two"]);
        assert_eq!(bytes, [one, packed(make, &[])].concat());
    }
}

#[test]
fn both_sides_reset_and_pop_and_push_again() {
    for make in CODECS {
        let (mut left, mut right) = (bare(), bare());
        let (mut at_left, mut at_right) = (framed(make)(), framed(make)());
        for round in 0..3 {
            let ids = [left.push(at_left).unwrap(), right.push(at_right).unwrap()];
            for _ in 0..3 {
                let word = format!("round {round}");
                let reset = left.with_layer(ids[0], |layer, _| layer.reset());
                reset.unwrap().unwrap();
                left.write(word.as_bytes()).unwrap();
                right.write(word.as_bytes()).unwrap();
                assert_eq!(carry(&mut left, &mut right), word.as_bytes());
                assert_eq!(carry(&mut right, &mut left), word.as_bytes());
            }
            left.start_pop(ids[0].key()).unwrap();
            right.start_pop(ids[1].key()).unwrap();
            left.write(b"plain").unwrap();
            right.write(b"plain").unwrap();
            assert_eq!(carry(&mut left, &mut right), b"plain");
            assert_eq!(carry(&mut right, &mut left), b"plain");
            at_left = left.take_popped(ids[0]).unwrap().0;
            at_right = right.take_popped(ids[1]).unwrap().0;
        }
    }
}

/// What other encoders make of `data` at once.
fn by_others(name: &str, data: &[u8]) -> Vec<u8> {
    let level = Compression::new(6);
    match name {
        "deflate" => {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
            encoder.write_all(data).unwrap();
            encoder.finish().unwrap()
        }
        "zlib" => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(data).unwrap();
            encoder.finish().unwrap()
        }
        "gzip" => {
            let head = flate2::GzBuilder::new().filename("a name").comment("said");
            let mut encoder = head.extra("xtra").write(Vec::new(), level);
            encoder.write_all(data).unwrap();
            encoder.finish().unwrap()
        }
        "zstd" => {
            let mut out = Vec::with_capacity(zstd_safe::compress_bound(data.len()));
            zstd_safe::compress(&mut out, data, 3).unwrap();
            out
        }
        "brotli" => {
            let mut out = Vec::new();
            let params = brotli::enc::BrotliEncoderParams {
                quality: 4,
                ..Default::default()
            };
            brotli::BrotliCompress(&mut &data[..], &mut out, &params).unwrap();
            out
        }
        // No other is at hand.
        _ => packed(LZ4, &[data]),
    }
}

#[test]
fn series_of_other_encoders_are_read() {
    let pieces = [prose(1), prose(70_000), noise(300)];
    for make in CODECS {
        let name = make().name().to_owned();
        let mut bytes: Vec<_> = pieces.iter().flat_map(|it| by_others(&name, it)).collect();
        bytes.extend(by_others(&name, b""));
        bytes.extend(b"behind");
        for cut in [1, 7, 1000, bytes.len()] {
            let (mut stack, id) = with(framed(make));
            stack.start_pop(id.key()).unwrap();
            let cuts: Vec<_> = bytes.chunks(cut).collect();
            assert!(feed(&mut stack, &cuts) == [&pieces.concat()[..], b"behind"].concat());
        }
    }
}

/// However large their blocks are, to wait for the rest of one is no waste.
#[test]
fn large_blocks_of_other_encoders_are_read() {
    let data = noise(1_300_000);
    for make in CODECS {
        let (mut stack, _) = with(make);
        let bytes = by_others(make().name(), &data);
        assert!(feed(&mut stack, &bytes.chunks(10_000).collect::<Vec<_>>()) == data);
    }
}

/// Our series is what the formats' own decoders take for one.
#[test]
fn series_are_read_by_other_decoders() {
    let series = |make: Make| {
        let (mut stack, id) = with(framed(make));
        for word in ["one ", "two ", "three"] {
            let reset = stack.with_layer(id, |layer, _| layer.reset());
            reset.unwrap().unwrap();
            stack.write(word.as_bytes()).unwrap();
        }
        stack.start_pop(id.key()).unwrap();
        wire(&mut stack)
    };
    let mut out = [0; 100];
    let n = zstd_safe::decompress(&mut out[..], &series(ZSTD)).unwrap();
    assert_eq!(&out[..n], b"one two three");
    let bytes = series(GZIP);
    let mut out = Vec::new();
    let mut decoder = flate2::read::MultiGzDecoder::new(&bytes[..]);
    std::io::Read::read_to_end(&mut decoder, &mut out).unwrap();
    assert_eq!(out, b"one two three");
}

/// C7
#[test]
fn an_end_of_input_between_two_streams_is_a_truncation() {
    for make in CODECS {
        let one = packed(make, &[b"one"]).len();
        let bytes = series(make, &[b"one", b"two"]);
        for len in 0..bytes.len() {
            let (mut stack, _) = with(framed(make));
            let seen = feed(&mut stack, &[&bytes[..len]]);
            assert!(len < one || seen.starts_with(b"one"));
            stack.receive_end();
            read(&mut stack);
            assert_eq!(failure(&stack).kind(), ErrorKind::Truncated, "{len}");
        }
    }
}

/// Whether a stream is empty is told by its content, however it is encoded and cut.
#[test]
fn empty_blocks_make_no_stream_full() {
    // A sync flush before the end.
    let bytes = [&[0, 0, 0, 0xff, 0xff], &[3, 0][..], b"plain"].concat();
    for_each_cut(&bytes, |pieces| {
        let (mut stack, id) = with(|| CompressLayer::deflate(6).framed());
        stack.start_pop(id.key()).unwrap();
        assert_eq!(feed(&mut stack, pieces), b"plain");
    });
}

#[test]
fn skippable_frames_stand_between_any_two() {
    for make in [ZSTD, LZ4] {
        let skippable = |kind: u8, len: usize| {
            let mut frame = vec![kind, 0x2a, 0x4d, 0x18];
            frame.extend((len as u32).to_le_bytes());
            frame.extend(noise(len));
            frame
        };
        let bytes = [
            skippable(0x50, 0),
            packed(make, &[b"one "]),
            skippable(0x5f, 5),
            skippable(0x51, 0),
            packed(make, &[b"two"]),
            skippable(0x53, 1),
            packed(make, &[]),
            skippable(0x50, 3),
        ]
        .concat();
        for_each_cut(&bytes, |pieces| {
            let (mut stack, id) = with(framed(make));
            assert_eq!(feed(&mut stack, pieces), b"one two");
            // What stands behind the last one is not the layer's.
            stack.start_pop(id.key()).unwrap();
            assert_eq!(read(&mut stack), skippable(0x50, 3));
        });
    }
}

/// C2: streams of one byte each, without end.
#[test]
fn tiny_streams_are_work_too() {
    for make in CODECS {
        let tiny = packed(make, &[b"x"]);
        let many = tiny.repeat(1 + 60_000 / tiny.len());
        let (mut stack, _) = with(framed(make));
        let limits = Limits::default();
        // Each turn makes a bounded number of them, and takes no more than it makes.
        receive(&mut stack, &many[..]);
        let mut seen = 0;
        for _ in 0..100 {
            let n = stack.readable().len();
            assert!(n <= limits.work as usize, "{n} in a turn");
            stack.consume(n);
            seen += n;
            stack.advance(Duration::ZERO);
        }
        assert!(stack.has_work() && seen > 100);
        // And they cost memory once only.
        let (mut stack, _) = with(framed(make));
        let heap = |stack: &mut Stack, times: usize| {
            allocation_counter::measure(|| {
                for _ in 0..times {
                    receive(stack, &tiny);
                    while !stack.readable().is_empty() || stack.has_work() {
                        stack.consume(stack.readable().len());
                        stack.advance(Duration::ZERO);
                    }
                }
            })
        };
        heap(&mut stack, 100);
        let after = heap(&mut stack, 1000);
        assert!(after.bytes_current.abs() < 1024, "{after:?}");
    }
}

/// Each stream of a series may have a narrower window and another level; each has its own checksum.
#[test]
fn the_streams_of_a_series_need_not_be_alike() {
    let narrow = || CompressLayer::new(Zlib::new(1).with_window_log(9));
    let bytes = [
        packed(narrow, &[b"one"]),
        packed(ZLIB, &[b"two"]),
        packed(ZLIB, &[]),
    ]
    .concat();
    let (mut stack, id) = with(framed(ZLIB));
    assert_eq!(feed(&mut stack, &[&bytes]), b"onetwo");
    assert_eq!(stack.parked(), Some(id.key()));
    // And what is allowed is the same in the second as in the first.
    let bytes = [packed(narrow, &[b"one"]), packed(ZLIB, &[b"two"])].concat();
    let (mut stack, _) = with(|| narrow().framed());
    assert_eq!(feed(&mut stack, &[&bytes]), b"one");
    assert_eq!(failure(&stack).kind(), ErrorKind::Limit);
    let brotli =
        |log| move || CompressLayer::new(compress_layer::Brotli::new(3).with_window_log(log));
    let bytes = [packed(brotli(12), &[b"one"]), packed(BROTLI, &[b"two"])].concat();
    let (mut stack, _) = with(|| brotli(12)().framed());
    assert_eq!(feed(&mut stack, &[&bytes]), b"one");
    assert_eq!(failure(&stack).kind(), ErrorKind::Limit);
}
