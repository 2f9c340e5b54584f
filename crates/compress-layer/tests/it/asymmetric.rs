//! One direction compressed, or each in its own format.

use compress_layer::{Brotli, CompressInfo, CompressLayer, Deflate, Gzip, Lz4, Zstd};
use stack::{End, Exit, Layer, LayerId, Outcome, Stack};

use crate::wire::{
    bare, carry, failure, feed, for_each_cut, noise, prose, read, receive, wire, with,
};

type Make = fn() -> CompressLayer;

/// The two ends of a connection, with what each says that it is.
const ENDS: [(Make, Make); 6] = [
    (
        || CompressLayer::sending(Deflate::new(6)),
        || CompressLayer::receiving(Deflate::new(6)),
    ),
    (
        || CompressLayer::sending(Zstd::new(3)),
        || CompressLayer::receiving(Zstd::new(3)),
    ),
    (
        || CompressLayer::sending(Lz4::new(1)).framed(),
        || CompressLayer::receiving(Lz4::new(1)).framed(),
    ),
    (
        || CompressLayer::pair(Deflate::new(9), Zstd::new(1)),
        || CompressLayer::pair(Zstd::new(1), Deflate::new(9)),
    ),
    (
        || CompressLayer::pair(Brotli::new(4), Gzip::new(6)),
        || CompressLayer::pair(Gzip::new(6), Brotli::new(4)),
    ),
    (
        || CompressLayer::pair(Deflate::new(6), Deflate::new(1).with_window_log(9)),
        || CompressLayer::pair(Deflate::new(1).with_window_log(9), Deflate::new(6)),
    ),
];

struct Side {
    stack: Stack,
    id: LayerId<CompressLayer>,
}

fn sides((left, right): (Make, Make)) -> (Side, Side) {
    let side = |make| {
        let (stack, id) = with(make);
        Side { stack, id }
    };
    (side(left), side(right))
}

#[test]
fn both_ways_both_ends() {
    for ends in ENDS {
        let (mut left, mut right) = sides(ends);
        for data in [prose(50_000), noise(20_000), b"x".to_vec()] {
            left.stack.write(&data[..]).unwrap();
            right.stack.write(&data[..]).unwrap();
            assert!(carry(&mut left.stack, &mut right.stack) == data);
            assert!(carry(&mut right.stack, &mut left.stack) == data);
        }
    }
}

/// What the uncompressed direction carries is on the wire as it was written, at once and without a
/// flush, and rises the same way.
#[test]
fn the_other_direction_is_left_as_it_is() {
    let data = [prose(300), noise(300)].concat();
    let (mut sender, mut receiver) = sides(ENDS[0]);
    receiver.stack.write(&data[..]).unwrap();
    assert_eq!(receiver.stack.outgoing(), data);
    for_each_cut(&data, |pieces| {
        let (mut stack, _) = with(ENDS[0].0);
        assert_eq!(feed(&mut stack, pieces), data);
    });
    // It has no end mark, so the end of the input is just that.
    receive(&mut sender.stack, &data);
    sender.stack.receive_end();
    assert_eq!(read(&mut sender.stack), data);
    assert!(matches!(sender.stack.input_end(), Some(End::Clean)));
    // The compressed one has.
    receiver.stack.receive_end();
    read(&mut receiver.stack);
    assert_eq!(failure(&receiver.stack).kind(), stack::ErrorKind::Truncated);
}

/// Each writes and pops, in either order, and writes on; at every cut of either wire.
#[test]
fn pops_in_any_order_at_every_cut() {
    for ends in ENDS {
        for left_first in [true, false] {
            let (mut left, mut right) = sides(ends);
            let leave = |side: &mut Side| {
                side.stack.write(b"inside ").unwrap();
                side.stack.start_pop(side.id.key()).unwrap();
                side.stack.write(b"behind").unwrap();
                wire(&mut side.stack)
            };
            let (first, second) = match left_first {
                true => (&mut left, &mut right),
                false => (&mut right, &mut left),
            };
            let first_wire = leave(first);
            // The second has met the first's mark before it leaves itself, or not.
            let early = feed(&mut second.stack, &[&first_wire]);
            let second_wire = leave(second);
            let seen = [early, read(&mut second.stack)].concat();
            assert_eq!(seen, b"inside behind");
            assert_eq!(feed(&mut first.stack, &[&second_wire]), b"inside behind");
            for side in [&mut left, &mut right] {
                let popped = side.stack.take_popped(side.id);
                assert!(matches!(popped, Some((_, Outcome::Clean))));
            }

            let (to, wire) = match left_first {
                true => (ends.1, first_wire),
                false => (ends.0, first_wire),
            };
            for_each_cut(&wire, |pieces| {
                let (mut stack, id) = with(to);
                stack.start_pop(id.key()).unwrap();
                assert_eq!(feed(&mut stack, pieces), b"inside behind");
                assert!(stack.take_popped(id).is_some());
            });
        }
    }
}

/// One direction has ended, and the other goes on.
#[test]
fn one_half_is_closed() {
    for ends in ENDS {
        let (mut left, mut right) = sides(ends);
        left.stack.write(b"the last of left").unwrap();
        left.stack.shutdown();
        assert!(left.stack.outgoing_ended());
        let last = carry(&mut left.stack, &mut right.stack);
        assert_eq!(last, b"the last of left");
        right.stack.receive_end();
        for word in ["and", "right", "goes on"] {
            right.stack.write(word.as_bytes()).unwrap();
            let seen = carry(&mut right.stack, &mut left.stack);
            assert_eq!(seen, word.as_bytes());
        }
        right.stack.shutdown();
        assert_eq!(carry(&mut right.stack, &mut left.stack), b"");
        left.stack.receive_end();
        for side in [&left, &right] {
            assert!(matches!(side.stack.input_end(), Some(End::Clean)));
        }
    }
}

#[test]
fn popped_and_pushed_again_it_begins_anew() {
    for (at_left, at_right) in ENDS {
        let (mut left, mut right) = (bare(), bare());
        let (mut at_left, mut at_right) = (at_left(), at_right());
        for _ in 0..3 {
            let (in_left, in_right) = (left.push(at_left).unwrap(), right.push(at_right).unwrap());
            let info = left.info::<CompressInfo>().unwrap();
            assert_eq!((info.sent.plain, info.received.plain), (0, 0));
            left.write(b"inside").unwrap();
            right.write(b"inside").unwrap();
            left.start_pop(in_left.key()).unwrap();
            right.start_pop(in_right.key()).unwrap();
            left.write(b" plain").unwrap();
            right.write(b" plain").unwrap();
            assert_eq!(carry(&mut left, &mut right), b"inside plain");
            assert_eq!(carry(&mut right, &mut left), b"inside plain");
            at_left = left.take_popped(in_left).unwrap().0;
            at_right = right.take_popped(in_right).unwrap().0;
        }
    }
}

/// The peer's end mark comes unasked, in the one direction that has one.
#[test]
fn an_unasked_end_mark_parks_who_receives() {
    let (mut sender, mut receiver) = sides(ENDS[0]);
    sender.stack.write(b"all").unwrap();
    sender.stack.start_pop(sender.id.key()).unwrap();
    sender.stack.write(b"plain").unwrap();
    // The sender waits for nothing: its inbound was never compressed.
    let popped = sender.stack.take_popped(sender.id);
    assert!(matches!(popped, Some((_, Outcome::Clean))));
    assert_eq!(carry(&mut sender.stack, &mut receiver.stack), b"all");
    assert_eq!(receiver.stack.parked(), Some(receiver.id.key()));
    receiver.stack.start_pop(receiver.id.key()).unwrap();
    assert_eq!(read(&mut receiver.stack), b"plain");
    let popped = receiver.stack.take_popped(receiver.id);
    assert!(matches!(popped, Some((_, Outcome::Clean))));
}

#[test]
fn what_only_receives_sends_no_end_mark() {
    let (mut stack, id) = with(ENDS[0].1);
    stack.write(b"before ").unwrap();
    stack.start_pop(id.key()).unwrap();
    stack.write(b"behind").unwrap();
    assert_eq!(wire(&mut stack), b"before behind");
    // Inbound it still waits for the peer's.
    assert!(stack.take_popped(id).is_none());
    stack.receive_end();
    assert!(stack.input_end().unwrap().is_truncated());
}

#[test]
fn the_exit_tells_what_is_waited_for() {
    for (left, right) in ENDS {
        assert_eq!(
            (left().exit(), right().exit()),
            (Exit::Marked, Exit::Marked)
        );
    }
    let (mut stack, id) = with(ENDS[0].0);
    stack.write(b"x").unwrap();
    let exit = |stack: &mut Stack| stack.with_layer(id, |layer, _| layer.exit()).unwrap();
    assert_eq!(exit(&mut stack), Exit::Marked);
    // Behind our end mark there is nothing left that it does.
    stack.shutdown();
    assert_eq!(exit(&mut stack), Exit::Anytime);
    // Also if that was all it was pushed for.
    stack.start_pop(id.key()).unwrap();
    assert!(stack.take_popped(id).is_some());
}

#[test]
fn names_and_info() {
    for ((left, right), names) in ENDS.into_iter().zip([
        ("deflate", "deflate"),
        ("zstd", "zstd"),
        ("lz4", "lz4"),
        ("deflate/zstd", "zstd/deflate"),
        ("brotli/gzip", "gzip/brotli"),
        ("deflate", "deflate"),
    ]) {
        assert_eq!((left().name(), right().name()), names);
    }
    let (mut sender, mut receiver) = sides(ENDS[1]);
    sender.stack.write(&[7; 5000]).unwrap();
    receiver.stack.write(b"123").unwrap();
    assert_eq!(carry(&mut sender.stack, &mut receiver.stack), [7; 5000]);
    assert_eq!(carry(&mut receiver.stack, &mut sender.stack), b"123");
    let info = |side: &Side| side.stack.info::<CompressInfo>().unwrap().clone();
    let (sender, receiver) = (info(&sender), info(&receiver));
    assert_eq!((sender.level, receiver.level), (Some(3), None));
    assert_eq!(sender.sent, receiver.received);
    assert_eq!(sender.received, receiver.sent);
    assert_eq!(
        (sender.sent.codec, receiver.sent.codec),
        (Some("zstd"), None)
    );
    assert!(sender.sent.ratio().unwrap() < 0.1);
    assert_eq!(receiver.sent.ratio(), Some(1.0));
    assert_eq!((receiver.sent.plain, receiver.sent.compressed), (3, 3));
}
