//! What a review found. Each fails until it is mended.

use std::time::Duration;

use compress_layer::{Brotli, CompressLayer, Deflate, Zlib, Zstd};
use stack::{Error, ErrorKind, Stack};

use crate::wire::{Make, failure, feed, noise, packed, receive, wire, with};

const SECRET: &[u8] = b"Cookie: session=qwertzuiopasdfghjklyxcvbnm";

/// How long the secret is behind a reset, where it is also in the dictionary.
fn length(make: Make, before: &[u8]) -> usize {
    let (mut stack, id) = with(make);
    stack.write(before).unwrap();
    wire(&mut stack);
    let reset = stack.with_layer(id, |layer, _| layer.reset());
    reset.unwrap().unwrap();
    stack.write(SECRET).unwrap();
    wire(&mut stack).len()
}

// `reset`: "a dictionary counts as written before", and yet a frame of zstd behind it refers to it.
#[test]
fn a_reset_forgets_zstds_dictionary() {
    let primed: Make =
        || CompressLayer::new(Zstd::new(3).with_dictionary(SECRET).unwrap()).framed();
    let plain: Make = || CompressLayer::zstd(3).framed();
    assert_eq!(length(primed, b"x"), length(plain, b"x"));
}

// The same before the first byte, where a reset is nothing for any format.
#[test]
fn a_reset_before_the_first_byte_forgets_the_dictionary() {
    let pairs: [(Make, Make); 2] = [
        (
            || CompressLayer::new(Deflate::new(6).with_dictionary(SECRET)),
            || CompressLayer::deflate(6),
        ),
        (
            || CompressLayer::new(Zlib::new(6).with_dictionary(SECRET)),
            || CompressLayer::zlib(6),
        ),
    ];
    for (primed, plain) in pairs {
        // A zlib header names the dictionary in 4 bytes.
        assert!(length(primed, b"") + 4 >= length(plain, b""));
    }
}

/// Bits, the lowest first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    len: usize,
}

impl Bits {
    fn put(&mut self, n: usize, value: u32) {
        for i in 0..n {
            if self.len.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().unwrap() |= ((value >> i & 1) as u8) << (self.len % 8);
            self.len += 1;
        }
    }

    /// A prefix code of one symbol, which then takes no bits.
    fn code(&mut self, alphabet_bits: usize, symbol: u32) {
        self.put(4, 1);
        self.put(alphabet_bits, symbol);
    }

    /// A count of 256.
    fn all(&mut self) {
        self.put(4, 0xf);
        self.put(7, 127);
    }
}

/// A metablock of brotli of one byte, with all the block types and prefix codes that there may be.
fn many_codes() -> Bits {
    let mut bits = Bits::default();
    bits.put(3, 0); // not the last; its length has four nibbles
    bits.put(16, 0);
    bits.put(1, 0); // compressed
    for _ in 0..3 {
        bits.all();
        bits.code(9, 0);
        bits.code(5, 0);
        bits.put(2, 3);
    }
    bits.put(6, 0xff); // postfix and direct distances: the largest alphabet
    (0..256).for_each(|_| bits.put(2, 0));
    for _ in 0..2 {
        bits.all();
        bits.put(1, 0);
        bits.code(8, 0);
        bits.put(1, 0);
    }
    (0..256).for_each(|_| bits.code(8, u32::from(b'x')));
    (0..256).for_each(|_| bits.code(10, 8));
    (0..256).for_each(|_| bits.code(10, 0));
    bits
}

/// Brotli with its widest window in use, at a byte's border amid the stream.
fn widest() -> Vec<u8> {
    let (mut stack, _) = with(|| CompressLayer::new(Brotli::new(1).with_window_log(24)));
    let mut bytes = Vec::new();
    for _ in 0..17 {
        stack.write(&vec![0; 1 << 20]).unwrap();
        bytes.extend(wire(&mut stack));
    }
    bytes
}

fn drain(stack: &mut Stack) {
    while !stack.readable().is_empty() || stack.has_work() {
        stack.consume(stack.readable().len());
        stack.advance(Duration::ZERO);
    }
}

/// What a layer takes that receives these bytes: in the end, and at most.
fn takes(bytes: &[u8]) -> (i64, i64) {
    let run = || {
        let (mut stack, _) = with(|| CompressLayer::brotli(4));
        for piece in bytes.chunks(4096) {
            receive(&mut stack, piece);
            drain(&mut stack);
        }
        assert!(stack.input_end().is_none());
        stack
    };
    drop(run());
    let mut stack = None;
    let heap = allocation_counter::measure(|| stack = Some(run()));
    (heap.bytes_current, heap.bytes_max as i64)
}

/// Where `a_peer_has_a_ceiling` has it.
const CEILING: i64 = 17 << 20;

// The table in lib.rs and `a_peer_has_a_ceiling` say that a peer makes brotli's decoder take 16 MiB, and
// certainly not 17: the prefix codes of one metablock come on top.
#[test]
fn brotlis_ceiling_holds_with_all_prefix_codes() {
    let codes = many_codes().bytes;
    let bytes = [&widest()[..], &codes[..codes.len() - 2]].concat();
    assert!(takes(&bytes).0 < CEILING, "{:?}", takes(&bytes));
}

// The same ceiling is looked at only afterwards: while its ring grows, the decoder has both rings, 24 MiB.
#[test]
fn brotlis_ceiling_holds_while_its_ring_grows() {
    assert!(takes(&widest()).1 < CEILING, "{:?}", takes(&widest()));
}

// A window wider than is allowed is `Limit` with brotli, and with the others `Protocol`, "not a zlib stream",
// though the same was set.
#[test]
fn a_wide_window_is_the_same_error_in_each_format() {
    let makes: [fn(u32) -> CompressLayer; 3] = [
        |log| CompressLayer::new(Brotli::new(3).with_window_log(log)),
        |log| CompressLayer::new(Zlib::new(3).with_window_log(log)),
        |log| CompressLayer::new(Zstd::new(3).with_window_log(log)),
    ];
    let errors = makes.map(|make| {
        let (mut stack, _) = with(|| make(10));
        feed(&mut stack, &[&packed(|| make(12), &[&noise(5000)])]);
        failure(&stack)
    });
    let limit = |error: &Error| error.kind() == ErrorKind::Limit;
    assert!(errors.iter().all(limit), "{errors:?}");
}

// `Debug` of settings prints the dictionary, byte by byte: 157 KiB for one of 32 KiB, which may be private.
#[test]
fn settings_are_drawn_without_their_dictionary() {
    let dictionary = [b'x'; 32 * 1024];
    let deflate = Deflate::new(6).with_dictionary(&dictionary);
    let zlib = Zlib::new(6).with_dictionary(&dictionary);
    let zstd = Zstd::new(3).with_dictionary(&dictionary).unwrap();
    for drawn in [
        format!("{deflate:?}"),
        format!("{zlib:?}"),
        format!("{zstd:?}"),
    ] {
        assert!(drawn.len() < 1000, "{} bytes", drawn.len());
    }
}
