//! What the fuzzer found, at its smallest.

use stack::ErrorKind;

use crate::wire::{ZSTD, feed, for_each_cut, with};

/// Stored blocks rise as they come, so what rose before such a frame was found to lie about its size
/// must not depend on the cut.
#[test]
fn a_zstd_frame_that_lies_about_its_size_comes_to_the_same_at_each_cut() {
    // 256 bytes are announced, in a window of 1 KiB; the block has 300.
    let head = [0x28, 0xb5, 0x2f, 0xfd, 0x40, 0, 0, 0];
    let long = [
        &head[..],
        &(300_u32 << 3 | 1).to_le_bytes()[..3],
        &[b'x'; 300],
    ]
    .concat();
    same_at_each_cut(&long, &[b'x'; 256]);
    // 10 bytes are announced; the block has 3, the last of which tells that there are no more.
    let short = [
        0x28,
        0xb5,
        0x2f,
        0xfd,
        0x20,
        10,
        3 << 3 | 1,
        0,
        0,
        b'a',
        b'b',
        b'c',
    ];
    same_at_each_cut(&short, b"ab");
}

fn same_at_each_cut(bytes: &[u8], good: &[u8]) {
    let check = |pieces: &[&[u8]]| {
        let (mut stack, _) = with(ZSTD);
        assert_eq!(feed(&mut stack, pieces), good);
        let end = stack.input_end().expect("an error");
        assert_eq!(
            end.error().map(|error| error.kind()),
            Some(ErrorKind::Protocol)
        );
    };
    check(&[bytes]);
    for_each_cut(bytes, check);
}
