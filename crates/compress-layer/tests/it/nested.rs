//! C11: compression within compression.

use std::time::Duration;

use compress_layer::CompressLayer;
use stack::{ErrorKind, Limits, Stack};

use crate::wire::{CODECS, DEFLATE, Make, bare, feed, packed, receive, with};

/// A stack of `depth` layers, which says that it is meant.
fn deep(make: Make, depth: usize) -> Stack {
    let mut stack = bare();
    for _ in 0..depth {
        stack.push(make().anywhere()).unwrap();
    }
    stack
}

#[test]
fn a_compressor_above_a_compressor_is_refused() {
    for lower in CODECS {
        for upper in CODECS {
            let (mut stack, _) = with(lower);
            let refused = stack.push(upper()).unwrap_err();
            assert_eq!(refused.error().kind(), ErrorKind::Order);
            let refused = stack.push(upper().framed()).unwrap_err();
            assert_eq!(refused.error().kind(), ErrorKind::Order);
            // Directions that would not meet do not matter: it is a compressor.
            let one_way = CompressLayer::receiving(compress_layer::Deflate::new(1));
            assert!(stack.push(one_way).is_err());
            // The stack goes on, and takes one that is meant.
            stack.write(b"x").unwrap();
            stack.push(upper().anywhere()).unwrap();
            assert_eq!(stack.layers().count(), 2);
        }
    }
}

/// A bomb of bombs: each layer makes its blocks only for one above that wants them.
#[test]
fn a_bomb_within_a_bomb_stands_still_while_nobody_reads() {
    let zeros = vec![0; 24 << 20];
    let inner = packed(DEFLATE, &[&zeros]);
    let outer = packed(DEFLATE, &[&inner]);
    assert!(outer.len() < zeros.len() / 20_000, "{}", outer.len());

    let limits = Limits::default();
    let heap = allocation_counter::measure(|| {
        let mut stack = deep(DEFLATE, 2);
        receive(&mut stack, &outer);
        let mut read = 0;
        while stack.has_work() || !stack.readable().is_empty() {
            let in_turn = stack.readable().len();
            assert!(in_turn <= limits.work as usize * 16 * 1024);
            assert!(in_turn <= limits.inbox + 16 * 1024);
            stack.consume(in_turn);
            read += in_turn;
            stack.advance(Duration::ZERO);
        }
        assert_eq!(read, zeros.len());
    });
    assert!(heap.bytes_max < 512 * 1024, "{heap:?}");
}

/// A quine: blocks of deflate that decode to themselves, by Russ Cox's way: `L4` has the next four
/// units as they are, `R4` the last four again, `L0` does nothing, and each is a unit of five bytes.
/// Endless, it would feed any number of layers with the same bytes; it ends nowhere, and grows nowhere.
#[test]
fn a_quine_goes_through_any_depth_unchanged() {
    const L0: [u8; 5] = [0, 0, 0, 0xff, 0xff];
    const L4: [u8; 5] = [0, 20, 0, 0xeb, 0xff];
    const R4: [u8; 5] = [0x42, 0x88, 0x21, 0xc4, 0];
    let quine = [
        [L0, L0, L0, L4],
        [L0, L0, L0, L4],
        [R4, L4, R4, L4],
        [R4, L4, R4, L4],
        [L0, L0, L0, L0],
    ];
    let quine = quine.concat().concat();
    for depth in 1..=8 {
        let mut stack = deep(DEFLATE, depth);
        for _ in 0..100 {
            assert_eq!(feed(&mut stack, &[&quine]), quine, "{depth}");
        }
        assert!(stack.input_end().is_none());
        let pieces: Vec<_> = quine.chunks(1).collect();
        assert_eq!(feed(&mut stack, &pieces), quine);
    }
}

/// A series within a series has an end at each height.
#[test]
fn series_within_series_end_one_by_one() {
    for make in CODECS {
        let framed = || make().framed();
        let inner = packed(framed, &[b"inside"]);
        let outer = [packed(framed, &[&inner, b"between"]), b"plain".to_vec()].concat();
        let mut stack = bare();
        let low = stack.push(framed()).unwrap();
        let high = stack.push(framed().anywhere()).unwrap();
        assert_eq!(feed(&mut stack, &[&outer]), b"inside");
        assert_eq!(stack.parked(), Some(high.key()));
        stack.start_pop(high.key()).unwrap();
        assert_eq!(crate::wire::read(&mut stack), b"between");
        assert_eq!(stack.parked(), Some(low.key()));
        stack.start_pop(low.key()).unwrap();
        assert_eq!(crate::wire::read(&mut stack), b"plain");
    }
}
