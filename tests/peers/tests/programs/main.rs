//! What our layer compresses, programs that are not ours read, and the other way round.

mod format;
mod wire;

use compress_layer::{CompressLayer, Zstd};
use peers::{Folder, Program, Result, is_here};
use stack::{Blame, End, Error};

use crate::format::{Changes, Command, FORMATS, Format};
use crate::wire::{data, packed, receive, with};

#[tokio::test]
async fn programs_read_what_we_compress_at_each_level_whatever_the_flushes() -> Result<()> {
    for format in FORMATS {
        if !is_here(&[format.unpack[0]]) {
            continue;
        }
        for &level in format.levels {
            for data in data() {
                // 80 bytes in 300 pieces is each byte flushed; one byte is a piece in any case.
                for pieces in [1, 3, 300].into_iter().take(data.len().clamp(1, 3)) {
                    let layer = (format.layer)(level);
                    let stream = packed(layer, &data, pieces, |_, _, _| {});
                    let what = format!("level {level}, in {pieces} pieces");
                    is_read(format, &stream, &data, &what).await?;
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn programs_read_on_where_we_forget_our_history() -> Result<()> {
    are_read_with(|_| |layer, _| layer.reset()).await
}

#[tokio::test]
async fn programs_read_on_where_we_change_our_level() -> Result<()> {
    are_read_with(|levels| move |layer, n| layer.set_level(levels[n % levels.len()])).await
}

/// Each program that notices no changes of its format's layer reads on where there are some. They are
/// made for the format's levels; each takes the layer, and how many there were before.
async fn are_read_with<C>(changes: impl Fn(&'static [i32]) -> C) -> Result<()>
where
    C: Fn(&mut CompressLayer, usize) -> std::result::Result<(), Error>,
{
    for format in FORMATS {
        let layer = || (format.layer)(format.levels[0]);
        let layer: &dyn Fn() -> CompressLayer = match format.changes {
            Changes::Never => continue,
            Changes::Within => &layer,
            Changes::Between => &|| layer().framed(),
        };
        if !is_here(&[format.unpack[0]]) {
            continue;
        }
        let change = changes(format.levels);
        for data in data() {
            let stream = packed(layer(), &data, 20, |stack, id, n| {
                let done = stack.with_layer(id, |layer, _| change(layer, n));
                done.unwrap().unwrap();
            });
            is_read(format, &stream, &data, "changed").await?;
        }
    }
    Ok(())
}

/// Its program reads `data` from the stream.
async fn is_read(format: &Format, stream: &[u8], data: &[u8], what: &str) -> Result<()> {
    let read = filter(format.unpack, stream).await;
    let read = read.map_err(|error| format!("{what}, {} bytes: {error}", data.len()))?;
    assert!(
        read == data,
        "{:?}, {what}, {} bytes",
        format.unpack,
        data.len()
    );
    Ok(())
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
            let layer = || (format.layer)(format.levels[0]);
            for data in data() {
                let stream = filter(pack, &data).await?;
                let what = format!("{pack:?}, {} bytes", data.len());
                is_read_by(layer, &stream, &data, &what);
            }
        }
    }
    Ok(())
}

/// As `cat` makes them of files: several streams, of which an empty one is the last.
#[tokio::test]
async fn we_read_a_series_of_programs_streams_to_the_empty_one() -> Result<()> {
    for format in FORMATS {
        for pack in format.packs {
            if format.changes != Changes::Between || !is_here(&[pack[0]]) {
                continue;
            }
            let layer = || (format.layer)(format.levels[0]).framed();
            let mut series = Vec::new();
            let words: [&[u8]; 3] = [b"one", b"two", b""];
            for word in words {
                series.extend(filter(pack, word).await?);
            }
            is_read_by(layer, &series, b"onetwo", &format!("{pack:?}"));
        }
    }
    Ok(())
}

/// Our layer reads `data` from the stream, however that is cut.
fn is_read_by(layer: impl Fn() -> CompressLayer, stream: &[u8], data: &[u8], what: &str) {
    let whole = [stream, BEHIND].concat();
    if whole.len() > 1000 {
        for len in [1009, 4093, 65_537] {
            reads(layer(), &whole.chunks(len).collect::<Vec<_>>(), data, what);
        }
        return;
    }
    reads(layer(), &whole.chunks(1).collect::<Vec<_>>(), data, what);
    for at in 0..whole.len() {
        reads(layer(), &[&whole[..at], &whole[at..]], data, what);
    }
}

/// Our layer reads `data` from the stream in these pieces, and leaves what is behind it.
fn reads(layer: CompressLayer, pieces: &[&[u8]], data: &[u8], what: &str) {
    let (mut stack, id) = with(layer);
    let mut found = Vec::new();
    let end = pieces.concat().len() - BEHIND.len();
    let mut given = 0;
    for piece in pieces {
        let (has_ended, expected) = (stack.parked().is_some(), given >= end);
        assert_eq!(has_ended, expected, "{what}, at {given} of {end}");
        found.extend(receive(&mut stack, piece));
        given += piece.len();
    }
    assert!(found == data, "{what}, in {} pieces", pieces.len());
    assert_eq!(stack.parked(), Some(id.key()), "{what}");
    assert!(matches!(stack.input_end(), Some(End::Clean)), "{what}");
    stack.start_pop(id.key()).unwrap();
    assert_eq!(receive(&mut stack, b""), BEHIND, "{what}");
}

#[tokio::test]
async fn zstd_and_we_share_a_dictionary_that_it_has_trained() -> Result<()> {
    if !is_here(&["zstd"]) {
        return Ok(());
    }
    let folder = Folder::new("zstd-dictionary")?;
    let mut train = vec![
        "--train".to_owned(),
        "-q".to_owned(),
        "--maxdict=2000".to_owned(),
    ];
    for n in 0..500_u32 {
        let sample = format!(
            "From: {n}@peer.test\r\nSubject: the number is {}\r\n",
            n * n
        );
        let sample = folder.file(&format!("sample{n}"), sample)?;
        train.push(sample.display().to_string());
    }
    let trained = folder.path().join("trained").display().to_string();
    train.extend(["-o".to_owned(), trained.clone()]);
    let train: Vec<_> = train.iter().map(String::as_str).collect();
    Program::filter("zstd", &train, b"").await?;

    let dictionary = std::fs::read(&trained)?;
    let zstd = Zstd::new(3).with_dictionary(&dictionary)?;
    let layer = || CompressLayer::new(zstd.clone());
    let data = b"From: 7@peer.test\r\nSubject: the number is 49\r\n";
    let ours = packed(layer(), data, 1, |_, _, _| {});
    assert!(ours.len() < packed(CompressLayer::zstd(3), data, 1, |_, _, _| {}).len());
    assert_eq!(
        Program::filter("zstd", &["-dcq", "-D", &trained], &ours).await?,
        data
    );
    let theirs = Program::filter("zstd", &["-cq", "-D", &trained], data).await?;
    is_read_by(layer, &theirs, data, "with a dictionary");
    Ok(())
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

async fn filter(command: Command, input: &[u8]) -> Result<Vec<u8>> {
    Program::filter(command[0], &command[1..], input).await
}
