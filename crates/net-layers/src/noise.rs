//! Any bytes, in any pieces.

use std::ops::Range;

use fastrand::Rng;
use stack::{Blame, Layer, Limits, Stack};

use crate::{AcceptProxy, HttpConnect, ProxyHeader, Socks5, tlv};

/// What may be heard from the other side, in some order, and more or less.
fn parts() -> Vec<Vec<u8>> {
    let (v4, v6) = (
        "192.0.2.1:1".parse().unwrap(),
        "[2001:db8::1]:2".parse().unwrap(),
    );
    let headers = [
        ProxyHeader::v1(v4, v4),
        ProxyHeader::v1(v6, v6),
        ProxyHeader::v2(v4, v4).with_tlv(tlv::ALPN, "h2"),
        ProxyHeader::v2(v6, v4)
            .with_tlv(tlv::SSL, [7; 5])
            .with_checksum(),
    ];
    let headers = headers.iter().map(|header| header.to_bytes().unwrap());
    let answers = [
        &b"PROXY UNKNOWN "[..],
        b"\r\n\r\n\0\r\nQUIT\n\x20\x00\0\0",
        b"\x05\x00",
        b"\x05\x02",
        b"\x05\xff",
        b"\x01\x00",
        b"\x05\x00\x00\x01\x7f\0\0\x01\x10\x00",
        b"\x05\x00\x00\x03\x04host\x10\x00",
        b"\x05\x05\x00\x01",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
        b"HTTP/1.1 407 No\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.0 ",
        b"\r\n",
    ];
    headers.chain(answers.map(<[u8]>::to_vec)).collect()
}

fn layers() -> [fn() -> Box<dyn Layer>; 4] {
    [
        || Box::new(AcceptProxy::new()),
        || Box::new(Socks5::new("host", 1)),
        || Box::new(Socks5::new("host", 1).with_password("me", "secret")),
        || Box::new(HttpConnect::new("host", 1)),
    ]
}

/// Some of the parts, and now and then a byte too few, too many, or another.
fn noise(rng: &mut Rng, parts: &[Vec<u8>]) -> Vec<u8> {
    let chosen = (0..rng.usize(1..6)).map(|_| &*parts[rng.usize(..parts.len())]);
    let mut bytes = chosen.collect::<Vec<_>>().concat();
    for _ in 0..rng.usize(..3) {
        let at = rng.usize(..bytes.len());
        match rng.u8(..4) {
            0 => drop(bytes.remove(at)),
            1 => bytes.insert(at, rng.u8(..)),
            2 => bytes[at] ^= 1 << rng.u8(..8),
            _ => bytes.truncate(at + 1),
        }
        if bytes.is_empty() {
            bytes.push(rng.u8(..));
        }
    }
    bytes
}

/// What has come of the bytes: what was said, what is for those above, and whether and why it failed.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    said: Vec<u8>,
    up: bool,
    readable: Vec<u8>,
    error: Option<String>,
}

fn hear(layer: Box<dyn Layer>, bytes: &[u8], mut piece: impl FnMut() -> usize) -> Outcome {
    let mut stack = Stack::new(Limits::default());
    stack.push(layer).unwrap();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (one, other) = rest.split_at(piece().min(rest.len()));
        stack.receive(&mut one.to_vec());
        rest = other;
    }
    stack.flush();
    let error = stack.write(b"").err().map(|error| {
        assert_eq!(error.blame(), Blame::Remote, "{error}");
        error.to_string()
    });
    Outcome {
        said: stack.outgoing().to_vec(),
        up: stack.is_up(),
        readable: stack.readable().to_vec(),
        error,
    }
}

/// Nothing panics, no byte is lost, and how the bytes are cut does not matter.
#[test]
fn the_other_side_may_say_anything() {
    let parts = parts();
    let (mut opened, mut failed) = (0, 0);
    for seed in 0..10_000 {
        let mut rng = Rng::with_seed(seed);
        let bytes = noise(&mut rng, &parts);
        for layer in layers() {
            let whole = hear(layer(), &bytes, || bytes.len());
            assert!(bytes.ends_with(&whole.readable));
            assert!(whole.readable.is_empty() || whole.up);
            for pieces in [1..2, 1..8, 1..40] {
                let pieces: Range<usize> = pieces;
                let cut = hear(layer(), &bytes, || rng.usize(pieces.clone()));
                assert_eq!(cut, whole, "seed {seed}: {}", bytes.escape_ascii());
            }
            opened += u32::from(whole.up);
            failed += u32::from(whole.error.is_some());
        }
    }
    // Else it says nothing.
    assert!(opened > 1000 && failed > 1000, "{opened} {failed}");
}
