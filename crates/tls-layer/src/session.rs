//! A session at work: its handshake, its records, its end.

use std::any::{Any, TypeId};

use stack::{Context, Error};

use crate::engine::Engine;
use crate::error;
use crate::exporter::Exporter;
use crate::hello::Lookout;
use crate::info::TlsInfo;
use crate::record::{Bad, CHANGE_CIPHER_SPEC, FULL, HEADER, Header};
use crate::stage::Stage;

/// What the layer is called, in [epochs](stack::Epoch::layers) and drawings, while its bytes are early
/// data.
pub const EARLY_DATA: &str = "tls early data";

/// One side of a session, and the plaintext that is on its way into it.
pub(crate) struct Session {
    engine: Box<dyn Engine>,
    phase: Phase,
    early: Early,
    /// The name that the client asks for.
    server_name: Option<String>,
    /// Looks out for that name, on the server's side.
    lookout: Option<Box<Lookout>>,
    info: Option<TlsInfo>,
    /// Plaintext, on its way into a full record.
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Handshaking,
    /// As far as early data is concerned, a server is up.
    Early,
    Up,
    /// Our close_notify is out, and the layer is mute; it may still decode.
    Finished,
}

/// What is to be done with early data (0-RTT).
pub(crate) enum Early {
    /// None is sent, and a server declines it.
    No,
    /// A client's. Of what is to be sent, so much is on its way.
    Sent { data: Vec<u8>, sent: usize },
    /// A server takes it. `half` says that it answers before the handshake is over.
    Taken { half: bool },
}

impl Session {
    /// The client's side, with the name that it asks for.
    pub(crate) fn client(
        engine: Box<dyn Engine>,
        server_name: Option<String>,
        early: Early,
    ) -> Self {
        Self::new(engine, server_name, None, early)
    }

    /// The server's side; `server_name` is the name that the client asks for, if that is known.
    pub(crate) fn server(
        engine: Box<dyn Engine>,
        server_name: Option<String>,
        early: Early,
    ) -> Self {
        let lookout = server_name.is_none().then(Box::default);
        Self::new(engine, server_name, lookout, early)
    }

    fn new(
        engine: Box<dyn Engine>,
        server_name: Option<String>,
        lookout: Option<Box<Lookout>>,
        early: Early,
    ) -> Self {
        Self {
            engine,
            phase: Phase::Handshaking,
            early,
            server_name,
            lookout,
            info: None,
            stage: Stage::default(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether the handshake is over.
    pub(crate) fn is_secure(&self) -> bool {
        matches!(self.phase, Phase::Up | Phase::Finished)
    }

    /// Whether what is written can be sealed.
    pub(crate) fn may_send(&self) -> bool {
        match self.phase {
            Phase::Handshaking => false,
            Phase::Early => matches!(self.early, Early::Taken { half: true }),
            Phase::Up | Phase::Finished => true,
        }
    }

    pub(crate) fn peer_closed(&self) -> bool {
        self.engine.peer_closed()
    }

    /// What the layer tells, once it is up.
    pub(crate) fn tells(&self, wanted: TypeId) -> Option<&dyn Any> {
        let info = self.info.as_ref()?;
        if wanted == TypeId::of::<TlsInfo>() {
            Some(info)
        } else if wanted == TypeId::of::<Exporter>() {
            self.engine.exporter().map(|exporter| exporter as &dyn Any)
        } else {
            None
        }
    }

    /// How many bytes of plaintext are inside.
    pub(crate) fn held(&self) -> usize {
        let early = match &self.early {
            Early::Sent { data, .. } => data.len(),
            Early::No | Early::Taken { .. } => 0,
        };
        early + self.stage.len()
    }

    /// Sends what this side says unasked.
    pub(crate) fn start(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.engine.start(cx).map_err(error::tls)?;
        if let Early::Sent { data, sent } = &mut self.early {
            *sent = self.engine.write_early(data, cx);
        }
        Ok(())
    }

    /// Takes whole records; `waiting` was written before it could be sealed, and leaves at the end of
    /// the handshake.
    pub(crate) fn received(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &mut [u8],
        waiting: &mut Vec<u8>,
    ) -> Result<usize, Error> {
        let mut taken = 0;
        while !self.engine.peer_closed() {
            let rest = &mut bytes[taken..];
            let version = self.engine.state().protocol_version();
            let header = match Header::parse(rest, version, self.is_secure()) {
                Ok(Some(header)) => header,
                Ok(None) => break,
                Err(bad) => return Err(self.refuse(cx, rest, bad)),
            };
            let Some(record) = rest.get_mut(..header.record) else {
                break;
            };
            if header.application_data && self.is_secure() && !cx.wanted() {
                break;
            }
            self.look(record);
            self.engine.read(record, cx).map_err(error::tls)?;
            taken += header.record;
            if !self.is_secure() && self.shake_hands(cx, waiting)? {
                break;
            }
            if self.engine.peer_closed() {
                cx.end_mark();
            }
        }
        Ok(taken)
    }

    /// Looks for the name of the server in a record of the client's. Whether the hello is acceptable
    /// is for the engine to say.
    fn look(&mut self, record: &[u8]) {
        if let Some(lookout) = &mut self.lookout {
            match lookout.look(record) {
                Ok(None) => return,
                Ok(Some(hello)) => self.server_name = hello.server_name,
                Err(_) => {}
            }
            self.lookout = None;
        }
    }

    /// A record of the handshake, or of early data, was read. Whether an epoch ends behind it.
    fn shake_hands(&mut self, cx: &mut Context<'_>, waiting: &mut Vec<u8>) -> Result<bool, Error> {
        let done = !self.engine.state().is_handshaking();
        if let Early::Taken { half } = self.early
            && self.engine.early_data_accepted()
        {
            if self.phase == Phase::Handshaking {
                self.phase = Phase::Early;
                self.note_terms();
                cx.up_early();
                if half {
                    self.send_waiting(cx, waiting)?;
                }
            }
            self.engine.deliver_early(cx);
        }
        let early = self.phase != Phase::Handshaking;
        if done {
            self.phase = Phase::Up;
            cx.up();
            if early {
                cx.end_epoch(EARLY_DATA);
            } else {
                self.note_terms();
                self.send_rest_of_early(cx)?;
            }
            self.send_waiting(cx, waiting)?;
        }
        Ok(done && early)
    }

    /// Notes what was agreed on.
    fn note_terms(&mut self) {
        self.lookout = None;
        let early = self.engine.early_data_accepted();
        let name = self.server_name.take();
        self.info = Some(TlsInfo::new(self.engine.state(), name, early));
    }

    /// What the server did not take as early data comes again, now protected from a replay.
    fn send_rest_of_early(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if let Early::Sent { data, sent } = std::mem::replace(&mut self.early, Early::No) {
            let taken = if self.engine.early_data_accepted() {
                sent
            } else {
                0
            };
            for record in data[taken..].chunks(FULL) {
                self.engine.write(record, cx).map_err(error::tls)?;
            }
        }
        Ok(())
    }

    fn send_waiting(&mut self, cx: &mut Context<'_>, waiting: &mut Vec<u8>) -> Result<(), Error> {
        cx.hold_back(false);
        for record in std::mem::take(waiting).chunks(FULL) {
            self.engine.write(record, cx).map_err(error::tls)?;
        }
        Ok(())
    }

    /// The peer does not speak TLS. rustls is shown a header like that one, so that it sends an
    /// alert.
    fn refuse(&mut self, cx: &mut Context<'_>, bytes: &[u8], bad: Bad) -> Error {
        if bad == Bad::NotTls && self.phase == Phase::Finished {
            return Error::remote("the peer went on in plain without its close_notify");
        }
        let refused = match bad {
            // No alert follows a close_notify.
            _ if self.phase == Phase::Finished => Ok(()),
            // Of all records that rustls refuses by their type only this one needs no key.
            Bad::Unprotected(_) => self.engine.read(&mut CHANGE_CIPHER_SPEC.to_owned(), cx),
            Bad::NotTls | Bad::TooLong(_) => {
                let mut header = [0xff; HEADER];
                // Of a record that is too long all but the length is in order: that stays at its
                // worst.
                let n = bytes.len().min(3);
                header[..n].copy_from_slice(&bytes[..n]);
                self.engine.read(&mut header, cx)
            }
        };
        match (bad, refused) {
            (Bad::TooLong(body), _) => error::too_long(body),
            (Bad::Unprotected(kind), _) => error::unprotected(kind),
            (Bad::NotTls, Err(error)) => error::tls(error),
            (Bad::NotTls, Ok(())) => Error::remote("the peer does not speak TLS"),
        }
    }

    /// Seals whole records from where they lie; the rest is staged.
    #[inline]
    pub(crate) fn send(&mut self, cx: &mut Context<'_>, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            if self.stage.is_empty() && bytes.len() >= FULL {
                let (record, rest) = bytes.split_at(FULL);
                self.engine.write(record, cx).map_err(error::tls)?;
                bytes = rest;
            } else {
                let n = self.stage.fill(bytes);
                bytes = &bytes[n..];
                if self.stage.is_full() {
                    self.flush(cx)?;
                }
            }
        }
        Ok(())
    }

    /// Seals what is staged.
    pub(crate) fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if !self.stage.is_empty() {
            let sealed = self.engine.write(self.stage.bytes(), cx);
            self.stage.clear();
            sealed.map_err(error::tls)?;
        }
        Ok(())
    }

    /// Sends the close_notify.
    pub(crate) fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.flush(cx)?;
        self.phase = Phase::Finished;
        self.engine.close(cx).map_err(error::tls)
    }
}
