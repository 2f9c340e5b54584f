//! The command line.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use net_layers::Version;

/// STARTTLS, COMPRESS and the PROXY protocol for a mail server or database that has none of them.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub(crate) struct Arguments {
    /// What clients and the server speak.
    #[arg(long, value_enum)]
    pub(crate) protocol: Protocol,
    /// Where clients connect to; with port 0, a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: SocketAddr,
    /// The server.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) backend: String,
    /// The chain of certificates that is shown to clients, as PEM, its own first.
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate: PathBuf,
    /// The private key of the first, as PEM.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// Tell the server who its client is, by this version of the PROXY protocol.
    #[arg(long, value_enum, value_name = "VERSION")]
    pub(crate) proxy_protocol: Option<ProxyProtocol>,
    /// Whoever has not begun TLS can neither log in nor hand over mail.
    #[arg(long)]
    pub(crate) require_tls: bool,
    /// How many connections there may be; more wait until one ends.
    #[arg(long, value_name = "N", default_value = "10000")]
    pub(crate) connections: NonZeroUsize,
    /// How long a client may take until it logs in, or hands over its first mail.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    pub(crate) login_timeout: Duration,
    /// How long connections may live on after SIGTERM.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30")]
    pub(crate) drain: Duration,
    /// Draw the layers of each connection, with what has passed them, when it ends.
    #[arg(long)]
    pub(crate) verbose: bool,
}

/// What clients and the server speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    Smtp,
    Imap,
    Pop3,
    Postgres,
}

/// A version of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProxyProtocol {
    V1,
    V2,
}

impl From<ProxyProtocol> for Version {
    fn from(version: ProxyProtocol) -> Self {
        match version {
            ProxyProtocol::V1 => Self::V1,
            ProxyProtocol::V2 => Self::V2,
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
