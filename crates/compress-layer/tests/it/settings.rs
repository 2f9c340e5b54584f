//! Windows, dictionaries and checksums, as they are set.

use compress_layer::{Brotli, CompressInfo, CompressLayer, Deflate, Gzip, Zlib, Zstd};
use stack::{Blame, ErrorKind, Layer, Stack};

use crate::wire::{bare, failure, feed, for_each_cut, noise, packed, prose, read, wire, with};

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
        (ZLIB, 9..=15, &[0, 1, 2, 6, 9]),
        (GZIP, 9..=15, &[0, 1, 2, 6, 9]),
        (ZSTD, 10..=23, &[-5, 1, 3]),
        (BROTLI, 10..=24, &[0, 1, 2, 5]),
    ] {
        for log in logs {
            let window = 1 << log.min(17);
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
    for (make, logs, kind) in [
        (ZLIB, 9..=14, ErrorKind::Protocol),
        (ZSTD, 10..=22, ErrorKind::Protocol),
        (BROTLI, 10..=23, ErrorKind::Limit),
    ] {
        for log in logs {
            // Brotli's header tells more than is used.
            let bytes = packed(|| make(3, log + 1), &[&noise(5000)]);
            for_each_cut(&bytes[..20], |pieces| {
                let (mut stack, _) = with(|| make(3, log));
                assert_eq!(feed(&mut stack, pieces), b"");
                let error = failure(&stack);
                assert_eq!((error.kind(), error.blame()), (kind, Blame::Remote));
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

/// Bytes like those that will be sent, and what is sent.
const WORDS: &[u8] = b"the quick brown fox jumps over the lazy dog, and never comes back again";
const DATA: &[u8] = b"the lazy dog jumps over the quick brown fox, and never comes back";

#[test]
fn a_dictionary_helps_and_is_the_same_at_every_cut() {
    let plain = [
        || CompressLayer::deflate(6),
        || CompressLayer::zlib(6),
        || CompressLayer::zstd(3),
    ];
    let primed: [fn() -> CompressLayer; 3] = [
        || CompressLayer::new(Deflate::new(6).with_dictionary(WORDS)),
        || CompressLayer::new(Zlib::new(6).with_dictionary(WORDS)),
        || CompressLayer::new(Zstd::new(3).with_dictionary(WORDS).unwrap()),
    ];
    for (plain, primed) in plain.into_iter().zip(primed) {
        let bytes = packed(primed, &[DATA, b"twice"]);
        assert!(bytes.len() + 20 < packed(plain, &[DATA, b"twice"]).len());
        for_each_cut(&bytes, |pieces| {
            let (mut stack, id) = with(primed);
            assert_eq!(feed(&mut stack, pieces), [DATA, b"twice"].concat());
            assert_eq!(stack.parked(), Some(id.key()));
        });
    }
}

/// Through a series, levels and resets; each stream has the dictionary again.
#[test]
fn a_dictionary_stays_through_all_changes() {
    let primed: [fn() -> CompressLayer; 4] = [
        || CompressLayer::new(Deflate::new(6).with_dictionary(WORDS)),
        || CompressLayer::new(Zlib::new(6).with_dictionary(WORDS)),
        || CompressLayer::new(Zstd::new(3).with_dictionary(WORDS).unwrap()),
        || CompressLayer::new(Zstd::new(3).with_dictionary(&trained()).unwrap()),
    ];
    for primed in primed {
        let (mut stack, id) = with(|| primed().framed());
        let (mut bytes, mut sent) = (Vec::new(), Vec::new());
        for level in [6, 1, 1, 9] {
            stack
                .with_layer(id, |layer, _| layer.set_level(level).and(layer.reset()))
                .unwrap()
                .unwrap();
            stack.write(DATA).unwrap();
            sent.extend(DATA);
            bytes.extend(wire(&mut stack));
        }
        stack.start_pop(id.key()).unwrap();
        bytes.extend(wire(&mut stack));
        for_each_cut(&bytes, |pieces| {
            let (mut peer, id) = with(|| primed().framed());
            assert_eq!(feed(&mut peer, pieces), sent);
            assert_eq!(peer.parked(), Some(id.key()));
        });
    }
}

/// C9, where the format tells of the dictionary.
#[test]
fn another_dictionary_is_refused() {
    let other = [&trained()[..], b"!"].concat();
    let other = [&other[..4], &[7, 7, 7, 7], &other[8..]].concat();
    let zlib = || CompressLayer::new(Zlib::new(6).with_dictionary(WORDS));
    let zstd = || CompressLayer::new(Zstd::new(3).with_dictionary(&trained()).unwrap());
    let refused: [(Vec<u8>, Box<dyn Fn() -> CompressLayer>); 4] = [
        (packed(zlib, &[DATA]), Box::new(|| CompressLayer::zlib(6))),
        (
            packed(zlib, &[DATA]),
            Box::new(|| CompressLayer::new(Zlib::new(6).with_dictionary(DATA))),
        ),
        (packed(zstd, &[DATA]), Box::new(|| CompressLayer::zstd(3))),
        (
            packed(zstd, &[DATA]),
            Box::new(move || CompressLayer::new(Zstd::new(3).with_dictionary(&other).unwrap())),
        ),
    ];
    for (bytes, make) in refused {
        for_each_cut(&bytes, |pieces| {
            let (mut stack, _) = with(&make);
            assert_eq!(feed(&mut stack, pieces), b"");
            let error = failure(&stack);
            assert_eq!(
                (error.kind(), error.blame()),
                (ErrorKind::Protocol, Blame::Remote)
            );
        });
    }
}

/// A peer that uses none is not refused.
#[test]
fn a_dictionary_need_not_be_used() {
    let pairs: [(fn() -> CompressLayer, fn() -> CompressLayer); 2] = [
        (
            || CompressLayer::zlib(6),
            || CompressLayer::new(Zlib::new(6).with_dictionary(WORDS)),
        ),
        (
            || CompressLayer::zstd(3),
            || CompressLayer::new(Zstd::new(3).with_dictionary(&trained()).unwrap()),
        ),
    ];
    for (plain, primed) in pairs {
        let (mut stack, _) = with(primed);
        assert_eq!(feed(&mut stack, &[&packed(plain, &[DATA])]), DATA);
    }
}

/// The last 32 KiB of a longer one count, or as much as the window holds.
#[test]
fn a_dictionary_may_be_longer_than_the_window() {
    let long = [noise(100_000), WORDS.to_vec()].concat();
    for log in [9, 12, 15] {
        for wrapped in [false, true] {
            let make = |dictionary: &[u8]| match wrapped {
                false => {
                    let deflate = Deflate::new(6).with_window_log(log);
                    CompressLayer::new(deflate.with_dictionary(dictionary))
                }
                true => {
                    let zlib = Zlib::new(6).with_window_log(log);
                    CompressLayer::new(zlib.with_dictionary(dictionary))
                }
            };
            let bytes = packed(|| make(&long), &[DATA]);
            assert!(bytes.len() < DATA.len() - 20);
            let (mut stack, _) = with(|| make(&long));
            assert_eq!(feed(&mut stack, &[&bytes]), DATA);
        }
    }
}

#[test]
fn an_empty_dictionary_is_none() {
    let empty: [fn() -> CompressLayer; 3] = [
        || CompressLayer::new(Deflate::new(6).with_dictionary(b"")),
        || CompressLayer::new(Zlib::new(6).with_dictionary(b"")),
        || CompressLayer::new(Zstd::new(3).with_dictionary(b"").unwrap()),
    ];
    for make in empty {
        let (mut stack, _) = with(make);
        assert_eq!(feed(&mut stack, &[&packed(make, &[DATA])]), DATA);
    }
}

fn trained() -> Vec<u8> {
    let samples: Vec<_> = (0..500u32)
        .map(|n| {
            format!(
                "{{\"id\":{n},\"name\":\"user {}\",\"admin\":false}}",
                n * 7919 % 1000
            )
        })
        .collect();
    let sizes: Vec<_> = samples.iter().map(String::len).collect();
    let mut dictionary = Vec::with_capacity(4096);
    zstd_safe::train_from_buffer(&mut dictionary, samples.concat().as_bytes(), &sizes).unwrap();
    dictionary
}

#[test]
fn a_trained_dictionary_is_used_and_named() {
    let dictionary = trained();
    let make = || CompressLayer::new(Zstd::new(3).with_dictionary(&dictionary).unwrap());
    let data = b"{\"id\":501,\"name\":\"user 13\",\"admin\":false}";
    let bytes = packed(make, &[data]);
    let id = zstd_safe::get_dict_id(&dictionary).unwrap();
    assert_eq!(zstd_safe::get_dict_id_from_frame(&bytes), Some(id));
    assert!(bytes.len() + 10 < packed(|| CompressLayer::zstd(3), &[data]).len());
    let (mut stack, _) = with(make);
    assert_eq!(feed(&mut stack, &[&bytes]), data);
}

#[test]
fn a_damaged_trained_dictionary_is_refused() {
    let good = trained();
    let mut refused = 0;
    // Behind magic and id come the entropy tables.
    for len in 8..100 {
        match Zstd::new(3).with_dictionary(&good[..len]) {
            Ok(_) => {}
            Err(error) => {
                assert_eq!(
                    (error.kind(), error.blame()),
                    (ErrorKind::Misuse, Blame::Local)
                );
                refused += 1;
            }
        }
    }
    assert!(refused > 80, "{refused}");
    // What is taken can be used, whichever bit is flipped.
    for at in 0..(good.len().min(300) * 8) {
        let mut dictionary = good.clone();
        dictionary[at / 8] ^= 1 << (at % 8);
        let Ok(zstd) = Zstd::new(3).with_dictionary(&dictionary) else {
            continue;
        };
        let make = || CompressLayer::new(zstd.clone());
        let (mut stack, _) = with(make);
        assert_eq!(feed(&mut stack, &[&packed(make, &[DATA])]), DATA);
    }
}

/// C9: the checksum is behind the content, which is read first.
#[test]
fn a_wrong_checksum_is_an_error_at_every_cut() {
    let checked: [(fn() -> CompressLayer, usize); 4] = [
        (|| CompressLayer::new(Zstd::new(3).with_checksum()), 4),
        (
            || CompressLayer::new(compress_layer::Lz4::new(1).with_checksum()),
            4,
        ),
        (|| CompressLayer::zlib(6), 4),
        (|| CompressLayer::gzip(6), 8),
    ];
    for (make, checksum) in checked {
        let data = b"hello, checksum";
        let bytes = packed(make, &[data]);
        for at in bytes.len() - checksum..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            for_each_cut(&bytes, |pieces| {
                let (mut stack, _) = with(make);
                assert_eq!(feed(&mut stack, pieces), data);
                let error = failure(&stack);
                assert_eq!(
                    (error.kind(), error.blame()),
                    (ErrorKind::Protocol, Blame::Remote)
                );
            });
        }
    }
}

/// C9: whichever bit is flipped within, the stream does not end well.
#[test]
fn flipped_content_does_not_pass_a_checksum() {
    let checked: [fn() -> CompressLayer; 4] = [
        || CompressLayer::new(Zstd::new(3).with_checksum()),
        || CompressLayer::new(compress_layer::Lz4::new(1).with_checksum()),
        || CompressLayer::zlib(6),
        || CompressLayer::gzip(6),
    ];
    for make in checked {
        let data = [prose(80), noise(20)].concat();
        let bytes = packed(make, &[&data]);
        for at in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[at / 8] ^= 1 << (at % 8);
            let (mut stack, id) = with(make);
            let seen = feed(&mut stack, &bytes.chunks(11).collect::<Vec<_>>());
            // A flag that says nothing of the content may be flipped.
            if stack.parked() == Some(id.key()) {
                assert_eq!(seen, data);
                continue;
            }
            stack.receive_end();
            read(&mut stack);
            failure(&stack);
        }
    }
}

#[test]
fn checksums_are_what_is_asked_for() {
    let plain = packed(|| CompressLayer::zstd(3), &[DATA]);
    let checked = packed(|| CompressLayer::new(Zstd::new(3).with_checksum()), &[DATA]);
    assert_eq!(plain.len() + 4, checked.len());
    let plain = packed(|| CompressLayer::lz4(1), &[DATA]);
    let lz4 = compress_layer::Lz4::new(1).with_checksum();
    assert_eq!(
        plain.len() + 4,
        packed(|| CompressLayer::new(lz4), &[DATA]).len()
    );
    // A side that does not ask for one checks it all the same.
    let (mut stack, mut bytes) = (bare(), checked);
    stack.push(CompressLayer::zstd(3)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(feed(&mut stack, &[&bytes]), DATA);
    assert_eq!(failure(&stack).kind(), ErrorKind::Protocol);
}
