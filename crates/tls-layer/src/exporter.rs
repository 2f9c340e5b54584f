//! Keys for other protocols, out of a session.

use std::fmt;

use stack::Error;

use crate::engine::Session;

/// The label of `tls-exporter` (RFC 9266).
const CHANNEL_BINDING: &[u8] = b"EXPORTER-Channel-Binding";

/// Derives keys for other protocols from a session (RFC 5705; RFC 8446, section 7.5), by
/// [`Stack::info`](stack::Stack::info). It is there once a layer
/// [with an exporter](crate::TlsLayer::with_exporter) is up.
pub struct Exporter {
    session: Session,
}

impl Exporter {
    pub(crate) fn new(session: Session) -> Self {
        Self { session }
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    pub(crate) fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Fills `output` with bytes that only the two ends of this session can know, and gives it
    /// back. Both ends get the same for the same label, context and length. For TLS 1.2 no context
    /// and an empty one differ.
    ///
    /// # Errors
    ///
    /// [`Blame::Local`](stack::Blame::Local) if `output` is empty or longer than the session's
    /// hash allows (255 times its length), or if the session has failed.
    pub fn export<T: AsMut<[u8]>>(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        output: T,
    ) -> Result<T, Error> {
        self.session
            .export(label, context, output)
            .map_err(|error| Error::local("no key can be exported").with_source(error))
    }

    /// The channel binding `tls-exporter` (RFC 9266), for SCRAM-SHA-256-PLUS and its like.
    ///
    /// # Errors
    ///
    /// [`Blame::Local`](stack::Blame::Local) under TLS 1.2, unless this side's configuration has
    /// `require_ems`: the binding is defined only where no two sessions can have the same, which
    /// takes an extended master secret (RFC 7627), and rustls does not tell whether there is one.
    pub fn channel_binding(&self) -> Result<[u8; 32], Error> {
        if !self.session.is_unique() {
            return Err(Error::local(
                "under TLS 1.2 there is no channel binding without require_ems",
            ));
        }
        self.export(CHANNEL_BINDING, Some(&[]), [0; 32])
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter").finish_non_exhaustive()
    }
}
