//! What a layer holds between calls, beside what its codecs need. All is counted that Rust allocates,
//! and zstd's contexts; what lz4 allocates in C is not.

use std::time::Duration;

use brotli::enc::StandardAlloc;
use brotli::enc::encode::{BrotliEncoderOperation as Operation, BrotliEncoderStateStruct};
use compress_layer::{Brotli, CompressLayer, Deflate, Gzip, Zlib, Zstd};
use stack::{Layer, Stack};
use zstd_safe::{CCtx, CParameter, DCtx, InBuffer, OutBuffer};

use crate::wire::{
    BROTLI, CODECS, DEFLATE, GZIP, LZ4, Make, ZLIB, ZSTD, bare, noise, packed, prose, with,
};

const KIB: i64 = 1024;

/// What is written at once.
const PIECE: usize = 10_000;

/// What a stack and a layer may hold of their own, each way.
const OWN: i64 = 32 * KIB;

/// What `make` allocates and keeps, with what it made.
fn held<T>(make: impl FnOnce() -> T) -> (T, i64) {
    let mut made = None;
    let heap = allocation_counter::measure(|| made = Some(make()));
    (made.unwrap(), heap.bytes_current)
}

/// Sends `data`, into the void.
fn sends(make: impl Fn() -> CompressLayer, data: &[u8]) -> i64 {
    sends_through(|| with(&make).0, data)
}

fn sends_through(make: impl Fn() -> Stack, data: &[u8]) -> i64 {
    let run = || {
        let mut stack = make();
        for piece in data.chunks(PIECE) {
            stack.write(piece).unwrap();
            stack.flush();
            stack.sent(stack.outgoing().len());
        }
        stack
    };
    // What is a thread's own is there by then.
    drop(run());
    held(run).1
}

/// Receives `bytes`, and reads all.
fn receives(make: impl Fn() -> CompressLayer, bytes: &[u8]) -> i64 {
    let run = || {
        let (mut stack, _) = with(&make);
        for piece in bytes.chunks(4096) {
            stack.receive(&mut piece.to_vec());
            drain(&mut stack);
        }
        stack
    };
    drop(run());
    held(run).1
}

fn drain(stack: &mut Stack) {
    loop {
        stack.advance(Duration::ZERO);
        let n = stack.readable().len();
        if n == 0 && !stack.has_work() {
            return;
        }
        stack.consume(n);
    }
}

/// What the layer's own is, beside its encoder's, which holds `needs`.
fn check_sender(name: &str, make: impl Fn() -> CompressLayer, data: &[u8], needs: i64) {
    let all = sends(make, data);
    let own = all - needs - sends_through(bare, data);
    println!("{name} sends: {} KiB, of which its own {own} B", all / KIB);
    assert!(own < OWN, "{name}: {own}");
}

fn check_receiver(name: &str, make: impl Fn() -> CompressLayer, bytes: &[u8], needs: i64) {
    let all = receives(make, bytes);
    let own = all - needs;
    println!(
        "{name} receives: {} KiB, of which its own {own} B",
        all / KIB
    );
    assert!(own < OWN, "{name}: {own}");
}

/// Traffic that compresses, and some that does not.
fn traffic() -> Vec<u8> {
    [prose(150_000), noise(100_000)].concat()
}

/// What is on the wire amid the stream, so that the decoder is still there.
fn unended(make: impl Fn() -> CompressLayer, data: &[u8]) -> Vec<u8> {
    let mut bytes = packed(make, &[data]);
    bytes.pop();
    bytes
}

#[test]
fn deflate_holds_what_zlib_needs() {
    let data = traffic();
    for level in [1, 6, 9] {
        let needs = held(|| {
            let mut compress = flate2::Compress::new(flate2::Compression::new(level), false);
            let mut out = vec![0; 2 * data.len()];
            compress
                .compress(&data, &mut out, flate2::FlushCompress::Sync)
                .unwrap();
            compress
        });
        let makes: [fn(u32) -> CompressLayer; 3] = [
            CompressLayer::deflate,
            CompressLayer::zlib,
            CompressLayer::gzip,
        ];
        for make in makes {
            let name = make(level).name().to_owned();
            check_sender(&format!("{name} {level}"), || make(level), &data, needs.1);
        }
    }
    let needs = held(|| flate2::Decompress::new(false)).1;
    for make in [DEFLATE, ZLIB, GZIP] {
        let name = make().name().to_owned();
        check_receiver(&name, make, &unended(make, &data), needs);
    }
    let pair = sends(DEFLATE, &data) - sends_through(bare, &data)
        + receives(DEFLATE, &unended(DEFLATE, &data));
    assert!(pair < (419 + 32) * KIB, "{pair}");
}

#[test]
fn zstd_holds_what_its_contexts_need() {
    let data = traffic();
    for level in [1, 3, 12] {
        let needs = held(|| {
            let mut context = CCtx::create();
            context
                .set_parameter(CParameter::CompressionLevel(level))
                .unwrap();
            let mut out = vec![0; 2 * data.len()];
            let mut out = OutBuffer::around(&mut out[..]);
            let mut input = InBuffer::around(&data);
            context.compress_stream(&mut out, &mut input).unwrap();
            context.flush_stream(&mut out).unwrap();
            context
        });
        let make = || CompressLayer::zstd(level);
        check_sender(&format!("zstd {level}"), make, &data, needs.1);
    }
    let bytes = unended(ZSTD, &data);
    let needs = held(|| {
        let mut context = DCtx::create();
        let mut out = vec![0; 2 * data.len()];
        let mut out = OutBuffer::around(&mut out[..]);
        let mut input = InBuffer::around(&bytes);
        context.decompress_stream(&mut out, &mut input).unwrap();
        context
    });
    check_receiver("zstd 3", ZSTD, &bytes, needs.1);
}

#[test]
fn brotli_holds_what_its_states_need() {
    type State = BrotliEncoderStateStruct<StandardAlloc>;
    let data = traffic();
    for level in [1, 4, 9] {
        // What it takes depends on how it is called.
        let (_state, needs) = held(|| {
            let mut state = Box::new(State::new(StandardAlloc::default()));
            state.params.quality = level;
            state.params.lgwin = 22;
            let mut out = vec![0; 2 * PIECE];
            let mut step = |operation, input: &[u8]| {
                assert!(state.compress_stream(
                    operation,
                    &mut input.len(),
                    input,
                    &mut 0,
                    &mut out.len(),
                    &mut out,
                    &mut 0,
                    &mut None,
                    &mut |_, _, _, _| (),
                ));
            };
            for piece in data.chunks(PIECE) {
                step(Operation::BROTLI_OPERATION_PROCESS, piece);
                step(Operation::BROTLI_OPERATION_FLUSH, &[]);
            }
            state
        });
        let make = || CompressLayer::brotli(level as u32);
        check_sender(&format!("brotli {level}"), make, &data, needs);
    }
}

/// The part that is Rust: the encoder has a buffer for a block.
#[test]
fn lz4_holds_little_beside_its_contexts() {
    let data = traffic();
    for level in [1, 9, 12] {
        let make = || CompressLayer::lz4(level);
        check_sender(&format!("lz4 {level}"), make, &data, 65 * KIB);
        check_receiver(&format!("lz4 {level}"), make, &unended(make, &data), 0);
    }
}

/// The most that a peer can make a decoder take: its widest window.
#[test]
fn a_peer_has_a_ceiling() {
    for (name, ceiling, bytes) in [
        ("zstd", 9 * 1024 * KIB, {
            let zstd = || CompressLayer::new(Zstd::new(1).with_window_log(23));
            unended(zstd, &traffic())
        }),
        ("brotli", 17 * 1024 * KIB, {
            // Until more has come than fits a smaller ring.
            let data = vec![0; 17 << 20];
            unended(
                || CompressLayer::new(Brotli::new(1).with_window_log(24)),
                &data,
            )
        }),
    ] {
        let make: Make = match name {
            "zstd" => ZSTD,
            _ => BROTLI,
        };
        let all = receives(make, &bytes);
        println!("{name}: {} KiB for the widest window", all / KIB);
        assert!((ceiling * 8 / 10..ceiling).contains(&all), "{name}: {all}");
    }
}

/// Hostile traffic leaves no more behind than honest traffic does.
#[test]
fn nothing_grows_with_what_a_peer_sends() {
    let tiny: Vec<_> = CODECS
        .map(|make| (make, packed(make, &[b"x"]).repeat(3000)))
        .into();
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 9].repeat(20_000);
    let empty_blocks = [0, 0, 0, 0xff, 0xff].repeat(20_000);
    let others = [
        (ZSTD, skippable.clone()),
        (LZ4, skippable),
        (DEFLATE, empty_blocks),
    ];
    for (make, bytes) in tiny.into_iter().chain(others) {
        let few = receives(|| make().framed(), &bytes[..bytes.len() / 10]);
        let many = receives(|| make().framed(), &bytes);
        assert!(many <= few + KIB, "{}: {few} {many}", make().name());
    }
}

#[test]
fn a_new_layer_takes_next_to_nothing() {
    for make in CODECS {
        let (_stack, all) = held(|| with(make));
        assert!(all < 4 * KIB, "{all}");
    }
}

/// And one that has ended both its streams as little.
#[test]
fn the_codecs_go_with_their_end_marks() {
    for make in CODECS {
        let run = || {
            let (mut stack, _) = with(make);
            stack.write(b"x").unwrap();
            stack.shutdown();
            stack.sent(stack.outgoing().len());
            stack.receive(&mut packed(make, &[b"x"]));
            drain(&mut stack);
            stack
        };
        drop(run());
        let (_stack, all) = held(run);
        // The stack keeps what it had room for the last bytes in.
        assert!(all < 16 * KIB, "{}: {all}", make().name());
    }
}

/// `cargo test -p compress-layer windows -- --nocapture` shows the table.
#[test]
fn smaller_windows_take_less_memory() {
    type Windowed = fn(u32) -> CompressLayer;
    let windowed: [(Windowed, std::ops::RangeInclusive<u32>); 5] = [
        (
            |log| CompressLayer::new(Deflate::new(6).with_window_log(log)),
            9..=15,
        ),
        (
            |log| CompressLayer::new(Zlib::new(6).with_window_log(log)),
            9..=15,
        ),
        (
            |log| CompressLayer::new(Gzip::new(6).with_window_log(log)),
            9..=15,
        ),
        (
            |log| CompressLayer::new(Zstd::new(3).with_window_log(log)),
            10..=23,
        ),
        (
            |log| CompressLayer::new(Brotli::new(4).with_window_log(log)),
            10..=24,
        ),
    ];
    let data = traffic();
    for (make, logs) in windowed {
        let (mut first, mut last) = (None, 0);
        for log in logs {
            let bytes = unended(|| make(log), &data);
            let (sent, received) = (sends(|| make(log), &data), receives(|| make(log), &bytes));
            let name = make(log).name().to_owned();
            println!("{name} {log}: {} KiB + {} KiB", sent / KIB, received / KIB);
            assert!(sent >= last, "{name} {log}");
            (first, last) = (first.or(Some(sent)), sent);
        }
        assert!(first.unwrap() < last * 9 / 10);
    }
}
