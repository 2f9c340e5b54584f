//! What is written at one end is read at the other, whatever else happens.

use arbitrary::Arbitrary;
use compress_layer::CompressLayer;
use stack::Limits;

use crate::codecs::{CODECS, make};
use crate::end::End;
use crate::noise::noise;

/// What two ends with the same layer do.
#[derive(Arbitrary, Debug)]
pub struct Life {
    codec: u8,
    levels: [u8; 2],
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
    let mut layers = life.levels.map(|level| make(codec, level));
    for acts in &life.rounds {
        layers = round(layers, acts);
    }
}

fn round(layers: [CompressLayer; 2], acts: &[(Side, Act)]) -> [CompressLayer; 2] {
    let mut pair = Pair(layers.map(|layer| End::new(layer, Limits::default())));
    for (side, act) in acts {
        pair.act(*side, act);
    }
    for act in [Act::Pop, Act::Flush] {
        pair.act(Side::Left, &act);
        pair.act(Side::Right, &act);
    }
    let Pair(ends) = pair;
    ends.map(|mut end| end.popped().expect("both have ended"))
}

struct Pair([End; 2]);

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
            Act::Pop => from.pop(),
        }
    }

    fn carry(&mut self, side: Side, size: usize) {
        let (from, to) = self.direction(side);
        for piece in from.outgoing().chunks(size) {
            to.receive(piece);
        }
    }

    /// Who sends, and who receives.
    fn direction(&mut self, side: Side) -> (&mut End, &mut End) {
        let [left, right] = &mut self.0;
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
