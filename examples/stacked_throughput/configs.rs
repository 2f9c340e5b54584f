//! The configurations of TLS, the same for ours and for the peers.

use measure::tls::Tls;

use crate::kind::Version;

/// One for each version.
#[derive(Clone)]
pub(crate) struct Configs {
    v12: Tls,
    v13: Tls,
}

impl Configs {
    pub(crate) fn new() -> Self {
        Self {
            v12: Tls::of_1_2(),
            v13: Tls::without_tickets(),
        }
    }

    pub(crate) fn of(&self, version: Version) -> &Tls {
        match version {
            Version::V12 => &self.v12,
            Version::V13 => &self.v13,
        }
    }
}
