//! What is told of a connection when it is over.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use compress_layer::CompressInfo;
use stack::Stack;
use tls_layer::TlsInfo;

use crate::arguments::Protocol;

/// One connection, in a line.
pub(crate) struct Account {
    pub(crate) protocol: Protocol,
    pub(crate) from: SocketAddr,
    pub(crate) since: Instant,
    pub(crate) end: io::Result<()>,
}

impl Account {
    /// The account; and the layers, if they are to be drawn.
    pub(crate) fn told(&self, client: &Stack, draw: bool) -> String {
        let line = Line(self, client);
        match draw {
            true => format!("{line}\n{client:#}\n"),
            false => format!("{line}\n"),
        }
    }
}

/// The account, with what the layers know.
struct Line<'a>(&'a Account, &'a Stack);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(account, client) = self;
        write!(f, "client={} protocol={:?}", account.from, account.protocol)?;
        match client.info::<TlsInfo>() {
            Some(tls) => write!(f, " tls={} cipher={}", tls.version, tls.cipher_suite)?,
            None => write!(f, " tls=none")?,
        }
        if let Some(deflate) = client.info::<CompressInfo>() {
            let (sent, received) = (deflate.sent, deflate.received);
            write!(f, " compressed={}/{}", sent.compressed, sent.plain)?;
            write!(
                f,
                " decompressed={}/{}",
                received.compressed, received.plain
            )?;
        }
        // As bytes of the protocol, and on the wire.
        let (received, sent) = (client.traffic().inbound, client.traffic().outbound);
        write!(f, " received={}/{}", received.made, received.taken)?;
        write!(f, " sent={}/{}", sent.taken, sent.made)?;
        write!(f, " seconds={:.3}", account.since.elapsed().as_secs_f64())?;
        match &account.end {
            Ok(()) => write!(f, " end=clean"),
            Err(error) => write!(f, " end=\"{}\"", error.to_string().escape_default()),
        }
    }
}
