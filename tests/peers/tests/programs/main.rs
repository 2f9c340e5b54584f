//! What our layer compresses, programs that are not ours read, and the other way round.

mod format;
mod wire;

use compress_layer::CompressLayer;
use peers::{Program, Result, is_here};
use stack::{Blame, End};

use crate::format::{Command, FORMATS, Format};
use crate::wire::{data, packed, receive, with};

#[tokio::test]
async fn programs_read_what_we_compress_at_each_level_whatever_the_flushes() -> Result<()> {
    for format in FORMATS {
        if !is_here(&[format.unpack[0]]) {
            continue;
        }
        for (data, level) in each(format) {
            // 80 bytes in 300 pieces is each byte flushed.
            for pieces in [1, 3, 300] {
                let stream = packed((format.layer)(level), &data, pieces);
                let read = filter(format.unpack, &stream).await?;
                let what = format!("{}, level {level}, {} bytes", format.unpack[0], data.len());
                assert!(read == data, "{what}, in {pieces} pieces");
            }
        }
    }
    Ok(())
}

fn each(format: &Format) -> impl Iterator<Item = (Vec<u8>, i32)> {
    let levels = format.levels;
    let data = data().into_iter();
    data.flat_map(move |data| levels.iter().map(move |&level| (data.clone(), level)))
}

/// What stands behind a stream, and belongs to nobody in it.
const BEHIND: &[u8] = b"and on in clear, from exactly here";

#[tokio::test]
async fn we_read_what_programs_compress_cut_at_each_byte_and_to_the_byte() -> Result<()> {
    for format in FORMATS {
        for pack in format.packs {
            if !is_here(&[pack[0]]) {
                continue;
            }
            for data in data() {
                let stream = filter(pack, &data).await?;
                let whole = [&stream, BEHIND].concat();
                let what = format!("{pack:?}, {} bytes", data.len());
                if whole.len() > 1000 {
                    for len in [1009, 4093, 65_537] {
                        reads(format, &whole.chunks(len).collect::<Vec<_>>(), &data, &what);
                    }
                    continue;
                }
                for at in 0..whole.len() {
                    reads(format, &[&whole[..at], &whole[at..]], &data, &what);
                }
                reads(format, &whole.chunks(1).collect::<Vec<_>>(), &data, &what);
            }
        }
    }
    Ok(())
}

/// Our layer reads `data` from the stream in these pieces, and leaves what is behind the stream.
fn reads(format: &Format, pieces: &[&[u8]], data: &[u8], what: &str) {
    let (mut stack, id) = with((format.layer)(format.levels[0]));
    let mut found = Vec::new();
    let end = pieces.iter().map(|piece| piece.len()).sum::<usize>() - BEHIND.len();
    let mut given = 0;
    for piece in pieces {
        assert_eq!(
            stack.parked().is_some(),
            given >= end,
            "{what}, at {given} of {end}"
        );
        found.extend(receive(&mut stack, piece));
        given += piece.len();
    }
    assert!(found == data, "{what}, in {} pieces", pieces.len());
    assert_eq!(stack.parked(), Some(id.key()), "{what}");
    assert!(matches!(stack.input_end(), Some(End::Clean)), "{what}");
    stack.start_pop(id.key()).unwrap();
    assert_eq!(receive(&mut stack, b""), BEHIND, "{what}");
}

async fn filter(command: Command, input: &[u8]) -> Result<Vec<u8>> {
    Program::filter(command[0], &command[1..], input).await
}

/// At this level it wants to look back 128 MiB, whatever there is.
#[tokio::test]
async fn a_zstd_that_wants_a_large_window_is_refused() -> Result<()> {
    if !is_here(&["zstd"]) {
        return Ok(());
    }
    let stream = filter(&["zstd", "-cq", "--ultra", "-22", "--long=27"], b"hello").await?;
    let (mut stack, _) = with(CompressLayer::zstd(3));
    assert_eq!(receive(&mut stack, &stream), b"");
    let end = stack.input_end().ok_or("it is not refused")?;
    let error = end.error().ok_or("it is read")?;
    assert_eq!(
        (error.layer(), error.blame()),
        (Some("zstd"), Blame::Remote)
    );
    Ok(())
}
