//! The proxy's side.

use stack::Error;

use super::ProxyHeader;
use crate::{Next, Opener, Opening};

/// Says who it is that this side connects for, before all else, and then passes on what comes:
/// haproxy's `send-proxy` and `send-proxy-v2`.
///
/// The header leaves in one piece, for some servers take no other. A header that cannot be is why the
/// push is refused.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use net_layers::{AcceptProxy, ProxyHeader, SendProxy};
/// use stack::Connection;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// let (near, far) = tokio::io::duplex(1024);
/// let header = ProxyHeader::v2("192.0.2.1:4711".parse()?, "198.51.100.1:25".parse()?);
/// let mut proxy = Connection::new(near);
/// proxy.push(SendProxy::new(header.clone())).await?;
/// proxy.write_all(b"EHLO client.example\r\n").await?;
/// proxy.shutdown().await?;
///
/// let mut server = Connection::wrap(far, AcceptProxy::new()).await?;
/// assert_eq!(server.info::<ProxyHeader>(), Some(&header));
/// let mut heard = String::new();
/// server.read_to_string(&mut heard).await?;
/// assert_eq!(heard, "EHLO client.example\r\n");
/// # Ok(()) }
/// ```
pub type SendProxy = Opener<Sending>;

/// The conversation of [`SendProxy`]: one header, and no answer.
#[derive(Debug)]
pub struct Sending(ProxyHeader);

impl SendProxy {
    /// A layer that says this first.
    pub fn new(header: ProxyHeader) -> Self {
        Self::with(Sending(header))
    }
}

impl Opening for Sending {
    fn name(&self) -> &str {
        "proxy-protocol"
    }

    fn begin(&mut self, say: &mut Vec<u8>) -> Result<Next, Error> {
        say.extend(self.0.to_bytes()?);
        Ok(Next::Done)
    }

    fn hear(&mut self, _: &[u8], _: &mut Vec<u8>) -> Result<(usize, Next), Error> {
        Ok((0, Next::Done))
    }
}
