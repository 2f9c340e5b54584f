//! C12: what the length of the wire tells about a secret (CRIME).

use compress_layer::CompressLayer;
use stack::{LayerId, Stack};

use crate::wire::{BROTLI, DEFLATE, GZIP, LZ4, Make, ZLIB, ZSTD, carry, wire, with};

/// Each can be reset in mid-stream.
const RESETTABLE: [Make; 6] = [
    DEFLATE,
    ZLIB,
    GZIP,
    || ZSTD().framed(),
    || BROTLI().framed(),
    || LZ4().framed(),
];

/// Secrets of one alphabet, each letter once, so that they are alike in all but their order.
const SECRETS: [&str; 6] = [
    "qwertzuiopasdfghjklyxcvbnm",
    "mnbvcxylkjhgfdsapoiuztrewq",
    "abcdefghijklmnopqrstuvwxyz",
    "zyxwvutsrqponmlkjihgfedcba",
    "acegikmoqsuwybdfhjlnprtvxz",
    "jfkdlsahgurieowpqtyznvbmcx",
];

fn reset(stack: &mut Stack, id: LayerId<CompressLayer>) {
    stack
        .with_layer(id, |layer, _| layer.reset())
        .unwrap()
        .unwrap();
}

/// How a secret and a guess are parted.
type Between = fn(&mut Stack, LayerId<CompressLayer>);

const NOT_AT_ALL: Between = |stack, _| {
    wire(stack);
};
const FLUSH_RESET: Between = |stack, id| {
    wire(stack);
    reset(stack, id);
};
const RESET_FLUSH: Between = |stack, id| {
    reset(stack, id);
    wire(stack);
};
const RESET_TWICE: Between = |stack, id| {
    reset(stack, id);
    wire(stack);
    reset(stack, id);
};

fn cookie(value: &str) -> Vec<u8> {
    format!("Cookie: session={value}\r\n").into_bytes()
}

/// How long the guess is on the wire, behind (or before) the secret.
fn length(make: Make, secret: &str, guess: &str, between: Between) -> usize {
    let (mut stack, id) = with(make);
    // Whatever was before.
    stack.write(b"GET / HTTP/1.1\r\n").unwrap();
    between(&mut stack, id);
    stack.write(&cookie(secret)[..]).unwrap();
    between(&mut stack, id);
    stack.write(&cookie(guess)[..]).unwrap();
    wire(&mut stack).len()
}

#[test]
fn without_a_reset_the_right_guess_is_the_shortest() {
    for make in RESETTABLE {
        for secret in SECRETS {
            let of = |guess| length(make, secret, guess, NOT_AT_ALL);
            for wrong in SECRETS.into_iter().filter(|guess| *guess != secret) {
                assert!(of(secret) + 5 < of(wrong), "{} {}", of(secret), of(wrong));
            }
        }
    }
}

/// The oracle is fine enough for one letter.
#[test]
fn without_a_reset_one_letter_more_shows() {
    for make in [DEFLATE, ZLIB, GZIP] {
        let secret = SECRETS[0];
        let half = &secret[..13];
        let right = format!("{half}{}", &secret[13..18]);
        let wrong = format!("{half}{}", &secret[18..23]);
        let of = |guess: &str| length(make, secret, guess, NOT_AT_ALL);
        assert!(of(&right) < of(&wrong));
    }
}

#[test]
fn with_a_reset_a_guess_is_as_long_whatever_the_secret() {
    for make in RESETTABLE {
        for between in [FLUSH_RESET, RESET_FLUSH, RESET_TWICE] {
            for guess in SECRETS {
                let lengths = SECRETS.map(|secret| length(make, secret, guess, between));
                assert!(lengths.iter().all(|it| *it == lengths[0]), "{lengths:?}");
            }
        }
    }
}

/// The other way round: the secret comes behind the guess.
#[test]
fn with_a_reset_a_secret_is_as_long_whatever_the_guess() {
    let answer = |make: Make, guess: &str, secret: &str, between: Between| {
        let (mut stack, id) = with(make);
        stack.write(&cookie(guess)[..]).unwrap();
        between(&mut stack, id);
        stack.write(&cookie(secret)[..]).unwrap();
        wire(&mut stack).len()
    };
    for make in RESETTABLE {
        for secret in SECRETS {
            let right = answer(make, secret, secret, NOT_AT_ALL);
            for between in [FLUSH_RESET, RESET_FLUSH, RESET_TWICE] {
                let lengths = SECRETS.map(|guess| answer(make, guess, secret, between));
                assert!(lengths.iter().all(|it| *it == lengths[0]), "{lengths:?}");
                assert!(lengths[0] > right);
            }
        }
    }
}

/// Stronger: behind a reset the bytes themselves are those of a stream that saw no secret.
#[test]
fn behind_a_reset_the_bytes_know_nothing() {
    let guess = cookie(SECRETS[1]).repeat(30);
    for make in RESETTABLE {
        for level in 0..=9 {
            let bytes = SECRETS.map(|secret| {
                let (mut stack, id) = with(make);
                let set = stack.with_layer(id, |layer, _| layer.set_level(level));
                set.unwrap().unwrap();
                // More than a window of it, and little.
                stack.write(&cookie(secret)[..]).unwrap();
                wire(&mut stack);
                reset(&mut stack, id);
                stack.write(&guess[..]).unwrap();
                wire(&mut stack)
            });
            assert!(bytes.iter().all(|it| *it == bytes[0]), "level {level}");
        }
    }
}

/// A reset that comes before a flush parts the unflushed secret from what follows.
#[test]
fn a_reset_parts_what_was_not_flushed() {
    for make in RESETTABLE {
        let lengths = SECRETS.map(|secret| {
            let (mut stack, id) = with(make);
            stack.write(&cookie(secret)[..]).unwrap();
            reset(&mut stack, id);
            // No flush at all: it goes out with the guess.
            stack.write(&cookie(SECRETS[0])[..]).unwrap();
            let together = wire(&mut stack).len();
            let (mut alone, _) = with(make);
            alone.write(&cookie(secret)[..]).unwrap();
            together - wire(&mut alone).len()
        });
        assert!(lengths.iter().all(|it| *it == lengths[0]), "{lengths:?}");
    }
}

/// What a reset costs in bytes: of the deflate family nothing.
#[test]
fn what_a_reset_costs() {
    for (make, most) in RESETTABLE.into_iter().zip([0, 0, 0, 15, 6, 20]) {
        for flushed in [true, false] {
            let cost = |resets: usize| {
                let (mut stack, id) = with(make);
                let mut len = 0;
                for word in ["abcdefg", "hijklmn", "opqrstu"] {
                    stack.write(word.as_bytes()).unwrap();
                    // So that both are flushed at each word.
                    if flushed {
                        len += wire(&mut stack).len();
                    }
                    (0..resets).for_each(|_| reset(&mut stack, id));
                    len += wire(&mut stack).len();
                }
                len
            };
            let more = cost(1) as isize - cost(0) as isize;
            assert!((0..=2 * most).contains(&more), "{more}");
            // And twice is no more than once.
            assert_eq!(cost(1), cost(2));
        }
    }
}

/// By itself it sends nothing, and before the first byte it has nothing to do.
#[test]
fn a_reset_sends_nothing_by_itself() {
    for make in RESETTABLE {
        let (mut left, id) = with(make);
        let (mut right, at_right) = with(make);
        reset(&mut left, id);
        assert_eq!(wire(&mut left), b"");
        left.write(b"x").unwrap();
        assert_eq!(carry(&mut left, &mut right), b"x");
        for _ in 0..3 {
            reset(&mut left, id);
            assert!(left.outgoing().is_empty());
            assert_eq!(wire(&mut left), b"");
        }
        left.write(b"y").unwrap();
        assert_eq!(carry(&mut left, &mut right), b"y");
        reset(&mut left, id);
        left.start_pop(id.key()).unwrap();
        assert_eq!(carry(&mut left, &mut right), b"");
        assert_eq!(right.parked(), Some(at_right.key()));
    }
}

/// The price: history is lost.
#[test]
fn a_reset_forgets_what_would_have_helped() {
    for make in RESETTABLE {
        let of = |between: Between| length(make, SECRETS[0], SECRETS[0], between);
        assert!(of(FLUSH_RESET) > of(NOT_AT_ALL) + 10);
    }
}
