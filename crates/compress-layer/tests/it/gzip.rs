//! C6: what a gzip stream may hold beside content.

use std::io::Write;

use compress_layer::CompressLayer;
use flate2::Compression;
use stack::{Blame, ErrorKind};

use crate::wire::{GZIP, ZLIB, failure, feed, for_each_cut, packed, read, receive, with};

/// What another encoder makes of it, with all that a header may have but a checksum.
fn member(data: &[u8]) -> Vec<u8> {
    let head = flate2::GzBuilder::new().filename("a name").comment("said");
    let mut encoder = head.extra("xtra").write(Vec::new(), Compression::new(6));
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// C6, unframed: the first member is all there is.
#[test]
fn an_unframed_gzip_ends_with_its_first_member() {
    let bytes = [member(b"first"), member(b"second")].concat();
    for_each_cut(&bytes, |pieces| {
        let (mut stack, id) = with(GZIP);
        assert_eq!(feed(&mut stack, pieces), b"first");
        assert_eq!(stack.parked(), Some(id.key()));
    });
}

/// C6: a header's fields are passed over, within the budget of what yields nothing.
#[test]
fn an_endless_gzip_header_has_a_budget() {
    let head = |flags: u8| [0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 0xff];
    let extra = |flags: u8| [&head(flags)[..], &[0xff, 0xff], &[7; 0xffff]].concat();
    // A name, a comment, both behind an extra field, and one behind a field of its greatest length.
    for (start, make) in [
        (head(0x08).to_vec(), GZIP),
        (head(0x10).to_vec(), GZIP),
        (extra(0x0c), GZIP),
        (extra(0x14), || CompressLayer::gzip(6).framed()),
        // In the second member.
        ([packed(GZIP, &[b"x"]), extra(0x1c)].concat(), || {
            CompressLayer::gzip(6).framed()
        }),
    ] {
        let (mut stack, _) = with(make);
        let mut taken = 0;
        let heap = allocation_counter::measure(|| {
            receive(&mut stack, &start);
            read(&mut stack);
            while stack.input_end().is_none() {
                receive(&mut stack, &[b'n'; 10_000]);
                read(&mut stack);
                taken += 10_000;
                assert!(taken < 1_200_000);
            }
        });
        assert!(taken > 900_000);
        assert!(heap.bytes_max < 512 * 1024, "{heap:?}");
        let error = failure(&stack);
        assert_eq!(
            (error.kind(), error.blame()),
            (ErrorKind::Limit, Blame::Remote)
        );
    }
}

/// C6
#[test]
fn a_wrong_gzip_header_is_an_error_at_every_cut() {
    let mut name = member(b"x");
    // Its flags are those of a name, a comment and an extra field. With that of a checksum of the
    // header, which there is none, what follows is read as one.
    name[3] |= 2;
    let good = packed(GZIP, &[b"x"]);
    let damaged = |at: usize, with: u8| {
        let mut bytes = good.clone();
        bytes[at] = with;
        bytes
    };
    let mut wrong = vec![
        name,
        damaged(0, 0x1e),
        damaged(1, 0x8a),
        damaged(2, 7),
        damaged(3, 0x20),
        damaged(3, 0x40),
        damaged(3, 0x80),
    ];
    // zlib's header is none of gzip's, nor the other way round.
    wrong.push(packed(ZLIB, &[b"a stream of some length"]));
    for bytes in wrong {
        for_each_cut(&bytes, |pieces| {
            let (mut stack, _) = with(GZIP);
            assert_eq!(feed(&mut stack, pieces), b"");
            let error = failure(&stack);
            assert_eq!(
                (error.kind(), error.blame()),
                (ErrorKind::Protocol, Blame::Remote)
            );
        });
    }
    let (mut stack, _) = with(ZLIB);
    feed(&mut stack, &[&good]);
    assert_eq!(failure(&stack).kind(), ErrorKind::Protocol);
}

/// A right checksum of the header is taken.
#[test]
fn a_gzip_header_with_its_checksum_is_read() {
    let head = [0x1f, 0x8b, 8, 2, 0, 0, 0, 0, 0, 0xff];
    let mut crc = flate2::Crc::new();
    crc.update(&head);
    let sum = (crc.sum() as u16).to_le_bytes();
    let bytes = [&head[..], &sum, &packed(GZIP, &[b"x"])[10..]].concat();
    for_each_cut(&bytes, |pieces| {
        let (mut stack, _) = with(GZIP);
        assert_eq!(feed(&mut stack, pieces), b"x");
    });
}
