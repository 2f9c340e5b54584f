//! Two stacks and the wires between them, without sockets or clocks.

use std::time::Duration;

use stack::{Limits, Stack};

/// How bytes are cut on their way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    /// All that there is, in one piece.
    Lump,
    /// Byte by byte.
    Drip,
    /// The first piece of each lump has this many bytes.
    At(usize),
}

impl Cut {
    /// In one piece, byte by byte, and at every byte of what the tests here send at once.
    pub(crate) const EACH: [Self; 50] = {
        let mut each = [Self::Lump; 50];
        each[1] = Self::Drip;
        let mut at = 2;
        while at < each.len() {
            each[at] = Self::At(at - 1);
            at += 1;
        }
        each
    };

    fn pieces(self, bytes: &[u8]) -> Vec<Vec<u8>> {
        match self {
            Self::Lump => vec![bytes.to_vec()],
            Self::Drip => bytes.iter().map(|byte| vec![*byte]).collect(),
            Self::At(n) => {
                let (first, rest) = bytes.split_at(n.min(bytes.len()));
                let pieces = [first.to_vec(), rest.to_vec()].into_iter();
                pieces.filter(|piece| !piece.is_empty()).collect()
            }
        }
    }
}

/// Two peers; each end's wire holds what has left one and not reached the other.
pub(crate) struct Pair {
    pub(crate) a: Stack,
    pub(crate) b: Stack,
    pub(crate) cut: Cut,
}

impl Pair {
    pub(crate) fn new(cut: Cut) -> Self {
        Self::with_limits(cut, Limits::default())
    }

    pub(crate) fn with_limits(cut: Cut, limits: Limits) -> Self {
        Self {
            a: Stack::new(limits.clone()),
            b: Stack::new(limits),
            cut,
        }
    }

    /// Moves bytes both ways until none is left to be moved.
    pub(crate) fn settle(&mut self) {
        for stack in [&mut self.a, &mut self.b] {
            stack.advance(Duration::ZERO);
            while stack.has_work() {
                stack.advance(Duration::ZERO);
            }
        }
        while carry(&mut self.a, &mut self.b, self.cut) | carry(&mut self.b, &mut self.a, self.cut)
        {
        }
    }
}

/// Flushes `from` and moves what is ready to `to`, while `to` has room. Whether anything moved.
pub(crate) fn carry(from: &mut Stack, to: &mut Stack, cut: Cut) -> bool {
    from.flush();
    let bytes = from.outgoing().to_vec();
    let mut moved = 0;
    for mut piece in cut.pieces(&bytes) {
        if !to.wants_input() {
            break;
        }
        moved += piece.len();
        to.receive(&mut piece);
        while to.has_work() {
            to.advance(Duration::ZERO);
        }
    }
    from.sent(moved);
    moved > 0
}

/// All that can be read now, whatever its epoch.
pub(crate) fn read_all(stack: &mut Stack) -> Vec<u8> {
    let mut all = Vec::new();
    while !stack.readable().is_empty() {
        all.extend_from_slice(stack.readable());
        stack.consume(stack.readable().len());
    }
    all
}

/// What can be read now, epoch by epoch: the names of the layers that it crossed, and the bytes.
pub(crate) fn read_epochs(stack: &mut Stack) -> Vec<(Vec<String>, String)> {
    let mut all: Vec<(u64, Vec<String>, String)> = Vec::new();
    while !stack.readable().is_empty() {
        let epoch = stack.epoch();
        let text = String::from_utf8_lossy(stack.readable()).into_owned();
        match all.last_mut() {
            Some((number, _, before)) if *number == epoch.number() => before.push_str(&text),
            _ => {
                let layers = epoch.layers().map(str::to_owned).collect();
                all.push((epoch.number(), layers, text));
            }
        }
        stack.consume(stack.readable().len());
    }
    all.into_iter()
        .map(|(_, layers, text)| (layers, text))
        .collect()
}
