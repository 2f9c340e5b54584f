//! Nodes come to their places in the stack, and go.

use crate::rules::no_such_layer;
use crate::slot::Slot;
use crate::traffic::Made;
use crate::{Error, Layer, LayerKey, Stack};

impl Stack {
    pub(crate) fn find(&self, key: LayerKey) -> Result<usize, Error> {
        match self.core.place(key) {
            Some(place) if place < self.top() => Ok(place),
            _ => Err(no_such_layer()),
        }
    }

    /// Puts a node in; if it `feeds` on the residue, it takes over what waits below the one above.
    pub(crate) fn insert(&mut self, place: usize, key: LayerKey, mut slot: Slot, feeds: bool) {
        self.settle_accounts(place);
        let above = &mut self.slots[place];
        if feeds && !above.held.is_empty() {
            slot.held = std::mem::take(&mut above.held);
            slot.counts.came_up = slot.held.len() as u64;
            above.counts.came_up -= slot.counts.came_up;
        }
        for set in self.core.sets() {
            set.open(place);
        }
        self.core.depth += 1;
        let paused = self.core.to_pause().has(place);
        self.core.write_paused.set(place, paused);
        self.core.keys.insert(place, key);
        // Stacks are many and seldom change: room for as many again would be memory for nothing.
        self.slots.reserve_exact(1);
        self.slots.insert(place, slot);
        self.begin_accounts(place);
        self.begin_accounts(place + 1);
        self.settle(place);
    }

    /// Takes a node out; what waited below it waits below the one above, behind what was there.
    pub(crate) fn remove(&mut self, place: usize) -> Box<dyn Layer> {
        self.settle_accounts(place);
        self.settle_accounts(place + 1);
        for set in self.core.sets() {
            set.close(place);
        }
        self.core.depth -= 1;
        let key = self.core.keys.remove(place);
        self.core.alarms.retain(|(of, _)| *of != key);
        self.core.inside.retain(|(of, _)| *of != key);
        self.core.to_pop.retain(|of| *of != key);
        let slot = self.slots.remove(place);
        let above = &mut self.slots[place];
        above.counts.came_up += slot.held.len() as u64;
        above.held.append_held(slot.held);
        self.begin_accounts(place);
        if let Some(end) = &mut self.end
            && end.place > place
        {
            end.place -= 1;
        }
        self.settle(place);
        self.core.stir();
        slot.node
    }

    /// Renews what is kept by place, from `place` up.
    fn settle(&mut self, place: usize) {
        for place in place..self.core.depth {
            self.slots[place].bit = 1 << place;
            self.core.gauge(&self.slots[place], place);
        }
        self.core.refresh();
    }

    // ---- accounts ----

    /// The node at `place` and the one below it are about to be neighbours no more.
    fn settle_accounts(&mut self, place: usize) {
        let below = self.came_down_below(place);
        self.slots[place].counts.made_down.settle(below);
        let came_up = self.slots[place].counts.came_up;
        self.made_up_below(place).settle(came_up);
    }

    /// The node at `place` and the one below it are neighbours from now on.
    fn begin_accounts(&mut self, place: usize) {
        let below = self.came_down_below(place);
        self.slots[place].counts.made_down.begin(below);
        let came_up = self.slots[place].counts.came_up;
        self.made_up_below(place).begin(came_up);
    }

    /// `n` bytes were put back at the top: they come there again, and no layer has made them.
    pub(crate) fn count_put_back(&mut self, n: usize) {
        let top = self.top();
        self.slots[top].counts.came_up += n as u64;
        self.made_up_below(top).leave_out(n as u64);
    }

    /// What the neighbour below the node at `place` has handed up, be it a layer or the network.
    fn made_up_below(&mut self, place: usize) -> &mut Made {
        match place.checked_sub(1) {
            Some(below) => &mut self.slots[below].counts.made_up,
            None => &mut self.core.came_in,
        }
    }

    /// How many bytes have come down to the neighbour below the node at `place`.
    pub(crate) fn came_down_below(&self, place: usize) -> u64 {
        match place.checked_sub(1) {
            Some(below) => self.slots[below].counts.came_down,
            None => self.core.came_out(),
        }
    }
}
