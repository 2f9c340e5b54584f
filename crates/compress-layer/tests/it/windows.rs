//! Windows, as they are set and as peers have them.

use compress_layer::{Brotli, CompressInfo, CompressLayer, Deflate, Gzip, Zlib, Zstd};
use stack::{Blame, ErrorKind, Layer, Stack};

use crate::wire::{failure, feed, for_each_cut, noise, packed, prose, with};

type Windowed = fn(i32, u32) -> CompressLayer;

const DEFLATE: Windowed =
    |level, log| CompressLayer::new(Deflate::new(level as u32).with_window_log(log));
const ZLIB: Windowed =
    |level, log| CompressLayer::new(Zlib::new(level as u32).with_window_log(log));
const GZIP: Windowed =
    |level, log| CompressLayer::new(Gzip::new(level as u32).with_window_log(log));
const ZSTD: Windowed = |level, log| CompressLayer::new(Zstd::new(level).with_window_log(log));
const BROTLI: Windowed =
    |level, log| CompressLayer::new(Brotli::new(level as u32).with_window_log(log));

/// Noise that comes again after `distance` bytes, and again.
fn echo(distance: usize) -> Vec<u8> {
    let piece = noise(100);
    let mut data = Vec::new();
    for _ in 0..3 {
        data.extend(&piece);
        data.extend(prose(distance - piece.len()));
    }
    data
}

/// Our encoder keeps to the window that our decoder, set alike, allows.
#[test]
fn every_window_round_trips() {
    for (make, logs, levels) in [
        (DEFLATE, 9..=15, &[0, 1, 2, 6, 9][..]),
        (ZLIB, 9..=15, &[1, 6]),
        (GZIP, 9..=15, &[1, 6]),
        (ZSTD, 10..=23, &[-5, 3]),
        (BROTLI, 10..=24, &[0, 1, 5]),
    ] {
        for log in logs {
            let window = 1 << log.min(15);
            let mut data = Vec::new();
            for distance in [window - 16, window - 1, window, window + 1, 2 * window] {
                data.extend(echo(distance));
            }
            for level in levels {
                let bytes = packed(|| make(*level, log), &[&data]);
                let (mut peer, id) = with(|| make(*level, log));
                let pieces: Vec<_> = bytes.chunks(10_000).collect();
                assert!(
                    feed(&mut peer, &pieces) == data,
                    "{} {level}, window {log}",
                    make(6, 9).name()
                );
                assert_eq!(peer.parked(), Some(id.key()));
            }
        }
    }
}

#[test]
fn a_window_helps_as_far_as_it_reaches() {
    let data = [&noise(900)[..], &[0; 2000], &noise(900)].concat();
    for (make, near, far) in [
        (DEFLATE, 9, 12),
        (ZLIB, 9, 12),
        (GZIP, 9, 12),
        (ZSTD, 10, 12),
        (BROTLI, 10, 12),
    ] {
        let len = |log| packed(|| make(6, log), &[&data]).len();
        assert!(
            len(far) + 600 < len(near),
            "{} {} {}",
            make(6, far).name(),
            len(far),
            len(near)
        );
    }
}

/// A peer whose window is larger than is allowed. Raw deflate and gzip do not tell of it.
#[test]
fn a_wider_window_is_refused() {
    for (make, logs) in [(ZLIB, 9..=14), (ZSTD, 10..=22), (BROTLI, 10..=23)] {
        for log in logs {
            // Brotli's header tells more than is used.
            let bytes = packed(|| make(3, log + 1), &[&noise(5000)]);
            for_each_cut(&bytes[..20], |pieces| {
                let (mut stack, _) = with(|| make(3, log));
                assert_eq!(feed(&mut stack, pieces), b"");
                let error = failure(&stack);
                assert_eq!(
                    (error.kind(), error.blame()),
                    (ErrorKind::Limit, Blame::Remote)
                );
            });
        }
    }
}

/// Where nothing tells of the window, a peer's may be wider than ours.
#[test]
fn a_wider_window_that_is_not_told_is_decoded() {
    let data = echo(30_000);
    for make in [DEFLATE, GZIP] {
        let bytes = packed(|| make(6, 15), &[&data]);
        let (mut stack, _) = with(|| make(6, 9));
        assert!(feed(&mut stack, &bytes.chunks(100).collect::<Vec<_>>()) == data);
    }
}

#[test]
fn the_fastest_brotli_has_no_narrow_window() {
    for (log, level) in [(17, 2), (18, 0)] {
        let (mut stack, id) = with(|| BROTLI(0, log));
        let info = |stack: &Stack| stack.info::<CompressInfo>().unwrap().level;
        assert_eq!(info(&stack), Some(level));
        let set = stack.with_layer(id, |layer, _| layer.set_level(0));
        set.unwrap().unwrap();
        assert_eq!(info(&stack), Some(level));
    }
}
