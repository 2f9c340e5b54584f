//! A node's place in the stack, and its life there.

use std::time::Duration;

use crate::held::Held;
use crate::{Chunk, Context, End, Error, Event, Layer, Protocol, Readiness, Standing, Transport};

/// A node with the boundary below it.
pub(crate) struct Slot {
    /// This place, as a bit of [`Places`](crate::bits::Places).
    pub(crate) bit: u64,
    pub(crate) node: Box<dyn Layer>,
    pub(crate) traffic: Traffic,
    /// Inbound bytes that the node has not taken.
    pub(crate) held: Held,
    /// The first inbound epoch whose bytes cross the node.
    pub(crate) since: u64,
    /// The first whose bytes pass by it, once its inbound half has ended.
    pub(crate) until: u64,
    pub(crate) life: Life,
    pub(crate) inbound: Inbound,
    pub(crate) outbound: Outbound,
}

impl Slot {
    pub(crate) fn new(node: Box<dyn Layer>) -> Self {
        Self {
            bit: 0,
            node,
            traffic: Traffic::default(),
            held: Held::default(),
            since: 0,
            until: u64::MAX,
            life: Life::Standing,
            inbound: Inbound::Decoding,
            outbound: Outbound::Open,
        }
    }

    /// Whether rising bytes go past this node, untouched.
    pub(crate) fn passed_by(&self) -> bool {
        self.inbound == Inbound::Ended
    }
}

/// How many bytes a node took at its two faces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Inbound bytes that the node took from below.
    pub received: u64,
    /// Outbound bytes that the node took from above.
    pub sent: u64,
}

/// Where a node is in its life. The valves beside it say how far each direction has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Attached, and talking with its peer; `pop` says that it is to leave once it is up.
    Handshaking { until: Duration, pop: bool },
    /// At work.
    Standing,
    /// Asked to leave.
    Leaving { until: Duration, late: bool },
}

/// The inbound valve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inbound {
    Decoding,
    /// The peer's end mark came unasked: what follows waits. `told` says that the owner knows.
    Parked {
        told: bool,
    },
    /// What follows the end mark passes by the node.
    Ended,
}

/// The outbound valve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outbound {
    Open,
    /// The end mark is out: what is sent passes by the node, and the node is not heard.
    Ended,
}

/// What stands at the top where the application reads and writes a stream: it takes nothing, so
/// all that arrives waits at the boundary below it, which is the inbox.
pub(crate) struct Reader;

impl Protocol for Reader {
    fn received(&mut self, _: &mut Context<'_>, _: &mut [u8]) -> Result<usize, Error> {
        Ok(0)
    }
}

impl Transport for Reader {
    fn send(&mut self, _: &mut Context<'_>, _: Chunk<'_>) -> Result<(), Error> {
        Ok(())
    }
}

impl Layer for Reader {
    fn name(&self) -> &str {
        "app"
    }
}

/// What stands at the top where the application is a [`Protocol`].
pub(crate) struct App(pub(crate) Box<dyn Protocol>);

impl Protocol for App {
    fn attached(&mut self, cx: &mut Context<'_>, at: &Standing) -> Result<Readiness, Error> {
        self.0.attached(cx, at)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        self.0.received(cx, bytes)
    }

    fn end_received(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.0.end_received(cx)
    }

    fn writable(&mut self, cx: &mut Context<'_>, writable: bool) {
        self.0.writable(cx, writable);
    }

    fn event(&mut self, cx: &mut Context<'_>, event: Event) {
        self.0.event(cx, event);
    }

    fn lost(&mut self, end: &End) {
        self.0.lost(end);
    }

    fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.0.timed_out(cx)
    }
}

impl Transport for App {
    fn send(&mut self, _: &mut Context<'_>, _: Chunk<'_>) -> Result<(), Error> {
        Ok(())
    }
}

impl Layer for App {
    fn name(&self) -> &str {
        "app"
    }
}
