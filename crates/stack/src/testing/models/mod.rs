//! The kit's own layers: small, but with the habits of real ones.

mod cipher;
mod glass;
mod records;
mod runs;
mod taps;

use super::{Kind, Order, Rng, Tap, Wares};
use crate::{Layer, Residue};
use cipher::Cipher;
use glass::Glass;
use records::{Records, Style};
use runs::Runs;
pub(super) use taps::GlassTap;
use taps::{CipherTap, RecordTap, RunTap};

/// The kit's own layers. Each has one habit of real ones that a stack must bear:
///
/// | kind | |
/// |---|---|
/// | `whole` | records with an end mark, taken whole or not at all |
/// | `stream` | the same, but a record's bytes are handed on as they come |
/// | `staging` | records that are staged until they are full, or a flush; it holds back |
/// | `greeting` | a handshake; what is written meanwhile is staged |
/// | `chatty` | asks its peer's layer now and then, and answers |
/// | `drowsy` | pauses now and then, and sets itself a time to go on |
/// | `runs` | run lengths: bytes swell on the way up, and are staged on the way down |
/// | `cipher` | a key stream, byte by byte, without an end mark |
/// | `glass` | leaves the bytes as they are, and may leave at any time |
#[derive(Clone, Copy, Debug, Default)]
pub struct Models;

/// The most bytes of a record's body.
const BODY: usize = 40;

const KINDS: &[Kind] = &[
    Kind::named("whole").record(BODY + 2).block(BODY),
    Kind::named("stream").record(BODY + 2),
    Kind::named("staging").record(BODY + 2),
    Kind::named("greeting").record(BODY + 2).greets(),
    Kind::named("chatty").record(BODY + 2).chatty(),
    Kind::named("drowsy").record(BODY + 2),
    Kind::named("runs").record(2).block(runs::BLOCK),
    Kind::named("cipher").record(1),
    Kind::named("glass").record(1),
];

impl Wares for Models {
    fn kinds(&self) -> &[Kind] {
        KINDS
    }

    fn make(&self, order: &Order) -> Box<dyn Layer> {
        let (name, tag) = (name(order), tag(order));
        match KINDS[order.kind].name {
            "runs" => Box::new(Runs::new(name, tag)),
            "cipher" => Box::new(Cipher::new(name, tag)),
            "glass" => Box::new(Glass::new(name)),
            _ => Box::new(Records::new(name, tag, style(order))),
        }
    }

    fn tap(&self, order: &Order) -> Option<Box<dyn Tap>> {
        let tag = tag(order);
        Some(match KINDS[order.kind].name {
            "runs" => Box::new(RunTap::new(tag)),
            "cipher" => Box::new(CipherTap::new(tag)),
            "glass" => Box::new(GlassTap),
            _ => Box::new(RecordTap::new(tag)),
        })
    }
}

fn name(order: &Order) -> String {
    format!("{}-{}", KINDS[order.kind].name, order.nth)
}

/// No two layers of a plan have the same, so a byte that crosses the wrong one is seen.
fn tag(order: &Order) -> u8 {
    (order.nth as u8).wrapping_mul(37).wrapping_add(0x5b)
}

/// The habit of the kind, and often others beside it.
fn style(order: &Order) -> Style {
    let rng = &mut Rng::new(order.seed);
    let name = KINDS[order.kind].name;
    let body = rng.among(&[3, 8, 20, BODY]);
    let (stages, naps, naps_late) = (rng.once_in(4), rng.once_in(6), rng.once_in(2));
    let (whole, asks) = (rng.once_in(2), rng.once_in(2));
    Style {
        body,
        whole: match name {
            "whole" => true,
            "stream" => false,
            _ => whole,
        },
        asks_for_room: name == "whole" || asks,
        stages: name == "staging" || stages,
        greets: (name == "greeting").then_some(order.client),
        asks_every: if name == "chatty" {
            1 + rng.below(4)
        } else {
            0
        },
        naps_every: if name == "drowsy" || naps {
            1 + rng.below(6)
        } else {
            0
        },
        naps_late,
        residue: if name == "greeting" {
            order.residue
        } else {
            Residue::Feed
        },
    }
}
