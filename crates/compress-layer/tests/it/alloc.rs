//! What a chunk costs once a connection is warm.

use std::time::Duration;

use crate::wire::{DEFLATE, GZIP, LZ4, ZLIB, ZSTD, prose, with};

#[test]
fn a_chunk_allocates_nothing() {
    // Brotli's encoder makes tables for each block.
    for make in [DEFLATE, ZLIB, GZIP, ZSTD, LZ4] {
        let (mut left, _) = with(make);
        let (mut right, _) = with(make);
        let data = prose(64 * 1024);
        let mut moved = vec![0; 64 * 1024];
        let mut exchange = |len: usize| {
            left.write(&data[..len]).unwrap();
            left.flush();
            let n = left.outgoing().len();
            moved[..n].copy_from_slice(left.outgoing());
            left.sent(n);
            right.advance(Duration::ZERO);
            right.receive(&mut moved[..n]);
            assert_eq!(right.readable(), &data[..len]);
            right.consume(len);
        };
        let lens = [1, 100, 5000, 40_000];
        for len in lens.repeat(20) {
            exchange(len);
        }
        let counted = allocation_counter::measure(|| lens.into_iter().for_each(&mut exchange));
        assert_eq!(counted.count_total, 0, "{counted:?}");
    }
}

/// A connection that is reset when it has become quiet has no encoder until it writes again.
#[test]
fn what_is_quiet_and_reset_has_no_encoder() {
    for make in [DEFLATE, ZLIB, GZIP] {
        let (mut left, id) = with(make);
        let (mut right, _) = with(make);
        let mut moved = vec![0; 4096];
        let mut exchange = |text: &[u8]| {
            left.write(text).unwrap();
            left.flush();
            let n = left.outgoing().len();
            moved[..n].copy_from_slice(left.outgoing());
            left.sent(n);
            right.receive(&mut moved[..n]);
            assert_eq!(right.readable(), text);
            right.consume(text.len());
            let reset = left.with_layer(id, |layer, _| layer.reset());
            reset.unwrap().unwrap();
        };
        // The first makes the decoder, and what the thread keeps.
        exchange(&prose(1000));
        for text in prose(4000).chunks(1000) {
            let counted = allocation_counter::measure(|| exchange(text));
            assert!(counted.bytes_max > 200 * 1024, "an encoder: {counted:?}");
            assert_eq!(counted.bytes_current, 0, "{counted:?}");
        }
    }
}
