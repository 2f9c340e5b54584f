//! TLS as one layer.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use stack::{
    Blame, Chunk, Context, Error, ErrorKind, Exit, Layer, Protocol, Readiness, Residue, Role,
    Standing, Transport,
};

use crate::engine::{self, Engine};
use crate::error;
use crate::exporter::Exporter;
use crate::hello;
use crate::info::TlsInfo;
use crate::record::{Bad, CHANGE_CIPHER_SPEC, FULL, HEADER, Header};
use crate::stage::Stage;

/// What may be written during the handshake before writing is to pause.
const WAITING_HIGH: usize = 64 * 1024;
/// What those may write who go on nevertheless.
const WAITING_MOST: usize = 4 * 1024 * 1024;

/// TLS 1.2 (RFC 5246) and 1.3 (RFC 8446) as one layer, client or server.
///
/// Pushed, it shakes hands; what is written meanwhile waits for the handshake's end. Popped, it
/// exchanges close_notify with its peer, in both directions and to the exact byte.
pub struct TlsLayer {
    engine: Box<dyn Engine>,
    side: Side,
    life: Life,
    residue: Residue,
    role: Role,
    /// The name that the client asks for.
    server_name: Option<String>,
    info: Option<TlsInfo>,
    /// Plaintext, on its way into a full record.
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

enum Life {
    /// Not pushed yet.
    New,
    /// What is written meanwhile waits here.
    Handshaking { waiting: Vec<u8> },
    /// At work.
    Up,
    /// Our close_notify is out, and the layer is mute; it may still decode.
    Finished,
}

impl TlsLayer {
    /// The client's side of a session with the server of this name.
    ///
    /// # Errors
    ///
    /// [`Blame::Local`](stack::Blame::Local) if no session can be had with this configuration.
    pub fn client(config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<Self, Error> {
        let asked = asked(&config, &name);
        let engine = engine::client(config, name).map_err(error::local)?;
        Ok(Self::new(Side::Client, engine, asked))
    }

    /// A client whose session exports keys: an [`Exporter`] is among its infos. It copies each
    /// byte once more each way, and holds buffers of the largest record while idle.
    ///
    /// # Errors
    ///
    /// As for [`client`](Self::client).
    pub fn client_with_exporter(
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Result<Self, Error> {
        let asked = asked(&config, &name);
        let engine = engine::client_with_exporter(config, name).map_err(error::local)?;
        Ok(Self::new(Side::Client, engine, asked))
    }

    /// The server's side of a session.
    ///
    /// Early data (0-RTT, RFC 8446, section 2.3) is declined, whatever the configuration says,
    /// since it can be replayed.
    ///
    /// # Errors
    ///
    /// As for [`client`](Self::client).
    pub fn server(config: Arc<ServerConfig>) -> Result<Self, Error> {
        let engine = engine::server(without_early_data(config)).map_err(error::local)?;
        Ok(Self::new(Side::Server, engine, None))
    }

    /// A server whose session exports keys, at the same price as
    /// [`client_with_exporter`](Self::client_with_exporter).
    ///
    /// # Errors
    ///
    /// As for [`client`](Self::client).
    pub fn server_with_exporter(config: Arc<ServerConfig>) -> Result<Self, Error> {
        let config = without_early_data(config);
        let engine = engine::server_with_exporter(config).map_err(error::local)?;
        Ok(Self::new(Side::Server, engine, None))
    }

    fn new(side: Side, engine: Box<dyn Engine>, server_name: Option<String>) -> Self {
        Self {
            engine,
            side,
            life: Life::New,
            residue: Residue::Reject,
            role: Role::Encryption,
            server_name,
            info: None,
            stage: Stage::default(),
        }
    }

    /// What becomes of bytes that were received, but not read, when the layer is pushed. The
    /// default is [`Residue::Reject`], which is right for STARTTLS (RFC 3207 and its like):
    /// nobody may smuggle plaintext across the push. Where the peer may speak TLS at once, as
    /// behind a PROXY header, it is [`Residue::Feed`].
    #[must_use]
    pub fn with_residue(mut self, residue: Residue) -> Self {
        self.residue = residue;
        self
    }

    /// Says that the place is meant: TLS within TLS (a proxy's CONNECT over TLS, and TLS to the
    /// origin), or above a compressor. Otherwise a push there is refused, for it is mostly a mistake
    /// (see [`Role::Encryption`]).
    #[must_use]
    pub fn anywhere(mut self) -> Self {
        self.role = Role::Free;
        self
    }

    /// The handshake is over: what waited for it goes out.
    fn come_up(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let name = self.server_name.take();
        self.info = Some(TlsInfo::new(self.engine.state(), name));
        cx.up();
        cx.hold_back(false);
        if let Life::Handshaking { waiting } = std::mem::replace(&mut self.life, Life::Up) {
            for record in waiting.chunks(FULL) {
                self.engine.write(record, cx).map_err(error::tls)?;
            }
        }
        Ok(())
    }

    /// The peer does not speak TLS. rustls is shown a header like that one, so that it sends an
    /// alert.
    fn refuse(&mut self, cx: &mut Context<'_>, bytes: &[u8], bad: Bad) -> Error {
        if bad == Bad::NotTls && matches!(self.life, Life::Finished) {
            return Error::remote("the peer went on in plain without its close_notify");
        }
        let refused = match bad {
            // No alert follows a close_notify.
            _ if matches!(self.life, Life::Finished) => Ok(()),
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

    fn is_handshaking(&self) -> bool {
        matches!(self.life, Life::Handshaking { .. })
    }

    fn seal_stage(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if !self.stage.is_empty() {
            let sealed = self.engine.write(self.stage.bytes(), cx);
            self.stage.clear();
            sealed.map_err(error::tls)?;
        }
        Ok(())
    }
}

/// The name that the client asks for.
fn asked(config: &ClientConfig, name: &ServerName<'_>) -> Option<String> {
    match name {
        ServerName::DnsName(dns) if config.enable_sni => Some(dns.as_ref().to_owned()),
        _ => None,
    }
}

fn without_early_data(mut config: Arc<ServerConfig>) -> Arc<ServerConfig> {
    if config.max_early_data_size > 0 {
        Arc::make_mut(&mut config).max_early_data_size = 0;
    }
    config
}

impl Protocol for TlsLayer {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        if !matches!(self.life, Life::New) {
            return Err(Error::local("a TLS session cannot be begun twice"));
        }
        self.life = Life::Handshaking {
            waiting: Vec::new(),
        };
        self.engine.start(cx).map_err(error::tls)?;
        Ok(Readiness::Handshaking)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        let mut taken = 0;
        while !self.engine.peer_closed() {
            let rest = &mut bytes[taken..];
            let version = self.engine.state().protocol_version();
            let header = match Header::parse(rest, version, !self.is_handshaking()) {
                Ok(Some(header)) => header,
                Ok(None) => break,
                Err(bad) => return Err(self.refuse(cx, rest, bad)),
            };
            let Some(record) = rest.get_mut(..header.record) else {
                break;
            };
            if header.application_data && !self.is_handshaking() && !cx.wanted() {
                break;
            }
            if self.side == Side::Server && version.is_none() && self.server_name.is_none() {
                self.server_name = hello::server_name(&record[HEADER..]);
            }
            self.engine.read(record, cx).map_err(error::tls)?;
            taken += header.record;
            if self.is_handshaking() && !self.engine.state().is_handshaking() {
                self.come_up(cx)?;
            }
            if self.engine.peer_closed() {
                cx.end_mark();
            }
        }
        Ok(taken)
    }

    fn end_received(&mut self, _: &mut Context<'_>) -> Result<(), Error> {
        if self.engine.peer_closed() {
            return Ok(());
        }
        Err(Error::truncated(if self.is_handshaking() {
            "the input ends within the handshake"
        } else {
            "the input ends without a close_notify"
        }))
    }
}

impl Transport for TlsLayer {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        let mut bytes = chunk.as_slice();
        if let Life::Handshaking { waiting } = &mut self.life {
            if waiting.len() + bytes.len() > WAITING_MOST {
                return Err(Error::new(
                    ErrorKind::Limit,
                    Blame::Local,
                    "too much was written during the handshake",
                ));
            }
            waiting.extend_from_slice(bytes);
            cx.hold_back(waiting.len() > WAITING_HIGH);
            return Ok(());
        }
        while !bytes.is_empty() {
            if self.stage.is_empty() && bytes.len() >= FULL {
                let (record, rest) = bytes.split_at(FULL);
                self.engine.write(record, cx).map_err(error::tls)?;
                bytes = rest;
            } else {
                let n = self.stage.fill(bytes);
                bytes = &bytes[n..];
                if self.stage.is_full() {
                    self.seal_stage(cx)?;
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.seal_stage(cx)
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.seal_stage(cx)?;
        self.life = Life::Finished;
        self.engine.close(cx).map_err(error::tls)
    }
}

impl Layer for TlsLayer {
    fn name(&self) -> &str {
        "tls"
    }

    fn exit(&self) -> Exit {
        Exit::Marked
    }

    fn residue(&self) -> Residue {
        self.residue
    }

    fn role(&self) -> Role {
        self.role
    }

    fn held(&self) -> usize {
        match &self.life {
            Life::Handshaking { waiting } => waiting.len(),
            _ => self.stage.len(),
        }
    }

    fn info(&self, wanted: TypeId) -> Option<&dyn Any> {
        // Once the layer is up.
        let info = self.info.as_ref()?;
        if wanted == TypeId::of::<TlsInfo>() {
            Some(info)
        } else if wanted == TypeId::of::<Exporter>() {
            self.engine.exporter().map(|exporter| exporter as &dyn Any)
        } else {
            None
        }
    }
}

impl fmt::Debug for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "New",
            Self::Handshaking { .. } => "Handshaking",
            Self::Up => "Up",
            Self::Finished => "Finished",
        })
    }
}

impl fmt::Debug for TlsLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsLayer")
            .field("side", &self.side)
            .field("life", &self.life)
            .field("peer_closed", &self.engine.peer_closed())
            .field("held", &self.held())
            .finish_non_exhaustive()
    }
}
