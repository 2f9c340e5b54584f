//! Stacks without a network: bytes are carried by hand, cut in every way.

use std::time::Duration;

use compress_layer::CompressLayer;
use stack::{End, Error, LayerId, Limits, Stack};

pub(crate) type Make = fn() -> CompressLayer;

pub(crate) const DEFLATE: Make = || CompressLayer::deflate(6);
pub(crate) const ZLIB: Make = || CompressLayer::zlib(6);
pub(crate) const GZIP: Make = || CompressLayer::gzip(6);
pub(crate) const ZSTD: Make = || CompressLayer::zstd(3);
pub(crate) const BROTLI: Make = || CompressLayer::brotli(4);
pub(crate) const LZ4: Make = || CompressLayer::lz4(1);

pub(crate) const CODECS: [Make; 6] = [DEFLATE, ZLIB, GZIP, ZSTD, BROTLI, LZ4];

pub(crate) fn bare() -> Stack {
    Stack::new(Limits::default())
}

pub(crate) fn with(make: impl FnOnce() -> CompressLayer) -> (Stack, LayerId<CompressLayer>) {
    let mut stack = bare();
    let id = stack.push(make()).unwrap();
    (stack, id)
}

/// What the stack has for the network, after a flush.
pub(crate) fn wire(stack: &mut Stack) -> Vec<u8> {
    stack.flush();
    let bytes = stack.outgoing().to_vec();
    stack.sent(bytes.len());
    bytes
}

/// What a stack with this layer makes of `writes`, each flushed, with the end mark.
pub(crate) fn packed(make: impl FnOnce() -> CompressLayer, writes: &[&[u8]]) -> Vec<u8> {
    let (mut stack, id) = with(make);
    let mut bytes = Vec::new();
    for write in writes {
        stack.write(*write).unwrap();
        bytes.extend(wire(&mut stack));
    }
    stack.start_pop(id.key()).unwrap();
    bytes.extend(wire(&mut stack));
    bytes
}

/// Reads all that can be read without more input.
pub(crate) fn read(stack: &mut Stack) -> Vec<u8> {
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

/// Hands `bytes` to the stack in one piece, in a turn of its own.
pub(crate) fn receive(stack: &mut Stack, bytes: &[u8]) {
    stack.advance(Duration::ZERO);
    stack.receive(&mut bytes.to_vec());
}

/// Hands over `pieces`, with an application that reads after each.
pub(crate) fn feed(stack: &mut Stack, pieces: &[&[u8]]) -> Vec<u8> {
    let mut all = Vec::new();
    for piece in pieces {
        receive(stack, piece);
        all.extend(read(stack));
    }
    all
}

/// Carries all that `from` has to `to`, which reads it.
pub(crate) fn carry(from: &mut Stack, to: &mut Stack) -> Vec<u8> {
    let bytes = wire(from);
    let pieces: Vec<_> = bytes.chunks(16 * 1024).collect();
    feed(to, &pieces)
}

/// The error that ends the input.
pub(crate) fn failure(stack: &Stack) -> Error {
    match stack.input_end() {
        Some(End::Error(error)) => error,
        other => panic!("not an error: {other:?}"),
    }
}

/// Calls `each` with `bytes` byte by byte, whole, and split at each place.
pub(crate) fn for_each_cut(bytes: &[u8], mut each: impl FnMut(&[&[u8]])) {
    each(&bytes.chunks(1).collect::<Vec<_>>());
    for at in 0..bytes.len() {
        let (head, tail) = bytes.split_at(at);
        each(&[head, tail]);
    }
}

/// Bytes that do not compress, the same each time.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|_| next()).collect()
}

/// Bytes that compress about as well as text.
pub(crate) fn prose(len: usize) -> Vec<u8> {
    let words = ["layer ", "stack ", "byte ", "wire ", "network ", "\r\n"];
    let picks = noise(len);
    let bytes = picks.iter().flat_map(|&n| words[n as usize % 6].bytes());
    bytes.take(len).collect()
}
