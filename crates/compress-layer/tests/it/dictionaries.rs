//! Dictionaries, which both sides know beforehand.

use std::sync::LazyLock;

use compress_layer::{CompressLayer, Deflate, Zlib, Zstd};
use stack::{Blame, ErrorKind};

use crate::wire::{Make, failure, feed, for_each_cut, noise, packed, wire, with};

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
    let primed: [Make; 3] = [
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
    let primed: [Make; 4] = [
        || CompressLayer::new(Deflate::new(6).with_dictionary(WORDS)),
        || CompressLayer::new(Zlib::new(6).with_dictionary(WORDS)),
        || CompressLayer::new(Zstd::new(3).with_dictionary(WORDS).unwrap()),
        || CompressLayer::new(Zstd::new(3).with_dictionary(trained()).unwrap()),
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
    /// The same words by another id.
    fn renamed() -> Vec<u8> {
        [&trained()[..4], &[7, 7, 7, 7], &trained()[8..]].concat()
    }
    let zlib = || CompressLayer::new(Zlib::new(6).with_dictionary(WORDS));
    let zstd = || CompressLayer::new(Zstd::new(3).with_dictionary(trained()).unwrap());
    let refused: [(Vec<u8>, Make); 4] = [
        (packed(zlib, &[DATA]), || CompressLayer::zlib(6)),
        (packed(zlib, &[DATA]), || {
            CompressLayer::new(Zlib::new(6).with_dictionary(DATA))
        }),
        (packed(zstd, &[DATA]), || CompressLayer::zstd(3)),
        (packed(zstd, &[DATA]), || {
            CompressLayer::new(Zstd::new(3).with_dictionary(&renamed()).unwrap())
        }),
    ];
    for (bytes, make) in refused {
        for_each_cut(&bytes, |pieces| {
            let (mut stack, _) = with(make);
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
    let pairs: [(Make, Make); 2] = [
        (
            || CompressLayer::zlib(6),
            || CompressLayer::new(Zlib::new(6).with_dictionary(WORDS)),
        ),
        (
            || CompressLayer::zstd(3),
            || CompressLayer::new(Zstd::new(3).with_dictionary(trained()).unwrap()),
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
    let empty: [Make; 3] = [
        || CompressLayer::new(Deflate::new(6).with_dictionary(b"")),
        || CompressLayer::new(Zlib::new(6).with_dictionary(b"")),
        || CompressLayer::new(Zstd::new(3).with_dictionary(b"").unwrap()),
    ];
    for make in empty {
        let (mut stack, _) = with(make);
        assert_eq!(feed(&mut stack, &[&packed(make, &[DATA])]), DATA);
    }
}

/// A dictionary of zstd's own format, made once.
fn trained() -> &'static [u8] {
    static TRAINED: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let sample = |n: u32| {
            format!(
                "{{\"id\":{n},\"name\":\"user {}\",\"admin\":false}}",
                n * 7919 % 1000
            )
        };
        let samples: Vec<_> = (0..500).map(sample).collect();
        let sizes: Vec<_> = samples.iter().map(String::len).collect();
        let mut dictionary = Vec::with_capacity(4096);
        let samples = samples.concat();
        zstd_safe::train_from_buffer(&mut dictionary, samples.as_bytes(), &sizes).unwrap();
        dictionary
    });
    &TRAINED
}

#[test]
fn a_trained_dictionary_is_used_and_named() {
    let dictionary = trained();
    let make = || CompressLayer::new(Zstd::new(3).with_dictionary(dictionary).unwrap());
    let data = b"{\"id\":501,\"name\":\"user 13\",\"admin\":false}";
    let bytes = packed(make, &[data]);
    let id = zstd_safe::get_dict_id(dictionary).unwrap();
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
        let mut dictionary = good.to_vec();
        dictionary[at / 8] ^= 1 << (at % 8);
        let Ok(zstd) = Zstd::new(3).with_dictionary(&dictionary) else {
            continue;
        };
        let make = || CompressLayer::new(zstd.clone());
        let (mut stack, _) = with(make);
        assert_eq!(feed(&mut stack, &[&packed(make, &[DATA])]), DATA);
    }
}

/// It may be large, and private.
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
