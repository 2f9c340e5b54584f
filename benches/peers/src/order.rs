//! What a program is told to do.

use std::fmt;
use std::time::Duration;

use measure::unit::{each, throughput};

/// An order, as it is written to a program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    work: Work,
    tls: bool,
}

#[derive(Clone, Copy, Debug)]
enum Work {
    Bulk,
    PingPong,
    Upgrade,
}

impl Order {
    pub(crate) const ALL: [Self; 5] = [
        Self::new(Work::Bulk, false),
        Self::new(Work::Bulk, true),
        Self::new(Work::PingPong, false),
        Self::new(Work::PingPong, true),
        Self::new(Work::Upgrade, true),
    ];

    const fn new(work: Work, tls: bool) -> Self {
        Self { work, tls }
    }

    /// Bytes, exchanges or connections.
    const fn count(self) -> usize {
        match self.work {
            Work::Bulk => 48 << 20,
            Work::PingPong => 1000,
            Work::Upgrade => 50,
        }
    }

    pub(crate) fn title(self) -> String {
        let count = self.count();
        let over = if self.tls { "TLS 1.3" } else { "bare TCP" };
        match self.work {
            Work::Bulk => {
                let count = count >> 20;
                format!("{count} MiB in writes of 64 KiB over {over}, a processor for each end")
            }
            Work::PingPong => format!("Ping-pong of 64 B over {over}, both ends on one processor"),
            Work::Upgrade => {
                format!(
                    "STARTTLS on {count} connections, both ends on one processor: each from connect to a line there and back"
                )
            }
        }
    }

    pub(crate) fn unit(self) -> impl Fn(Duration) -> String {
        move |time| match self.work {
            Work::Bulk => throughput(self.count())(time),
            Work::PingPong | Work::Upgrade => each(self.count())(time),
        }
    }

    /// How much of the processors' time Java may have before it is measured. Its handshakes go on
    /// getting faster, by less and less, for longer than that.
    pub(crate) fn to_compile(self) -> Duration {
        let seconds = match (self.work, self.tls) {
            (Work::Upgrade, _) => 30,
            (_, true) => 15,
            (_, false) => 8,
        };
        Duration::from_secs(seconds)
    }

    /// The server's processor, and the client's. In bulk both work at once; else they wait for each
    /// other, and across two processors their wake-ups would cost more than all else.
    pub(crate) fn processors(self) -> [usize; 2] {
        match self.work {
            Work::Bulk => [1, 0],
            Work::PingPong | Work::Upgrade => [0, 0],
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let work = match self.work {
            Work::Bulk => "bulk",
            Work::PingPong => "pingpong",
            Work::Upgrade => "upgrade",
        };
        let security = if self.tls { "tls" } else { "plain" };
        write!(f, "{work} {security} {}", self.count())
    }
}
