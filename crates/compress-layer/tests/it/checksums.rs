//! Checksums, where a format has them.

use compress_layer::{CompressLayer, Lz4, Zstd};
use stack::{Blame, ErrorKind};

use crate::wire::{Make, bare, failure, feed, for_each_cut, noise, packed, prose, read, with};

/// C9: the checksum is behind the content, which is read first.
#[test]
fn a_wrong_checksum_is_an_error_at_every_cut() {
    let checked: [(Make, usize); 4] = [
        (|| CompressLayer::new(Zstd::new(3).with_checksum()), 4),
        (|| CompressLayer::new(Lz4::new(1).with_checksum()), 4),
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
    let checked: [Make; 4] = [
        || CompressLayer::new(Zstd::new(3).with_checksum()),
        || CompressLayer::new(Lz4::new(1).with_checksum()),
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
    let plain = packed(|| CompressLayer::zstd(3), &[b"checked"]);
    let checked = packed(
        || CompressLayer::new(Zstd::new(3).with_checksum()),
        &[b"checked"],
    );
    assert_eq!(plain.len() + 4, checked.len());
    let plain = packed(|| CompressLayer::lz4(1), &[b"checked"]);
    let lz4 = Lz4::new(1).with_checksum();
    assert_eq!(
        plain.len() + 4,
        packed(|| CompressLayer::new(lz4), &[b"checked"]).len()
    );
    // A side that does not ask for one checks it all the same.
    let (mut stack, mut bytes) = (bare(), checked);
    stack.push(CompressLayer::zstd(3)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(feed(&mut stack, &[&bytes]), b"checked");
    assert_eq!(failure(&stack).kind(), ErrorKind::Protocol);
}
