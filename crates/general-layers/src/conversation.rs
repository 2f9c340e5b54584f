//! A TCP connection that is made up for a capture.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use etherparse::{PacketBuilder, TcpHeader};

use crate::Capture;

/// The most bytes in a packet: 65,535 less the headers of IPv4 and TCP. IPv6 would allow for more.
pub(crate) const SEGMENT: usize = 65_535 - 20 - 20;

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Local,
    Remote,
}

/// A TCP connection as its packets tell it: what is told of it is written into a capture, with the
/// time at which it happened, counted from 1970.
#[derive(Debug)]
pub(crate) struct Conversation {
    capture: Capture,
    local: End,
    remote: End,
    /// The packet that is being made.
    packet: Vec<u8>,
}

#[derive(Debug)]
struct End {
    address: SocketAddr,
    /// The sequence number of the next byte.
    next: u32,
    ended: bool,
}

/// What a packet is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Syn,
    SynAck,
    Ack,
    Data,
    Fin,
    Reset,
}

impl Conversation {
    /// Both ends begin to count at `first`.
    pub(crate) fn new(
        capture: &Capture,
        local: SocketAddr,
        remote: SocketAddr,
        first: u32,
    ) -> Self {
        let end = |address| End {
            address,
            next: first,
            ended: false,
        };
        Self {
            capture: capture.clone(),
            local: end(local),
            remote: end(remote),
            packet: Vec::new(),
        }
    }

    /// The handshake.
    pub(crate) fn open(&mut self, at: Duration, by: Side) {
        self.write(at, by, Kind::Syn, &[]);
        self.write(at, by.other(), Kind::SynAck, &[]);
        self.write(at, by, Kind::Ack, &[]);
    }

    pub(crate) fn data(&mut self, at: Duration, from: Side, bytes: &[u8]) {
        for segment in bytes.chunks(SEGMENT) {
            self.write(at, from, Kind::Data, segment);
        }
    }

    pub(crate) fn finish(&mut self, at: Duration, from: Side) {
        let (end, other) = self.ends(from);
        end.ended = true;
        let last = other.ended;
        self.write(at, from, Kind::Fin, &[]);
        if last {
            self.write(at, from.other(), Kind::Ack, &[]);
        }
    }

    /// It has failed, unless both ends had ended by then.
    pub(crate) fn reset(&mut self, at: Duration, from: Side) {
        if !(self.local.ended && self.remote.ended) {
            self.write(at, from, Kind::Reset, &[]);
        }
    }

    fn write(&mut self, at: Duration, from: Side, kind: Kind, payload: &[u8]) {
        let mut packet = std::mem::take(&mut self.packet);
        packet.clear();
        let (end, other) = self.ends(from);
        let ip = match (end.address.ip(), other.address.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                PacketBuilder::ipv4(from.octets(), to.octets(), TTL)
            }
            (from, to) => PacketBuilder::ipv6(octets(from), octets(to), TTL),
        };
        let made = ip
            .tcp_header(header(end, other, kind))
            .write(&mut packet, payload);
        debug_assert!(made.is_ok(), "a segment fits into a packet: {made:?}");
        let counted = payload.len() as u32 + u32::from(kind.counts());
        end.next = end.next.wrapping_add(counted);
        self.capture.write(at, &packet);
        self.packet = packet;
    }

    /// The end that speaks, and the one that listens.
    fn ends(&mut self, from: Side) -> (&mut End, &mut End) {
        match from {
            Side::Local => (&mut self.local, &mut self.remote),
            Side::Remote => (&mut self.remote, &mut self.local),
        }
    }
}

const TTL: u8 = 64;

/// The window is as wide as can be, for nobody acknowledges what comes before the next word of its
/// own.
const WINDOW: u16 = u16::MAX;
const SCALE_THE_WINDOW: [u8; 4] = [3, 3, 14, 1];

fn header(end: &End, other: &End, kind: Kind) -> TcpHeader {
    let mut header = TcpHeader::new(end.address.port(), other.address.port(), end.next, WINDOW);
    header.syn = matches!(kind, Kind::Syn | Kind::SynAck);
    header.ack = kind != Kind::Syn;
    header.psh = kind == Kind::Data;
    header.fin = kind == Kind::Fin;
    header.rst = kind == Kind::Reset;
    if header.ack {
        header.acknowledgment_number = other.next;
    }
    if header.syn {
        header.options = SCALE_THE_WINDOW.into();
    }
    header
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

impl Kind {
    /// Whether it takes a sequence number of its own.
    fn counts(self) -> bool {
        matches!(self, Self::Syn | Self::SynAck | Self::Fin)
    }
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Local => Self::Remote,
            Self::Remote => Self::Local,
        }
    }
}
