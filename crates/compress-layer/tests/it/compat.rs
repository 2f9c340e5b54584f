//! The wire is that of the formats' own one-shot functions.

use std::io::{Read, Write};

use compress_layer::CompressLayer;
use stack::End;

use crate::wire::{DEFLATE, Make, ZSTD, bare, feed, noise, packed, prose, with};

fn data() -> Vec<u8> {
    [prose(200_000), noise(50_000)].concat()
}

#[test]
fn deflate_is_read_by_flate2() {
    for level in [0, 1, 6, 9] {
        let (data, mut out) = (data(), Vec::new());
        let mut stack = bare();
        stack.push(CompressLayer::deflate(level)).unwrap();
        stack.write(&data[..]).unwrap();
        stack.shutdown();
        let bytes = crate::wire::wire(&mut stack);
        let mut decoder = flate2::read::DeflateDecoder::new(&bytes[..]);
        decoder.read_to_end(&mut out).unwrap();
        assert!(out == data);
        assert_eq!(decoder.total_in(), bytes.len() as u64);
    }
}

#[test]
fn zstd_is_read_by_zstd() {
    let data = data();
    let bytes = packed(ZSTD, &[&data[..1000], &data[1000..]]);
    let mut out = vec![0; data.len() + 1];
    let n = zstd_safe::decompress(&mut out[..], &bytes).unwrap();
    assert!(out[..n] == data);
    assert_eq!(
        zstd_safe::find_frame_compressed_size(&bytes).unwrap(),
        bytes.len()
    );
}

#[test]
fn deflate_reads_flate2() {
    let data = data();
    for level in [0, 1, 6, 9] {
        let level = flate2::Compression::new(level);
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
        encoder.write_all(&data).unwrap();
        let bytes = encoder.finish().unwrap();
        check(DEFLATE, &bytes, &data);
    }
}

#[test]
fn zstd_reads_zstd() {
    let data = data();
    for level in [-5, 1, 3, 12, 19] {
        for checksum in [false, true] {
            let bytes = one_shot(&data, level, checksum);
            check(ZSTD, &bytes, &data);
        }
    }
    check(ZSTD, &one_shot(b"", 3, true), b"");
}

/// A frame with its size in its head, and perhaps a checksum.
fn one_shot(data: &[u8], level: i32, checksum: bool) -> Vec<u8> {
    let mut context = zstd_safe::CCtx::create();
    for parameter in [
        zstd_safe::CParameter::CompressionLevel(level),
        zstd_safe::CParameter::ChecksumFlag(checksum),
    ] {
        context.set_parameter(parameter).unwrap();
    }
    let mut out = Vec::with_capacity(zstd_safe::compress_bound(data.len()));
    context.compress2(&mut out, data).unwrap();
    out
}

#[test]
fn skippable_frames_before_the_frame_are_skipped() {
    let mut bytes = Vec::new();
    for (kind, len) in [(0x50_u8, 0_u32), (0x5f, 5), (0x53, 1)] {
        bytes.extend([kind, 0x2a, 0x4d, 0x18]);
        bytes.extend(len.to_le_bytes());
        bytes.resize(bytes.len() + len as usize, 0xaa);
    }
    bytes.extend(one_shot(b"behind them", 3, true));
    crate::wire::for_each_cut(&bytes, |pieces| {
        let (mut stack, id) = with(ZSTD);
        assert_eq!(feed(&mut stack, pieces), b"behind them");
        assert_eq!(stack.parked(), Some(id.key()));
    });
}

fn check(make: Make, bytes: &[u8], data: &[u8]) {
    for cut in [1000, 16 * 1024, bytes.len()] {
        let (mut stack, id) = with(make);
        let pieces: Vec<_> = bytes.chunks(cut).collect();
        assert!(feed(&mut stack, &pieces) == data);
        assert_eq!(stack.parked(), Some(id.key()));
        assert!(matches!(stack.input_end(), Some(End::Clean)));
    }
}

/// The wrapping is ours: header and trailer are those of others, for each level.
#[test]
fn zlib_and_gzip_are_wrapped_as_others_do_it() {
    let data = data();
    for level in 0..=9 {
        let at = flate2::Compression::new(level);
        let ours = packed(|| CompressLayer::zlib(level), &[&data]);
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), at);
        encoder.write_all(&data).unwrap();
        let theirs = encoder.finish().unwrap();
        assert_eq!(ours[..2], theirs[..2]);
        assert_eq!(ours[ours.len() - 4..], theirs[theirs.len() - 4..]);
        let mut out = Vec::new();
        let mut decoder = flate2::read::ZlibDecoder::new(&ours[..]);
        decoder.read_to_end(&mut out).unwrap();
        assert!(out == data);

        let ours = packed(|| CompressLayer::gzip(level), &[&data]);
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), at);
        encoder.write_all(&data).unwrap();
        let theirs = encoder.finish().unwrap();
        assert_eq!(ours[ours.len() - 8..], theirs[theirs.len() - 8..]);
        let (mut out, mut decoder) = (Vec::new(), flate2::read::GzDecoder::new(&ours[..]));
        decoder.read_to_end(&mut out).unwrap();
        assert!(out == data && decoder.header().unwrap().mtime() == 0);
    }
}
