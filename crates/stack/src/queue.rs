//! What was asked for in the other direction, to be run after the pass.

use crate::buffer::Buffer;
use crate::{Changes, Context, Layer, LayerKey};

/// Something that a node asked for while bytes moved the other way.
pub(crate) enum Op {
    /// Bytes to deliver above the node.
    Deliver(Buffer, u64),
    /// Bytes to send below the node.
    Send(Buffer),
    /// Change the stack so.
    Change(Changes),
    /// Pop this layer.
    Pop(LayerKey),
    /// Call this layer.
    Visit(LayerKey, Visit),
    /// End the outgoing half.
    Shutdown,
}

/// What is done to a layer, by who no longer knows its type.
pub(crate) type Visit = Box<dyn FnOnce(&mut dyn Layer, &mut Context<'_>) + Send + Sync>;

/// The queue of a stack: an entry stands behind the others of its origin.
#[derive(Default)]
pub(crate) struct Queue {
    /// Oldest first, of all origins.
    entries: Vec<(LayerKey, Op)>,
    bytes: usize,
}

impl Queue {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn has_change(&self) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|(_, op)| matches!(op, Op::Change(_)))
    }

    /// Whether something waits to be delivered.
    pub(crate) fn has_delivery(&self) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|(_, op)| matches!(op, Op::Deliver(..)))
    }

    /// Whether one of these has asked for something.
    pub(crate) fn has_any_of(&self, origins: &[LayerKey]) -> bool {
        self.entries.iter().any(|(key, _)| origins.contains(key))
    }

    /// How many bytes wait in the queue.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn push(&mut self, origin: LayerKey, op: Op) {
        // What one node sends in pieces goes on as one.
        match (
            &op,
            self.entries.iter_mut().rfind(|(key, _)| *key == origin),
        ) {
            (Op::Send(more), Some((_, Op::Send(bytes)))) => {
                self.bytes += more.len();
                return bytes.append(more.bytes());
            }
            (Op::Send(bytes) | Op::Deliver(bytes, _), _) => self.bytes += bytes.len(),
            _ => {}
        }
        // Most connections queue one thing at a time, ever; a vector begins with room for four.
        if self.entries.capacity() == 0 {
            self.entries.reserve_exact(1);
        }
        self.entries.push((origin, op));
    }

    /// The next to run: what is to be delivered first, the topmost origin's before the others;
    /// then the rest, the lowest origin's before the others. Plain first-in-first-out would be
    /// wrong: a layer that delivers and then sends its own reply would have the application's
    /// answer go through it before its own.
    pub(crate) fn next(
        &mut self,
        place: impl Fn(LayerKey) -> Option<usize>,
    ) -> Option<(LayerKey, Op)> {
        let entries = || self.entries.iter().enumerate();
        let deliver = entries()
            .filter(|(_, (_, op))| matches!(op, Op::Deliver(..)))
            .max_by_key(|(i, (key, _))| (place(*key), std::cmp::Reverse(*i)));
        let next = deliver.or_else(|| entries().min_by_key(|(i, (key, _))| (place(*key), *i)));
        let (key, op) = self.entries.remove(next?.0);
        if let Op::Send(bytes) | Op::Deliver(bytes, _) = &op {
            self.bytes -= bytes.len();
        }
        Some((key, op))
    }

    /// Takes out all that `origin` asked for.
    pub(crate) fn forget(&mut self, origin: LayerKey) -> Vec<Op> {
        self.forget_if(|(key, _)| *key == origin)
    }

    /// Takes out what `origin` wanted to deliver.
    pub(crate) fn forget_deliveries(&mut self, origin: LayerKey) {
        self.forget_if(|(key, op)| *key == origin && matches!(op, Op::Deliver(..)));
    }

    fn forget_if(&mut self, is: impl Fn(&(LayerKey, Op)) -> bool) -> Vec<Op> {
        let its = self.entries.extract_if(.., |entry| is(entry));
        let its: Vec<_> = its.map(|(_, op)| op).collect();
        for op in &its {
            if let Op::Send(bytes) | Op::Deliver(bytes, _) = op {
                self.bytes -= bytes.len();
            }
        }
        its
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Buffer {
        Buffer::from(text.as_bytes())
    }

    fn name(op: &Op) -> String {
        match op {
            Op::Deliver(bytes, _) | Op::Send(bytes) => {
                String::from_utf8(bytes.bytes().to_vec()).unwrap()
            }
            Op::Pop(_) => "pop".into(),
            Op::Change(_) | Op::Visit(..) | Op::Shutdown => "other".into(),
        }
    }

    #[test]
    fn delivers_run_from_the_top_and_sends_from_the_bottom_in_order_per_origin() {
        let (low, high) = (LayerKey(7), LayerKey(3));
        let mut queue = Queue::default();
        queue.push(high, Op::Send(bytes("high 1")));
        queue.push(low, Op::Deliver(bytes("low up"), 0));
        queue.push(high, Op::Pop(low));
        queue.push(high, Op::Send(bytes("high 2")));
        queue.push(low, Op::Send(bytes("low 1")));
        queue.push(low, Op::Send(bytes(", low 2")));
        queue.push(high, Op::Deliver(bytes("high up"), 0));
        assert_eq!(queue.bytes(), 6 + 6 + 6 + 5 + 7 + 7);
        let place = |key| Some(usize::from(key == high));
        let order: Vec<_> = std::iter::from_fn(|| queue.next(place))
            .map(|(_, op)| name(&op))
            .collect();
        assert_eq!(
            order,
            [
                "high up",
                "low up",
                "low 1, low 2",
                "high 1",
                "pop",
                "high 2"
            ]
        );
        assert!(queue.is_empty() && queue.bytes() == 0);
    }
}
