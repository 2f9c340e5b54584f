//! What a simulation must know of a layer, found out by looking.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::case::panic_text;
use super::{Order, Side};
use crate::{End, Exit, Layer, Limits, Residue, Stack};

/// So many bytes are moved between two ends, one by one, until they are taken to be at rest.
pub(super) const PATIENCE: usize = 100_000;

/// Makes one end of a layer.
pub(super) type Make<'a> = dyn Fn(&Order) -> Box<dyn Layer> + Sync + 'a;

/// So many rounds a short conversation has.
const TALK: usize = 12;

/// How a kind of layers behaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nature {
    pub(super) exit: Exit,
    /// It begins with a handshake.
    pub(super) greets: bool,
    /// It sends what no application wrote, at moments of its own.
    pub(super) chatty: bool,
    /// Its server's end speaks as soon as it is pushed.
    pub(super) hasty: bool,
    /// Its residue whatever it is asked to be, if that is not [`Residue::Feed`].
    pub(super) residue: Residue,
}

impl Nature {
    /// Looks at a pair of layers by themselves.
    ///
    /// # Errors
    ///
    /// The text of a panic.
    pub(super) fn of(make: &Make<'_>) -> Result<Self, String> {
        let layer = make(&Order::alone(Side::A));
        let mut nature = Self {
            exit: layer.exit(),
            greets: false,
            chatty: false,
            hasty: false,
            residue: match (layer.residue(), make(&Order::alone(Side::B)).residue()) {
                (Residue::Feed, residue) => residue,
                (residue, _) => residue,
            },
        };
        let look = AssertUnwindSafe(|| {
            Pair::new(make).look(&mut nature);
        });
        match catch_unwind(look) {
            Ok(()) => Ok(nature),
            Err(panic) => Err(panic_text(&*panic)),
        }
    }
}

/// Two stacks of one layer each.
pub(super) struct Pair([Stack; 2]);

impl Pair {
    pub(super) fn new(make: &Make<'_>) -> Self {
        Self(Side::BOTH.map(|side| {
            let mut stack = Stack::new(Limits::default());
            // If it is refused, that shows elsewhere.
            let _ = stack.push(make(&Order::alone(side)));
            stack
        }))
    }

    fn look(mut self, nature: &mut Nature) {
        let up = |pair: &Self| pair.0.iter().all(Stack::is_up);
        nature.greets = !up(&self);
        nature.hasty = !self.0[1].outgoing().is_empty();
        for _ in 0..PATIENCE {
            if up(&self) || !self.move_bytes() {
                break;
            }
        }
        nature.chatty = self.is_under_way();
        while self.move_bytes() {}
        for side in [0, 1, 0, 1] {
            let text = [b'x'; 40];
            let _ = self.0[side].write(&text);
            self.0[side].flush();
            while self.0[1 - side].readable().len() < text.len() && self.move_bytes() {}
            nature.chatty |= self.is_under_way();
            while self.move_bytes() {}
            let n = self.0[1 - side].readable().len();
            self.0[1 - side].consume(n);
        }
        for _ in 0..3 {
            nature.chatty |= self.wait();
        }
    }

    fn is_under_way(&self) -> bool {
        self.0.iter().any(|stack| !stack.outgoing().is_empty())
    }

    /// Moves a byte each way, if there is one.
    pub(super) fn move_bytes(&mut self) -> bool {
        let mut moved = false;
        for from in 0..2 {
            self.0[from].flush();
            if let Some(&byte) = self.0[from].outgoing().first() {
                self.0[from].sent(1);
                self.0[1 - from].receive(&mut [byte]);
                moved = true;
            }
        }
        moved
    }

    /// One end writes and flushes this, and the other reads it.
    pub(super) fn send_all(&mut self, from: usize, text: &mut [u8], scratch: &mut Vec<u8>) {
        let _ = self.0[from].write(&*text);
        self.0[from].flush();
        scratch.clear();
        scratch.extend_from_slice(self.0[from].outgoing());
        self.0[from].sent(scratch.len());
        let to = &mut self.0[1 - from];
        to.receive(scratch);
        while to.has_work() || !to.readable().is_empty() {
            to.advance(Duration::ZERO);
            let n = to.readable().len();
            to.consume(n);
        }
    }

    /// Both write, flush and end, while each byte on its way becomes what `spoil` makes of it, which is
    /// told its place among all of both ways. Returns how many there were.
    pub(super) fn talk(&mut self, mut spoil: impl FnMut(u64, u8) -> u8) -> u64 {
        let mut moved = 0;
        for stack in &mut self.0 {
            let _ = stack.write(&[b'x'; 40]);
        }
        for round in 0..TALK {
            for from in 0..2 {
                if round == TALK / 2 {
                    self.0[from].shutdown();
                }
                self.0[from].flush();
                let mut bytes = self.0[from].outgoing().to_vec();
                self.0[from].sent(bytes.len());
                for byte in &mut bytes {
                    *byte = spoil(moved, *byte);
                    moved += 1;
                }
                let to = &mut self.0[1 - from];
                to.receive(&mut bytes);
                to.advance(Duration::ZERO);
                let n = to.readable().len();
                to.consume(n);
            }
        }
        for stack in &mut self.0 {
            stack.receive_end();
            stack.close(End::Clean);
        }
        moved
    }

    /// Lets time pass until something is due, and says whether anybody then spoke.
    fn wait(&mut self) -> bool {
        let deadlines = self.0.iter().filter_map(Stack::deadline);
        let due = deadlines.min().unwrap_or(Duration::ZERO);
        for stack in &mut self.0 {
            stack.advance(due);
        }
        let spoke = self.is_under_way();
        while self.move_bytes() {}
        spoke
    }
}
