//! LZ4 frames as other encoders may make them: our own uses few of the format's parts.

use compress_layer::CompressLayer;
use compression_codecs::EncodeV2;
use compression_codecs::core::util::{PartialBuffer, WriteBuffer};
use compression_codecs::lz4::Lz4Encoder;
use compression_codecs::lz4::params::{BlockSize, EncoderParams};
use stack::{Blame, ErrorKind};

use crate::wire::{LZ4, failure, feed, for_each_cut, noise, prose, read, with};

const BLOCK_CHECKSUM: u8 = 0x10;
const CONTENT_SIZE: u8 = 0x08;
const CONTENT_CHECKSUM: u8 = 0x04;

/// A frame by hand: `content`, of less than 16 bytes, in stored blocks of three.
fn by_hand(flags: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = head(flags, content.len());
    for block in content.chunks(3) {
        bytes.extend((1 << 31 | block.len() as u32).to_le_bytes());
        bytes.extend(block);
        if flags & BLOCK_CHECKSUM != 0 {
            bytes.extend(xxh32(block).to_le_bytes());
        }
    }
    bytes.extend([0; 4]);
    if flags & CONTENT_CHECKSUM != 0 {
        bytes.extend(xxh32(content).to_le_bytes());
    }
    bytes
}

fn head(flags: u8, size: usize) -> Vec<u8> {
    // Version 1, independent blocks, of 64 KiB at the most.
    let mut descriptor = vec![0x60 | flags, 0x40];
    if flags & CONTENT_SIZE != 0 {
        descriptor.extend((size as u64).to_le_bytes());
    }
    let check = (xxh32(&descriptor) >> 8) as u8;
    [&[0x04, 0x22, 0x4d, 0x18], &descriptor[..], &[check]].concat()
}

/// XXH32 with the seed 0, of less than 16 bytes.
fn xxh32(bytes: &[u8]) -> u32 {
    const PRIMES: [u32; 5] = [
        2_654_435_761,
        2_246_822_519,
        3_266_489_917,
        668_265_263,
        374_761_393,
    ];
    assert!(bytes.len() < 16);
    let (words, rest) = bytes.as_chunks::<4>();
    let mut hash = PRIMES[4].wrapping_add(bytes.len() as u32);
    for word in words {
        hash = hash.wrapping_add(u32::from_le_bytes(*word).wrapping_mul(PRIMES[2]));
        hash = hash.rotate_left(17).wrapping_mul(PRIMES[3]);
    }
    for byte in rest {
        hash = hash.wrapping_add(u32::from(*byte).wrapping_mul(PRIMES[4]));
        hash = hash.rotate_left(11).wrapping_mul(PRIMES[0]);
    }
    hash = (hash ^ hash >> 15).wrapping_mul(PRIMES[1]);
    hash = (hash ^ hash >> 13).wrapping_mul(PRIMES[2]);
    hash ^ hash >> 16
}

fn all_flags() -> impl Iterator<Item = u8> {
    (0..8u8).map(|bits| bits << 2)
}

#[test]
fn each_part_of_a_frame_is_read_at_every_cut() {
    for flags in all_flags() {
        for content in [&b""[..], b"abc", b"hello, parts"] {
            let bytes = [&by_hand(flags, content)[..], b"behind"].concat();
            for_each_cut(&bytes, |pieces| {
                let (mut stack, id) = with(LZ4);
                assert_eq!(feed(&mut stack, pieces), content, "{flags:#x}");
                assert_eq!(stack.parked(), Some(id.key()));
                stack.start_pop(id.key()).unwrap();
                assert_eq!(read(&mut stack), b"behind");
            });
        }
    }
}

/// C9: and each damaged part is an error, behind the blocks before it.
#[test]
fn each_damaged_part_is_an_error() {
    let content = b"hello, parts";
    let flags = BLOCK_CHECKSUM | CONTENT_SIZE | CONTENT_CHECKSUM;
    let good = by_hand(flags, content);
    let blocks = head(flags, 0).len();
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        for_each_cut(&bytes, |pieces| {
            let (mut stack, _) = with(LZ4);
            let seen = feed(&mut stack, pieces);
            // A block's size, which the flip made larger or smaller, may leave it unended.
            stack.receive_end();
            read(&mut stack);
            let error = failure(&stack);
            assert_eq!(error.blame(), Blame::Remote, "{at}");
            // A block of three takes eleven, with its size and its checksum.
            let whole = at.saturating_sub(blocks) / 11 * 3;
            let whole = whole.min(content.len());
            assert!(seen.starts_with(&content[..whole]), "{at} {seen:?}");
        });
    }
}

/// Empty blocks are none of what the format asks for, but a decoder may meet them.
#[test]
fn empty_blocks_end_in_nothing_or_in_an_error() {
    for flags in all_flags() {
        let mut bytes = head(flags, 0);
        for _ in 0..10 {
            bytes.extend((1_u32 << 31).to_le_bytes());
            if flags & BLOCK_CHECKSUM != 0 {
                bytes.extend(xxh32(b"").to_le_bytes());
            }
        }
        bytes.extend([0; 4]);
        for_each_cut(&bytes, |pieces| {
            let (mut stack, _) = with(LZ4);
            assert_eq!(feed(&mut stack, pieces), b"");
            stack.receive_end();
            read(&mut stack);
            assert!(stack.input_end().is_some());
        });
    }
}

/// Without end they are bounded.
#[test]
fn endless_empty_blocks_have_a_budget() {
    let (mut stack, _) = with(LZ4);
    feed(&mut stack, &[&head(0, 0)]);
    let mut taken = 0;
    while stack.input_end().is_none() {
        feed(&mut stack, &[&[0, 0, 0, 0x80].repeat(2500)]);
        taken += 10_000;
        assert!(taken < 5_400_000);
    }
    assert!(matches!(
        failure(&stack).kind(),
        ErrorKind::Limit | ErrorKind::Protocol
    ));
}

/// Blocks of every size that the format has. The largest, which are what the program `lz4` makes, are
/// larger than what may yield nothing.
#[test]
fn blocks_of_every_size_are_read() {
    let data = [prose(5_000_000), noise(100_000)].concat();
    for size in [
        BlockSize::Max64KB,
        BlockSize::Max256KB,
        BlockSize::Max1MB,
        BlockSize::Max4MB,
    ] {
        let params = EncoderParams::default()
            .block_size(size)
            .block_checksum(true);
        let bytes = frame(params, &data);
        let (mut stack, id) = with(|| CompressLayer::lz4(1).framed());
        let pieces: Vec<_> = bytes.chunks(50_000).collect();
        let seen = feed(&mut stack, &pieces);
        assert!(seen == data, "{:?}", stack.input_end());
        assert!(feed(&mut stack, &[&frame(EncoderParams::default(), b"")]).is_empty());
        assert_eq!(stack.parked(), Some(id.key()));
    }
}

fn frame(params: EncoderParams, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 2 * data.len() + 1000];
    let mut encoder = Lz4Encoder::new(params);
    let mut output = WriteBuffer::new_initialized(&mut bytes[..]);
    encoder
        .encode(&mut PartialBuffer::new(data), &mut output)
        .unwrap();
    assert!(encoder.finish(&mut output).unwrap());
    let n = output.written_len();
    bytes.truncate(n);
    bytes
}
