//! What rustls does for the layer: a record in, plaintext and answers out.
//!
//! rustls's connections are known in here only, so that another of its versions is another file.
//! The trait has the shape of rustls 0.24, which takes records in place and appends what it seals
//! to the caller's memory.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, CommonState, Error, ServerConfig};
use stack::Context;

use crate::block;
use crate::exporter::Exporter;
use crate::record::FULL;

mod buffered;
mod unbuffered;

pub(crate) use buffered::Session;

/// Room for a full record, sealed, and for some control records before it.
const SEALED: usize = FULL + 4 * 1024;

/// One side of a session.
///
/// The layer cuts the input into records, and hands over one at a time; behind the peer's
/// close_notify nothing more, so that what follows it stays where it is. What an engine makes of a
/// record, or of plaintext, it delivers or sends before it returns: between two calls it holds
/// nothing but the beginning of a handshake message that came in several records, and, while
/// writing is to pause, the answer to a KeyUpdate (RFC 8446, section 4.6.3).
///
/// Once [`start`](Self::start) or [`read`](Self::read) has failed, the session is over: the layer
/// reads no more with it, and to write is an error.
pub(crate) trait Engine: Send + Sync {
    /// Sends what this side says unasked: a client's first flight. The first call of all.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read).
    fn start(&mut self, cx: &mut Context<'_>) -> Result<(), Error>;

    /// Takes one whole record, or a header that is none: delivers the plaintext, sends the answer.
    /// The record's bytes may be changed, since it can be decrypted where it lies.
    ///
    /// # Errors
    ///
    /// The record is not acceptable. The alert has been sent, if there is one.
    fn read(&mut self, record: &mut [u8], cx: &mut Context<'_>) -> Result<(), Error>;

    /// Seals the plaintext of one record, of 16 KiB at most, and sends it. Only after the
    /// handshake.
    ///
    /// # Errors
    ///
    /// The keys are used up, or the session is over.
    fn write(&mut self, plain: &[u8], cx: &mut Context<'_>) -> Result<(), Error>;

    /// Sends the close_notify (RFC 8446, section 6.1). Only after the handshake, and once; the
    /// peer's records are read on.
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write).
    fn close(&mut self, cx: &mut Context<'_>) -> Result<(), Error>;

    /// Whether the peer's close_notify was in the last record, or before it.
    fn peer_closed(&self) -> bool;

    /// What was agreed so far.
    fn state(&self) -> &CommonState;

    /// Sends as early data (RFC 8446, section 2.3) as much of `plain` as the session that is resumed
    /// allows, and says how much that was. A client's, right behind [`start`](Self::start).
    fn write_early(&mut self, plain: &[u8], cx: &mut Context<'_>) -> usize {
        let _ = (plain, cx);
        0
    }

    /// Whether the server takes early data, as far as is known by now.
    fn early_data_accepted(&mut self) -> bool {
        false
    }

    /// Delivers the early data that the records read so far have brought. A server's, behind each
    /// [`read`](Self::read).
    fn deliver_early(&mut self, cx: &mut Context<'_>) {
        let _ = cx;
    }

    /// What exports keys, if this engine can.
    fn exporter(&self) -> Option<&Exporter> {
        None
    }
}

/// Where a session is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Open,
    PeerClosed,
    /// rustls has reported an error, and is not to be called again.
    Over,
}

/// Which of rustls's APIs a session is built on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    /// The fast one.
    Unbuffered,
    /// The one that exports keys, and tells what became of early data.
    Buffered,
}

/// # Errors
///
/// The configuration allows no session with this server.
pub(crate) fn client(
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    api: Api,
) -> Result<Box<dyn Engine>, Error> {
    match api {
        Api::Unbuffered => unbuffered::client(config, name),
        Api::Buffered => buffered::client(config, name),
    }
}

/// One that takes early data or declines it.
///
/// # Errors
///
/// The configuration allows no session.
pub(crate) fn server(
    config: Arc<ServerConfig>,
    api: Api,
    takes_early: bool,
) -> Result<Box<dyn Engine>, Error> {
    match api {
        // Declining, rustls 0.23's unbuffered API gives no record back that it has passed over, which
        // counts twice then.
        Api::Unbuffered if config.max_early_data_size == 0 => unbuffered::server(config),
        _ => buffered::server(config, takes_early),
    }
}

/// Plaintext comes as rustls's, to read; those above may want to change it.
fn deliver(plain: &[u8], cx: &mut Context<'_>) {
    for piece in plain.chunks(FULL) {
        cx.deliver_with(piece.len(), |room| {
            block::copy(piece, room);
            (piece.len(), ())
        });
    }
}
