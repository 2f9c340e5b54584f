//! What connections are measured with.

use std::fmt;
use std::time::Duration;

use crate::Cost;
use crate::bulk::{Bulk, bulk};
use crate::open::Open;
use crate::pingpong::ping_pong;
use crate::text::Text;
use crate::unit::{each, throughput};

/// Something to do with a connection. Its text is a table's title.
#[derive(Clone, Copy, Debug)]
pub enum Load {
    /// Many bytes one way.
    Bulk(Bulk),
    /// So many exchanges of few bytes.
    PingPong(usize),
}

impl Load {
    /// What each kind of TLS is measured with: writes of all sizes, and a ping-pong.
    pub fn of_tls() -> impl Iterator<Item = Self> {
        let writes = [
            (48 << 20, 256 << 10),
            (48 << 20, 64 << 10),
            (48 << 20, 16 << 10),
            (48 << 20, 4 << 10),
            (16 << 20, 512),
            (4 << 20, 64),
        ];
        let bulks = writes.into_iter().map(|(bytes, write)| {
            Self::Bulk(Bulk {
                bytes,
                write,
                read: 64 << 10,
                flushed: false,
                text: Text::Same,
            })
        });
        bulks.chain([Self::PingPong(1000)])
    }

    /// The same with so many bytes, if it is bulk.
    pub fn of(self, bytes: usize) -> Self {
        match self {
            Self::Bulk(work) => Self::Bulk(Bulk { bytes, ..work }),
            Self::PingPong(_) => self,
        }
    }

    /// Does it once, with a new connection.
    pub fn run(self, open: impl Open) -> Cost {
        match self {
            Self::Bulk(work) => bulk(open, work),
            Self::PingPong(count) => ping_pong(open, count),
        }
    }

    /// Whether its writes are smaller than a record of TLS, so that buffering them pays.
    pub fn has_small_writes(self) -> bool {
        matches!(self, Self::Bulk(work) if work.write < 16 << 10)
    }

    /// The figure that people want.
    pub fn unit(self) -> impl Fn(Duration) -> String {
        move |time| match self {
            Self::Bulk(work) => throughput(work.bytes)(time),
            Self::PingPong(count) => each(count)(time),
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bulk(work) => work.fmt(f),
            Self::PingPong(_) => f.write_str("Ping-pong of 64 B, flushed, on one thread"),
        }
    }
}
