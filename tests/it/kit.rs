//! The testing kit, on faulty layers and on those of this workspace.

use std::sync::Arc;
use std::time::Duration;

use compress_layer::{Brotli, CompressLayer, Deflate, Zstd};
use general_layers::{Capture, Counters, Deadlines, Faults, Pcap, RateLimit, Trace};
use stack::testing::{Check, Order, Rule, check};
use stack::{
    Chunk, Context, Error, Exit, Layer, Protocol, Readiness, Residue, Standing, StreamLayer,
    Transport,
};
use tls_layer::TlsLayer;
use tokio::io::BufStream;

use crate::faulty::Fault::*;
use crate::faulty::{Fault, RECORD, Records};
use crate::real;

/// What is wrong with a layer, and the rule that it breaks.
const FAULTS: [(Fault, Rule); 37] = [
    (SaysItTookMore, Rule::Taken),
    (DecodesBeforeItTakes, Rule::Untaken),
    (LosesAByte, Rule::Bytes),
    (DoublesAByte, Rule::Bytes),
    (SendsOwnedBytesInClear, Rule::Rest),
    (TakesHalfARecord, Rule::Cuts),
    (CountsOnAWholeHeader, Rule::Panic),
    (DropsWhatComesWithTheHello, Rule::Push),
    (FlushesNothing, Rule::Flush),
    (FlushesAllButAnOddByte, Rule::Flush),
    (ForgetsAFlushBeforeItWasUp, Rule::Flush),
    (FinishesWithoutWhatIsStaged, Rule::Finish),
    (SendsNoEndMark, Rule::EndMark),
    (TellsOfNoEndMark, Rule::EndMark),
    (TakesWhatFollowsTheEndMark, Rule::Remainder),
    (LeavesTheEndMark, Rule::Remainder),
    (TakesAnyEndForAnEnd, Rule::Truncation),
    (RefusesWhatItSends, Rule::Honest),
    (TrustsALength, Rule::Panic),
    (HidesWhatItHolds, Rule::Held),
    (HoldsBackForEver, Rule::HoldBack),
    (StagesForEver, Rule::Bounds),
    (StagesForEverInTheHandshake, Rule::Bounds),
    (MakesWhatNobodyWants, Rule::Wanted),
    (IsNeverUp, Rule::Up),
    (DropsWhatIsWrittenInTheHandshake, Rule::Bytes),
    (GoesOnWhereItLeft, Rule::Again),
    (ClosesBothHalves, Rule::HalfClose),
    (PausesForEver, Rule::Pressure),
    (WakesForEver, Rule::Time),
    (SaysJunkInTime, Rule::Time),
    (DropsInTime, Rule::Time),
    (PanicsInTime, Rule::Panic),
    (TellsAnything, Rule::Info),
    (StandsOnlyAboveWhatIsUp, Rule::Company),
    (SaysItMayLeaveAnytime, Rule::Anytime),
    (Allocates, Rule::Allocations),
];

/// How many allocations that costs.
fn count(work: &mut dyn FnMut()) -> u64 {
    allocation_counter::measure(work).count_total
}

#[test]
fn a_layer_that_keeps_the_contract_passes() {
    check(|_| Records::new(Nothing));
}

#[test]
fn each_fault_is_caught_and_named() {
    let mut wrong = Vec::new();
    for (fault, rule) in FAULTS {
        let records = Check::new(|_| Records::new(fault)).record(RECORD);
        match records.allocations(0, count).run() {
            Err(failure) if failure.rule() == rule => println!("{fault:?}: {failure}\n"),
            Err(failure) => wrong.push(format!("{fault:?}, for {rule:?}: {failure}")),
            Ok(passed) => wrong.push(format!("{fault:?} passed: {passed:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn tls_keeps_the_contract() {
    let (client, server) = real::configs();
    check(|order| {
        let layer = match order.client {
            true => real::client(&client),
            false => real::server(&server),
        };
        layer.with_residue(order.residue).anywhere()
    });
}

#[test]
fn tls_that_exports_keys_keeps_the_contract() {
    let (client, server) = real::configs();
    check(|order| {
        let layer = match order.client {
            true => TlsLayer::client(Arc::clone(&client), real::name()).with_exporter(),
            false => TlsLayer::server(Arc::clone(&server)).with_exporter(),
        };
        layer.with_residue(order.residue).anywhere()
    });
}

#[test]
fn zstd_keeps_the_contract() {
    check(|_| CompressLayer::zstd(1).anywhere());
}

#[test]
fn deflate_keeps_the_contract() {
    check(|_| CompressLayer::deflate(1).anywhere());
}

#[test]
fn brotli_keeps_the_contract() {
    check(|_| CompressLayer::brotli(1).anywhere());
}

#[test]
fn lz4_keeps_the_contract() {
    check(|_| CompressLayer::lz4(1).anywhere());
}

#[test]
fn a_series_of_streams_keeps_the_contract() {
    check(|_| CompressLayer::zstd(1).framed().anywhere());
}

/// What has its code in common with one that is checked at length.
fn check_briefly<L: Layer>(make: impl Fn(&Order) -> L + Sync) {
    Check::new(make).seeds(30).run().unwrap();
}

#[test]
fn zlib_and_gzip_keep_the_contract() {
    check_briefly(|_| CompressLayer::zlib(1).anywhere());
    check_briefly(|_| CompressLayer::gzip(1).anywhere());
    check_briefly(|_| CompressLayer::deflate(1).framed().anywhere());
}

#[test]
fn small_windows_keep_the_contract() {
    check_briefly(|_| CompressLayer::new(Deflate::new(9).with_window_log(9)).anywhere());
    check_briefly(|_| CompressLayer::new(Zstd::new(1).with_window_log(10)).anywhere());
    check_briefly(|_| CompressLayer::new(Brotli::new(2).with_window_log(10)).anywhere());
}

#[test]
fn brotli_at_its_lowest_qualities_keeps_to_a_small_window() {
    check_briefly(|_| CompressLayer::new(Brotli::new(0).with_window_log(16)).anywhere());
    check_briefly(|_| CompressLayer::new(Brotli::new(1).with_window_log(17)).anywhere());
}

#[test]
fn two_formats_keep_the_contract() {
    check_briefly(|order| {
        let (zstd, deflate) = (Zstd::new(1), Deflate::new(1));
        let pair = match order.client {
            true => CompressLayer::pair(zstd, deflate),
            false => CompressLayer::pair(deflate, zstd),
        };
        Nameless(pair.anywhere())
    });
}

/// A codec that is called the same at both ends, by which the kit tells who a byte has crossed.
struct Nameless(CompressLayer);

impl Protocol for Nameless {
    fn attached(&mut self, cx: &mut Context<'_>, at: &Standing) -> Result<Readiness, Error> {
        self.0.attached(cx, at)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        self.0.received(cx, bytes)
    }

    fn end_received(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.0.end_received(cx)
    }
}

impl Transport for Nameless {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        self.0.send(cx, chunk)
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.0.flush(cx)
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.0.finish(cx)
    }
}

impl Layer for Nameless {
    fn exit(&self) -> Exit {
        self.0.exit()
    }

    fn held(&self) -> usize {
        self.0.held()
    }
}

#[test]
fn a_stream_as_a_layer_keeps_the_contract() {
    check(|_| {
        StreamLayer::new("buffered", |wire| async {
            Ok::<_, std::io::Error>(BufStream::new(wire))
        })
    });
}

#[test]
fn the_general_layers_keep_the_contract() {
    check(|_| Counters::new());
    check(|order| Trace::new(order.nth.to_string()));
    let capture = Capture::new(std::io::sink());
    check(|_| Pcap::new(&capture, std::time::UNIX_EPOCH));
    let day = Duration::from_secs(24 * 60 * 60);
    check(|_| Deadlines::new().idle(day).read(day).write(day));
    check(|order| Faults::seeded(order.seed).pieces(3));
}

/// One whose residue is its own affair is played at random, too: behind an answer.
#[test]
fn a_layer_that_takes_no_residue_keeps_the_contract() {
    for residue in [Residue::Reject, Residue::HandBack] {
        let passed = check(|_| Stubborn(residue));
        assert!(passed.seeds > 500, "{passed:?}");
    }
}

struct Stubborn(Residue);

impl Protocol for Stubborn {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        bytes.iter_mut().for_each(|byte| *byte ^= 0x55);
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}

impl Transport for Stubborn {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        let mut bytes = chunk.as_slice().to_vec();
        bytes.iter_mut().for_each(|byte| *byte ^= 0x55);
        cx.send(&mut bytes);
        Ok(())
    }
}

impl Layer for Stubborn {
    fn residue(&self) -> Residue {
        self.0
    }
}

/// Those that let time pass.
#[test]
fn the_layers_that_wait_keep_the_contract() {
    check(|order| Faults::seeded(order.seed).delay(Duration::from_millis(2)));
    check(|_| {
        RateLimit::new()
            .inbound(100_000, 200)
            .outbound(100_000, 200)
    });
}
