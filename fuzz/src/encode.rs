//! What is written at one end is read at the other, whatever else happens.

use arbitrary::Arbitrary;
use compress_layer::CompressLayer;
use stack::Limits;

use crate::codecs::{CODECS, level, make};
use crate::end::End;
use crate::noise::noise;

/// The most that a read from the network brings: behind the end mark it waits as it came.
const READ: usize = 16 * 1024;

/// What two ends with the same layer do.
#[derive(Arbitrary, Debug)]
pub struct Life {
    codec: u8,
    efforts: [u8; 2],
    framed: bool,
    /// Behind each the layers are popped, and pushed anew for the next.
    rounds: [Vec<(Side, Act)>; 2],
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Side {
    Left,
    Right,
}

#[derive(Arbitrary, Debug)]
enum Act {
    Write(Text),
    /// What is ready crosses the network, in pieces of this size.
    Carry(u8),
    Flush,
    /// Refused where the format cannot do it within a stream.
    Level(u8),
    Reset,
    Pop,
}

#[derive(Arbitrary, Debug)]
enum Text {
    Literal(Vec<u8>),
    Run { byte: u8, times: u16 },
    Noise { seed: u32, len: u16 },
}

/// Plays it.
///
/// # Panics
///
/// If something is read that was not written, or not read that was flushed, or if a rule of the layer
/// is broken.
pub fn encode(life: &Life) {
    let codec = CODECS[usize::from(life.codec) % CODECS.len()];
    let mut layers = life.efforts.map(|effort| {
        let layer = make(codec, effort);
        if life.framed { layer.framed() } else { layer }
    });
    for acts in &life.rounds {
        layers = round(codec, layers, acts);
    }
}

fn round(
    codec: &'static str,
    layers: [CompressLayer; 2],
    acts: &[(Side, Act)],
) -> [CompressLayer; 2] {
    let ends = layers.map(|layer| End::new(layer, Limits::default()));
    let mut pair = Pair { codec, ends };
    for (side, act) in acts {
        pair.act(*side, act);
    }
    for act in [Act::Pop, Act::Flush] {
        pair.act(Side::Left, &act);
        pair.act(Side::Right, &act);
    }
    pair.ends
        .map(|mut end| end.popped().expect("both have ended"))
}

struct Pair {
    codec: &'static str,
    ends: [End; 2],
}

impl Pair {
    fn act(&mut self, side: Side, act: &Act) {
        let (from, _) = self.direction(side);
        match act {
            Act::Write(text) => {
                from.write(&text.bytes());
                if !from.stack.writable() {
                    self.carry(side, usize::MAX);
                }
            }
            Act::Carry(size) => self.carry(side, usize::from(*size).max(1)),
            Act::Flush => {
                from.stack.flush();
                self.carry(side, usize::MAX);
                let (from, to) = self.direction(side);
                assert!(
                    from.written == to.read,
                    "what was flushed is not what was read"
                );
                from.stack.flush();
                assert!(from.stack.outgoing().is_empty(), "a flush of nothing");
            }
            Act::Level(effort) => {
                let level = level(self.codec, *effort);
                self.direction(side)
                    .0
                    .adjust(|layer| layer.set_level(level));
            }
            Act::Reset => from.adjust(CompressLayer::reset),
            Act::Pop => from.pop(),
        }
    }

    fn carry(&mut self, side: Side, size: usize) {
        let (from, to) = self.direction(side);
        for piece in from.outgoing().chunks(size.min(READ)) {
            to.receive(piece);
        }
    }

    /// Who sends, and who receives.
    fn direction(&mut self, side: Side) -> (&mut End, &mut End) {
        let [left, right] = &mut self.ends;
        match side {
            Side::Left => (left, right),
            Side::Right => (right, left),
        }
    }
}

impl Text {
    fn bytes(&self) -> Vec<u8> {
        match *self {
            Self::Literal(ref bytes) => bytes.clone(),
            Self::Run { byte, times } => vec![byte; times.into()],
            Self::Noise { seed, len } => noise(seed).take(len.into()).collect(),
        }
    }
}
