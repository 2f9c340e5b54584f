//! A codec is adjusted where it stands, while bytes flow.

use std::sync::atomic::{AtomicBool, Ordering};

use compress_layer::{CompressInfo, CompressLayer};
use flate2::{Decompress, FlushDecompress};
use stack::{Connection, Context, Limits, Stack};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::task::yield_now;

use crate::app::App;
use crate::real::pattern;

/// How often the level changes.
const CHANGES: usize = 50;

/// Writes and reads at once, while another task changes the level of what is written; returns what was
/// written and read.
async fn streams(io: DuplexStream, codec: CompressLayer, side: usize) -> (Vec<u8>, Vec<u8>) {
    let mut connection = Connection::new(io);
    let codec = connection.push(codec).await.unwrap();
    let handle = connection.handle();
    let over = AtomicBool::new(false);
    let changes = async {
        for nth in 0..CHANGES {
            let level = [1, 9, 3, 6, 2][nth % 5];
            let set = move |codec: &mut CompressLayer, _: &mut Context<'_>| codec.set_level(level);
            handle.with_layer(codec, set).await.unwrap().unwrap();
            let info = handle.look(info).await.unwrap();
            assert_eq!(info.level, Some(level));
            // Something is written at each level.
            while handle.look(self::info).await.unwrap().sent.plain == info.sent.plain {
                yield_now().await;
            }
        }
        over.store(true, Ordering::SeqCst);
    };
    let (mut reader, mut writer) = split(&mut connection);
    let writing = async {
        let mut written = Vec::new();
        while !over.load(Ordering::SeqCst) {
            let piece = pattern(700, side * 1000 + written.len());
            writer.write_all(&piece).await.unwrap();
            written.extend(piece);
            yield_now().await;
        }
        writer.shutdown().await.unwrap();
        written
    };
    let reading = async {
        let mut seen = Vec::new();
        reader.read_to_end(&mut seen).await.unwrap();
        seen
    };
    let ((), written, seen) = tokio::join!(changes, writing, reading);
    (written, seen)
}

fn info(stack: &Stack) -> CompressInfo {
    stack.info::<CompressInfo>().unwrap().clone()
}

async fn changes_while_both_peers_stream(codec: fn() -> CompressLayer) {
    for pipe in [64, 10_000] {
        let (a, b) = duplex(pipe);
        let ((written, seen), (answered, heard)) =
            tokio::join!(streams(a, codec(), 0), streams(b, codec(), 1));
        assert!(seen == answered && heard == written);
        assert!(written.len() >= CHANGES && answered.len() >= CHANGES);
    }
}

#[tokio::test]
async fn another_task_changes_the_level_of_deflate_while_both_peers_stream() {
    changes_while_both_peers_stream(|| CompressLayer::deflate(6)).await;
}

#[tokio::test]
async fn another_task_changes_the_level_of_a_series_while_both_peers_stream() {
    changes_while_both_peers_stream(|| CompressLayer::zstd(3).framed()).await;
    changes_while_both_peers_stream(|| CompressLayer::lz4(1).framed()).await;
    changes_while_both_peers_stream(|| CompressLayer::brotli(1).framed()).await;
    changes_while_both_peers_stream(|| CompressLayer::gzip(6).framed()).await;
}

/// Between what comes before a reset and what follows, the wire refers to nothing.
#[test]
fn a_callback_resets_the_codec_between_two_sends() {
    const SECRET: &[u8] = b"set-cookie: session=0123456789abcdefghijklmnopqrstuvwxyz";
    let sent = |reset: bool| {
        let (app, _) = App::new();
        let app = app.on_received(move |cx, bytes| {
            let codec = cx.push(CompressLayer::deflate(6));
            cx.send(SECRET);
            if reset {
                cx.with_layer(codec, |codec, _| codec.reset().unwrap());
            }
            cx.send(SECRET);
            bytes.len()
        });
        let mut stack = Stack::with_app(Box::new(app), Limits::default());
        stack.receive(&mut b"x".to_vec());
        stack.flush();
        stack.outgoing().to_vec()
    };
    let (whole, apart) = (sent(false), sent(true));
    assert!(whole.len() < SECRET.len() + 20, "{}", whole.len());
    assert!(apart.len() > 2 * SECRET.len() * 4 / 5, "{}", apart.len());
    // What follows the reset can be decoded by who has not seen what came before.
    let marker = [0, 0, 0xff, 0xff];
    let at = apart.windows(4).position(|bytes| bytes == marker).unwrap() + 4;
    for half in [&apart[..at], &apart[at..]] {
        let mut plain = Vec::with_capacity(1000);
        let mut decoder = Decompress::new(false);
        let decoded = decoder.decompress_vec(half, &mut plain, FlushDecompress::Sync);
        decoded.unwrap();
        assert_eq!(plain, SECRET);
    }
}
