//! Bytes that no honest peer sends.

use std::time::Duration;

use compress_layer::CompressLayer;
use stack::{Blame, ErrorKind, Layer, Limits};

use crate::wire::{
    CODECS, DEFLATE, GZIP, LZ4, Make, ZLIB, ZSTD, bare, failure, feed, for_each_cut, noise, packed,
    prose, read, receive, with,
};

/// C7
#[test]
fn an_end_of_input_within_the_stream_is_a_truncation() {
    for make in CODECS {
        let bytes = packed(make, &[&prose(200), b"the end"]);
        for len in 0..bytes.len() {
            let (mut stack, _) = with(make);
            feed(&mut stack, &[&bytes[..len]]);
            stack.receive_end();
            read(&mut stack);
            let error = failure(&stack);
            assert_eq!(error.kind(), ErrorKind::Truncated, "{len}");
            assert!(error.layer().is_some());
        }
    }
}

/// C7: what was decoded before the truncation is read first.
#[test]
fn a_truncation_comes_behind_what_was_decoded() {
    for make in CODECS {
        let bytes = packed(make, &[b"whole", b"lost"]);
        let first = packed(make, &[b"whole"]).len();
        let (mut stack, _) = with(make);
        receive(&mut stack, &bytes[..first]);
        stack.receive_end();
        assert!(stack.input_end().is_none());
        assert!(read(&mut stack).starts_with(b"whole"));
        assert!(stack.input_end().unwrap().is_truncated());
    }
}

/// C7 while the layer leaves: our end mark is sent, the peer's never comes.
#[test]
fn an_end_of_input_during_a_pop_is_a_truncation() {
    for make in CODECS {
        let (mut peer, _) = with(make);
        peer.write(b"in time").unwrap();
        let bytes = crate::wire::wire(&mut peer);
        let (mut stack, id) = with(make);
        stack.start_pop(id.key()).unwrap();
        assert_eq!(feed(&mut stack, &[&bytes]), b"in time");
        stack.receive_end();
        assert!(stack.input_end().unwrap().is_truncated());
    }
}

/// C1, C2: a bomb stands still while nobody reads, and is read a block at a time.
#[test]
fn a_bomb_makes_no_more_than_is_read() {
    const SIZE: usize = 16 * 1024 * 1024;
    for make in CODECS {
        let (mut bomber, id) = with(make);
        let zeros = vec![0; 1024 * 1024];
        let mut bomb = Vec::new();
        for _ in 0..SIZE / zeros.len() {
            bomber.write(&zeros[..]).unwrap();
            bomb.extend_from_slice(bomber.outgoing());
            bomber.sent(bomber.outgoing().len());
        }
        bomber.start_pop(id.key()).unwrap();
        bomb.extend(crate::wire::wire(&mut bomber));
        // lz4 makes 255 bytes of one at the most.
        let ratio = if make().name() == "lz4" { 200 } else { 900 };
        assert!(bomb.len() < SIZE / ratio, "{}", bomb.len());

        // What lz4 allocates in C is not counted.
        let heap = allocation_counter::measure(|| defuse(make, &bomb, SIZE));
        // Their windows are of 4 MiB, and of 2.
        let most = match make().name() {
            "brotli" => 4608,
            "zstd" => 2560,
            _ => 512,
        };
        assert!(heap.bytes_max < most * 1024, "{heap:?}");
    }
}

fn defuse(make: Make, bomb: &[u8], size: usize) {
    let (mut stack, id) = with(make);
    let most = Limits::default().inbox + 16 * 1024;
    let (mut read, mut idle) = (0, 0);
    let mut pieces = bomb.chunks(4096);
    while idle < 2 {
        stack.advance(Duration::ZERO);
        if stack.wants_input() {
            match pieces.next() {
                Some(piece) => stack.receive(&mut piece.to_vec()),
                None if !stack.has_work() && stack.readable().is_empty() => idle += 1,
                None => {}
            }
        }
        // However often it is called, no more is made before somebody reads.
        stack.advance(Duration::ZERO);
        stack.advance(Duration::ZERO);
        assert!(stack.readable().len() <= most);
        let n = stack.readable().len();
        stack.consume(n);
        assert!(stack.readable().len() <= most);
        read += n;
    }
    assert_eq!(read, size);
    assert_eq!(stack.parked(), Some(id.key()));
}

/// C2: a turn has an end, whatever the peer sent and however fast the application reads.
#[test]
fn a_turn_makes_a_bounded_number_of_blocks() {
    for make in CODECS {
        let bomb = packed(make, &[&vec![0; 8 * 1024 * 1024]]);
        let (mut stack, _) = with(make);
        let limits = Limits::default();
        receive(&mut stack, &bomb);
        let mut in_turn = 0;
        while !stack.readable().is_empty() {
            in_turn += stack.readable().len();
            stack.consume(stack.readable().len());
        }
        assert!(in_turn <= limits.work as usize * 16 * 1024);
        assert!(stack.has_work());
        assert_eq!(in_turn + read(&mut stack).len(), 8 * 1024 * 1024);
    }
}

/// C3
#[test]
fn a_zstd_window_above_8_mib_is_refused() {
    for (log, fits) in [(23, true), (24, false), (27, false)] {
        let mut context = zstd_safe::CCtx::create();
        context
            .set_parameter(zstd_safe::CParameter::WindowLog(log))
            .unwrap();
        let mut bytes = vec![0; 1000];
        let mut out = zstd_safe::OutBuffer::around(&mut bytes[..]);
        let mut input = zstd_safe::InBuffer::around(b"anything");
        context.compress_stream(&mut out, &mut input).unwrap();
        context.flush_stream(&mut out).unwrap();
        let n = out.pos();
        let (mut stack, _) = with(ZSTD);
        let decoded = feed(&mut stack, &[&bytes[..n]]);
        assert_eq!(decoded == b"anything", fits);
        assert_eq!(stack.input_end().is_some(), !fits);
    }
}

/// C4, C5
#[test]
fn input_that_yields_nothing_has_a_budget() {
    let empty_blocks = [0, 0, 0, 0xff, 0xff].repeat(100_000);
    let mut skippable = vec![0x50, 0x2a, 0x4d, 0x18];
    skippable.extend(u32::MAX.to_le_bytes());
    skippable.resize(500_000, 0);
    let small_skippable = [0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 9].repeat(50_000);
    for (make, hostile) in [
        (DEFLATE, empty_blocks),
        (ZSTD, skippable),
        (ZSTD, small_skippable),
    ] {
        let (mut stack, _) = with(make);
        let mut taken = 0;
        for piece in hostile.chunks(10_000).cycle() {
            if stack.input_end().is_some() {
                break;
            }
            receive(&mut stack, piece);
            read(&mut stack);
            taken += piece.len();
            assert!(taken < 1_100_000);
        }
        assert!(taken >= 1_000_000);
        let error = failure(&stack);
        assert_eq!(error.kind(), ErrorKind::Limit);
        assert_eq!(error.blame(), Blame::Remote);
    }
}

#[test]
fn output_renews_the_budget_of_fruitless_input() {
    let mut peer = bare();
    peer.push(CompressLayer::deflate(6)).unwrap();
    let mut stack = bare();
    stack
        .push(CompressLayer::deflate(6).with_fruitless_limit(100))
        .unwrap();
    for _ in 0..50 {
        peer.write(b"x").unwrap();
        assert_eq!(crate::wire::carry(&mut peer, &mut stack), b"x");
        feed(&mut stack, &[&[0, 0, 0, 0xff, 0xff].repeat(15)]);
        assert!(stack.input_end().is_none());
    }
    feed(&mut stack, &[&[0, 0, 0, 0xff, 0xff].repeat(15)]);
    assert_eq!(failure(&stack).kind(), ErrorKind::Limit);
}

/// C9: undecodable bytes behind good ones; the good ones are read, then the error.
fn undecodable(make: Make, good: &[u8], bytes: &[u8]) {
    for_each_cut(bytes, |pieces| {
        let (mut stack, _) = with(make);
        assert_eq!(feed(&mut stack, pieces), good);
        let error = failure(&stack);
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert_eq!(error.blame(), Blame::Remote);
        assert!(std::error::Error::source(&error).is_some());
    });
}

#[test]
fn a_bad_block_type_is_an_error() {
    undecodable(DEFLATE, b"", &[0b111]);
    let (mut peer, _) = with(DEFLATE);
    peer.write(b"good").unwrap();
    let mut bytes = crate::wire::wire(&mut peer);
    bytes.push(0b111);
    undecodable(DEFLATE, b"good", &bytes);
}

#[test]
fn a_deflate_distance_beyond_the_beginning_is_an_error() {
    // A block with the fixed codes: the literal `x` (0xa8), then a match of 3 at distance 2.
    let (mut bits, mut bytes) = (Vec::new(), Vec::new());
    let mut put = |value: u32, n: u32| bits.extend((0..n).rev().map(|i| value >> i & 1));
    put(1, 1); // final
    put(0b10, 2); // fixed codes, sent lowest bit first
    put(0x30 + u32::from(b'x'), 8);
    put(1, 7); // length 3
    put(1, 5); // distance 2
    for byte in bits.chunks(8) {
        bytes.push(byte.iter().rev().fold(0, |all, bit| all << 1 | *bit as u8));
    }
    undecodable(DEFLATE, b"x", &bytes);
}

#[test]
fn a_corrupt_zstd_frame_is_an_error() {
    undecodable(ZSTD, b"", b"not zstd");
    let (mut peer, _) = with(ZSTD);
    peer.write(b"good").unwrap();
    let good = crate::wire::wire(&mut peer);
    // A block of the reserved type, right behind a good one.
    undecodable(ZSTD, b"good", &[&good[..], &[0b110, 0, 0]].concat());
    // A compressed block of noise.
    let bad = [&[0b100 | 0x80, 2, 0][..], &noise(80)].concat();
    undecodable(ZSTD, b"good", &[&good[..], &bad].concat());
}

#[test]
fn a_wrong_zstd_checksum_is_an_error() {
    let mut context = zstd_safe::CCtx::create();
    context
        .set_parameter(zstd_safe::CParameter::ChecksumFlag(true))
        .unwrap();
    let mut bytes = Vec::with_capacity(1000);
    context.compress2(&mut bytes, b"good").unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    undecodable(ZSTD, b"good", &bytes);
}

#[test]
fn an_unknown_zstd_dictionary_is_an_error() {
    // Magic, a head that names dictionary 7 and a window, a raw block.
    let head = [0x28, 0xb5, 0x2f, 0xfd, 0b01, 0x38, 7];
    undecodable(ZSTD, b"", &[&head[..], &[0b001 | 8, 0, 0, b'x']].concat());
}

/// The blocks before a corrupt one are delivered also when they came in the same piece and are
/// larger than what is handed on at once.
#[test]
fn all_blocks_before_a_corrupt_one_are_delivered() {
    // Brotli's decoder does not tell what it had made before it failed.
    for make in [DEFLATE, ZLIB, GZIP, ZSTD, LZ4] {
        let data = [prose(300_000), noise(200_000)].concat();
        let (mut peer, _) = with(make);
        peer.write(&data[..]).unwrap();
        let mut bytes = crate::wire::wire(&mut peer);
        // Of deflate and zstd, a block of the reserved type; of lz4, one that is too large.
        bytes.extend([0b111, 0, 0, 0x7f]);
        for cut in [97, bytes.len()] {
            let (mut stack, _) = with(make);
            let pieces: Vec<_> = bytes.chunks(cut).collect();
            assert!(feed(&mut stack, &pieces) == data);
            assert_eq!(failure(&stack).kind(), ErrorKind::Protocol);
        }
    }
}

/// Nothing that is received makes it panic or hang: flipped bits, at every place.
#[test]
fn flipped_bits_end_in_data_or_in_an_error() {
    for make in CODECS {
        let bytes = packed(make, &[&prose(150), &noise(30), b"tail"]);
        for at in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[at / 8] ^= 1 << (at % 8);
            let (mut stack, _) = with(make);
            let all = feed(&mut stack, &bytes.chunks(7).collect::<Vec<_>>());
            assert!(all.len() < 1_000_000);
            stack.receive_end();
            read(&mut stack);
            assert!(stack.input_end().is_some());
        }
    }
}

/// C1, C2: a frame of 32 KiB that says 1 GiB, with the widest window.
#[test]
fn a_gibibyte_of_zstd_is_made_as_it_is_read() {
    const BLOCK: usize = 128 * 1024;
    const READ: usize = 32 * 1024 * 1024;
    // A head with a window of 8 MiB, and blocks that repeat one byte: type 1, and their size.
    let mut bomb = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 13 << 3];
    let block = ((BLOCK << 3 | 1 << 1) as u32).to_le_bytes();
    for _ in 0..8192 {
        bomb.extend([block[0], block[1], block[2], 0]);
    }
    assert!(bomb.len() < 33 * 1024);
    let heap = allocation_counter::measure(|| {
        let (mut stack, _) = with(ZSTD);
        receive(&mut stack, &bomb);
        let limits = Limits::default();
        let mut read = 0;
        while read < READ {
            let n = stack.readable().len();
            assert!((1..=limits.inbox + 16 * 1024).contains(&n));
            stack.consume(n);
            read += n;
            stack.advance(Duration::ZERO);
        }
        // And so on, from what waits as it came.
        assert!(!stack.readable().is_empty() && stack.input_end().is_none());
    });
    assert!(heap.bytes_max < 9 * 1024 * 1024, "{heap:?}");
}
