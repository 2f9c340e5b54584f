//! How many bytes went through a layer.

/// How many bytes a layer took in and handed on, each way, since it was attached; or a whole
/// [`Stack`](crate::Stack::traffic), since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From the network towards the application.
    pub inbound: Flow,
    /// From the application towards the network.
    pub outbound: Flow,
}

/// The bytes of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Bytes that the layer took.
    pub taken: u64,
    /// Bytes that it handed on, those that it made by itself among them.
    pub made: u64,
}

/// What is counted at a node's two faces.
///
/// The way of a chunk counts what *comes* to a node and nothing else, one addition each way. What
/// a node made is what came to its neighbour meanwhile; so when the neighbours change, those
/// counts are settled.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Bytes that came to the boundary below the node, and rose past it untouched.
    pub(crate) came_up: u64,
    pub(crate) passed_up: u64,
    /// Bytes that came to the node from above, and sank past it untouched.
    pub(crate) came_down: u64,
    pub(crate) passed_down: u64,
    pub(crate) made_up: Made,
    pub(crate) made_down: Made,
}

impl Counts {
    /// The account of a node below which `held` bytes wait, given what came to its neighbours: to
    /// the boundary above it, and to the one below it from above. Bytes that passed the node by and
    /// met a failure were counted by no neighbour, so none of this may go below zero.
    pub(crate) fn account(&self, held: usize, above: u64, below: u64) -> Traffic {
        let (up, down) = (self.passed_up, self.passed_down);
        Traffic {
            inbound: Flow {
                taken: self.came_up.saturating_sub(up + held as u64),
                made: self.made_up.total(above).saturating_sub(up),
            },
            outbound: Flow {
                taken: self.came_down.saturating_sub(down),
                made: self.made_down.total(below).saturating_sub(down),
            },
        }
    }
}

/// What a node has handed to its neighbour, as the neighbour counts it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Made {
    /// Handed to neighbours of before.
    settled: u64,
    /// What the present neighbour had counted when it became one.
    base: u64,
}

impl Made {
    pub(crate) fn total(self, count: u64) -> u64 {
        self.settled + count - self.base
    }

    /// The neighbour, which has counted `count`, is about to change.
    pub(crate) fn settle(&mut self, count: u64) {
        self.settled = self.total(count);
        self.base = count;
    }

    /// The neighbour has counted `n` more that are not of this node's making.
    pub(crate) fn leave_out(&mut self, n: u64) {
        self.base += n;
    }

    /// There is a new neighbour, which has counted `count`.
    pub(crate) fn begin(&mut self, count: u64) {
        self.base = count;
    }
}
