//! The level changes while bytes flow.

use compress_layer::{CompressInfo, CompressLayer};
use stack::{ErrorKind, LayerId, Stack};

use crate::wire::{
    BROTLI, CODECS, DEFLATE, GZIP, LZ4, Make, ZLIB, ZSTD, bare, carry, feed, for_each_cut, noise,
    packed, prose, wire, with,
};

/// Each format, with a series of streams where it needs one to change, and its range of levels.
const LIVE: [(Make, i32, i32); 6] = [
    (DEFLATE, 0, 9),
    (ZLIB, 0, 9),
    (GZIP, 0, 9),
    (|| ZSTD().framed(), -5, 12),
    (|| BROTLI().framed(), 0, 9),
    (|| LZ4().framed(), 0, 12),
];

/// Those that need a series, without one.
const RIGID: [Make; 3] = [ZSTD, BROTLI, LZ4];

fn set(stack: &mut Stack, id: LayerId<CompressLayer>, level: i32) -> Result<(), stack::Error> {
    stack
        .with_layer(id, |layer, _| layer.set_level(level))
        .unwrap()
}

fn level(stack: &Stack) -> Option<i32> {
    stack.info::<CompressInfo>().unwrap().level
}

/// From each level to each other, in mid-stream, flushed or not.
#[test]
fn every_change_of_level_round_trips() {
    let data = [prose(3000), noise(100)].concat();
    for (make, low, high) in LIVE {
        for flushed in [true, false] {
            let (mut left, id) = with(make);
            let (mut right, _) = with(make);
            let (mut sent, mut seen) = (Vec::new(), Vec::new());
            for from in low..=high {
                for to in low..=high {
                    for level in [from, to] {
                        set(&mut left, id, level).unwrap();
                        left.write(&data[..]).unwrap();
                        sent.extend(&data);
                        if flushed {
                            seen.extend(carry(&mut left, &mut right));
                        }
                    }
                }
            }
            seen.extend(carry(&mut left, &mut right));
            assert!(seen == sent);
        }
    }
}

#[test]
fn a_changed_level_is_the_same_at_every_cut() {
    for (make, low, high) in LIVE {
        let (mut left, id) = with(make);
        let (mut bytes, mut sent) = (Vec::new(), Vec::new());
        for (i, level) in [high, low, low, high].into_iter().enumerate() {
            let data = [prose(90), noise(9)].concat();
            left.write(&data[..]).unwrap();
            sent.extend(data);
            // Between writes that are flushed, and between writes that are not.
            if i % 2 == 0 {
                bytes.extend(wire(&mut left));
            }
            set(&mut left, id, level).unwrap();
        }
        left.write(b"the end").unwrap();
        sent.extend(b"the end");
        left.start_pop(id.key()).unwrap();
        bytes.extend(wire(&mut left));
        for_each_cut(&bytes, |pieces| {
            let (mut right, id) = with(make);
            assert_eq!(feed(&mut right, pieces), sent);
            assert_eq!(right.parked(), Some(id.key()));
        });
    }
}

#[test]
fn a_level_shows_in_size_and_info() {
    let data = prose(60_000);
    for (make, low, high) in LIVE {
        let (mut stack, id) = with(make);
        let mut sizes = [low, high, low].map(|to| {
            set(&mut stack, id, to).unwrap();
            assert_eq!(level(&stack), Some(to));
            // What history gives is not the level's doing.
            stack
                .with_layer(id, |layer, _| layer.reset())
                .unwrap()
                .unwrap();
            stack.write(&data[..]).unwrap();
            wire(&mut stack).len()
        });
        assert!(sizes[1] < sizes[0] && sizes[1] < sizes[2], "{sizes:?}");
        sizes.sort();
        let [_, weak, weaker] = sizes;
        assert!(weaker - weak < 64, "{sizes:?}");
    }
}

#[test]
fn without_a_series_a_rigid_format_refuses_and_goes_on() {
    for make in RIGID {
        let (mut left, id) = with(make);
        let (mut right, _) = with(make);
        // Before the first byte it is free.
        set(&mut left, id, 2).unwrap();
        assert_eq!(level(&left), Some(2));
        left.write(b"one").unwrap();
        assert_eq!(carry(&mut left, &mut right), b"one");
        for _ in 0..2 {
            let error = set(&mut left, id, 5).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misuse);
            let reset = left.with_layer(id, |layer, _| layer.reset()).unwrap();
            assert_eq!(reset.unwrap_err().kind(), ErrorKind::Misuse);
            assert_eq!(level(&left), Some(2));
            left.write(b"two").unwrap();
            assert_eq!(carry(&mut left, &mut right), b"two");
        }
    }
}

/// A level that is set before the first byte, inside or outside of a stack, is as good as one that
/// the layer was made with.
#[test]
fn a_level_set_beforehand_is_that_of_the_whole_stream() {
    let data = prose(20_000);
    let makes: [fn(u32) -> CompressLayer; 6] = [
        CompressLayer::deflate,
        CompressLayer::zlib,
        CompressLayer::gzip,
        |level| CompressLayer::zstd(level as i32),
        CompressLayer::brotli,
        CompressLayer::lz4,
    ];
    let (low, high) = (1, 9);
    for make in makes {
        let expected = packed(|| make(high), &[&data]);
        assert_ne!(expected, packed(|| make(low), &[&data]));

        let mut outside = make(low);
        outside.set_level(high as i32).unwrap();
        assert_eq!(packed(|| outside, &[&data]), expected);

        let (mut stack, id) = with(|| make(low));
        set(&mut stack, id, high as i32).unwrap();
        stack.write(&data[..]).unwrap();
        let mut bytes = wire(&mut stack);
        stack.start_pop(id.key()).unwrap();
        bytes.extend(wire(&mut stack));
        assert_eq!(bytes, expected);
    }
}

#[test]
fn a_layer_that_only_receives_has_no_level() {
    let mut layer = CompressLayer::receiving(compress_layer::Deflate::new(6));
    assert_eq!(layer.set_level(3).unwrap_err().kind(), ErrorKind::Misuse);
    let mut stack = bare();
    let id = stack.push(layer).unwrap();
    assert_eq!(
        set(&mut stack, id, 3).unwrap_err().kind(),
        ErrorKind::Misuse
    );
    assert_eq!(level(&stack), None);
}

#[test]
fn the_same_level_again_sends_nothing() {
    let data = prose(500);
    for (make, low, _) in LIVE {
        let (mut plain, other) = with(make);
        let (mut stack, id) = with(make);
        for stack_and_id in [(&mut plain, other), (&mut stack, id)] {
            set(stack_and_id.0, stack_and_id.1, low + 1).unwrap();
        }
        for _ in 0..3 {
            plain.write(&data[..]).unwrap();
            stack.write(&data[..]).unwrap();
            set(&mut stack, id, low + 1).unwrap();
            assert_eq!(wire(&mut stack), wire(&mut plain));
            set(&mut stack, id, low + 1).unwrap();
            assert_eq!(wire(&mut stack), b"");
        }
    }
}

/// There and back again, with nothing written in between, is no change.
#[test]
fn a_level_that_is_taken_back_sends_nothing() {
    let data = prose(500);
    for (make, low, high) in LIVE {
        let (mut plain, _) = with(make);
        let (mut stack, id) = with(make);
        let begun = level(&stack).unwrap();
        for _ in 0..3 {
            plain.write(&data[..]).unwrap();
            stack.write(&data[..]).unwrap();
            assert_eq!(wire(&mut stack), wire(&mut plain));
            for level in [low, high, begun] {
                set(&mut stack, id, level).unwrap();
            }
        }
    }
}

#[test]
fn a_level_sends_nothing_by_itself() {
    for (make, low, high) in LIVE {
        let (mut left, id) = with(make);
        let (mut right, at_right) = with(make);
        for level in [low, high, low] {
            // Nor before the first byte.
            set(&mut left, id, level).unwrap();
            assert!(left.outgoing().is_empty());
            assert_eq!(wire(&mut left), b"");
        }
        left.write(b"x").unwrap();
        assert_eq!(carry(&mut left, &mut right), b"x");
        for level in [high, low, high] {
            set(&mut left, id, level).unwrap();
            assert!(left.outgoing().is_empty());
            assert_eq!(wire(&mut left), b"");
        }
        // And with a change still due it ends as it should.
        left.start_pop(id.key()).unwrap();
        assert_eq!(carry(&mut left, &mut right), b"");
        assert_eq!(right.parked(), Some(at_right.key()));
    }
}

/// A series has begun, or not, for each format: that of the deflate family goes on in one stream.
#[test]
fn a_change_in_the_deflate_family_needs_no_new_stream() {
    for make in CODECS {
        let (mut stack, id) = with(|| make().framed());
        stack.write(b"x").unwrap();
        let mut bytes = wire(&mut stack);
        set(&mut stack, id, 9).unwrap();
        stack.write(b"y").unwrap();
        bytes.extend(wire(&mut stack));
        let (mut peer, at_peer) = with(make);
        let one_stream = feed(&mut peer, &[&bytes]) == b"xy";
        assert_eq!(one_stream, peer.parked() != Some(at_peer.key()));
        assert_eq!(one_stream, [DEFLATE, ZLIB, GZIP].contains(&make));
    }
}
