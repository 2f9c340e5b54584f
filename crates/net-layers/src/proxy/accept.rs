//! The server's side.

use std::any::{Any, TypeId};

use stack::Error;

use super::ProxyHeader;
use crate::{Next, Opener, Opening};

/// Wants to hear first who it is that the other side connects for, and then passes on what comes:
/// haproxy's `accept-proxy`.
///
/// Both versions are understood. It is up when the header has come, which
/// [`Stack::info`](stack::Stack::info) tells as a [`ProxyHeader`] from then on; what has come
/// behind it is for those above. TLS that is pushed above at once has to be told so:
/// `with_residue(Residue::Feed)`.
///
/// A header can say anything: this belongs where only proxies of one's own can connect. And nothing is
/// guessed: what begins with no header is an error.
///
/// See [`SendProxy`](crate::SendProxy) for both ends.
pub type AcceptProxy = Opener<Accepting>;

/// The conversation of [`AcceptProxy`]: one header, and no answer.
#[derive(Debug, Default)]
pub struct Accepting(Option<ProxyHeader>);

impl AcceptProxy {
    /// A layer that wants to hear this first.
    pub fn new() -> Self {
        Self::with(Accepting(None))
    }
}

impl Default for AcceptProxy {
    fn default() -> Self {
        Self::new()
    }
}

impl Opening for Accepting {
    fn name(&self) -> &str {
        "proxy-protocol"
    }

    fn hear(&mut self, bytes: &[u8], _: &mut Vec<u8>) -> Result<(usize, Next), Error> {
        Ok(match ProxyHeader::parse(bytes)? {
            Some((header, length)) => {
                self.0 = Some(header);
                (length, Next::Done)
            }
            None => (0, Next::Hear),
        })
    }

    fn info(&self, wanted: TypeId) -> Option<&dyn Any> {
        let header = self.0.as_ref()?;
        (wanted == TypeId::of::<ProxyHeader>()).then_some(header)
    }
}
