//! What a peer can make a decoder of brotli take.

use std::time::Duration;

use compress_layer::{Brotli, CompressLayer};
use stack::Stack;

use crate::wire::{receive, wire, with};

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

const MIB: i64 = 1 << 20;

/// The prefix codes of one metablock come on top of the window.
#[test]
fn all_prefix_codes_take_2_mib_besides_the_widest_window() {
    let codes = many_codes().bytes;
    let bytes = [&widest()[..], &codes[..codes.len() - 2]].concat();
    let (all, _) = takes(&bytes);
    println!("{} KiB", all / 1024);
    assert!((17 * MIB..18 * MIB).contains(&all), "{all}");
}

/// While the ring grows to its full size, the smaller one is there as well.
#[test]
fn the_widest_window_takes_half_as_much_again_for_a_moment() {
    let (_, most) = takes(&widest());
    println!("{} KiB", most / 1024);
    assert!((24 * MIB..25 * MIB).contains(&most), "{most}");
}
