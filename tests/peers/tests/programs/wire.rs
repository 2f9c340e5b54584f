//! A stack without a network, and what to carry.

use std::iter::repeat_with;
use std::time::Duration;

use compress_layer::CompressLayer;
use peers::text;
use stack::{LayerId, Limits, Stack};

/// A stack with this layer.
pub(crate) fn with(layer: CompressLayer) -> (Stack, LayerId<CompressLayer>) {
    let mut stack = Stack::new(Limits::default());
    let id = stack.push(layer).unwrap();
    (stack, id)
}

/// What the layer makes of `data`, written in so many pieces with a flush behind each, to its end mark.
/// Before each piece `change` is called with its number.
pub(crate) fn packed(
    layer: CompressLayer,
    data: &[u8],
    pieces: usize,
    change: impl Fn(&mut Stack, LayerId<CompressLayer>, usize),
) -> Vec<u8> {
    let (mut stack, id) = with(layer);
    let mut made = Vec::new();
    let pieces = data.chunks(data.len().div_ceil(pieces).max(1));
    for (n, piece) in pieces.enumerate() {
        change(&mut stack, id, n);
        stack.write(piece).unwrap();
        made.extend(wire(&mut stack));
    }
    stack.shutdown();
    made.extend(wire(&mut stack));
    assert!(stack.outgoing_ended());
    made
}

fn wire(stack: &mut Stack) -> Vec<u8> {
    stack.flush();
    let bytes = stack.outgoing().to_vec();
    stack.sent(bytes.len());
    bytes
}

/// Hands over a piece, and reads all that can then be read.
pub(crate) fn receive(stack: &mut Stack, piece: &[u8]) -> Vec<u8> {
    stack.advance(Duration::ZERO);
    stack.receive(&mut piece.to_vec());
    let mut all = Vec::new();
    loop {
        stack.advance(Duration::ZERO);
        let n = stack.readable().len();
        if n == 0 && !stack.has_work() {
            return all;
        }
        all.extend_from_slice(stack.readable());
        stack.consume(n);
    }
}

/// Nothing, a byte, a sentence, and 300 KiB that compress well, badly, and not at all.
pub(crate) fn data() -> Vec<Vec<u8>> {
    let sentence =
        b"What is written here is read there, and is written here again: here and there. ";
    let mut state = 1_u64;
    let noise = repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    });
    let noise = noise.take(100 * 1024).collect();
    let large = [sentence.repeat(1300), noise, text(1, 100 * 1024).into()].concat();
    vec![Vec::new(), b"x".to_vec(), sentence.to_vec(), large]
}
