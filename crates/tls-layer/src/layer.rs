//! TLS as one layer.

use std::any::{Any, TypeId};
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::task::Poll;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use stack::{
    Blame, Chunk, Context, Error, ErrorKind, Exit, Layer, Protocol, Readiness, Residue, Role,
    Signal, Standing, Transport,
};

use crate::choice::Choice;
use crate::engine::{self, Api};
use crate::error;
use crate::hello::{ClientHello, Lookout};
use crate::record::{Bad, HEADER, Header};
use crate::session::{EARLY_DATA, Early, Phase, Session};

/// What may be written during the handshake before writing is to pause.
const WAITING_HIGH: usize = 64 * 1024;
/// What those may write who go on nevertheless.
const WAITING_MOST: usize = 4 * 1024 * 1024;

/// TLS 1.2 (RFC 5246) and 1.3 (RFC 8446) as one layer, client or server.
///
/// Pushed, it shakes hands; what is written meanwhile waits for the handshake's end. Popped, it
/// exchanges close_notify with its peer, in both directions and to the exact byte.
pub struct TlsLayer {
    life: Life,
    residue: Residue,
    role: Role,
    api: Api,
    early: EarlyData,
    /// What was written before the session takes it.
    waiting: Vec<u8>,
}

enum Life {
    /// The client's side, not pushed yet.
    Client {
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    },
    /// The server's side, not pushed yet.
    Server(Arc<ServerConfig>),
    /// The server's side before its configuration is chosen.
    Choosing(Box<Choosing>),
    /// Shaking hands, at work, or at its end.
    Open(Box<Session>),
}

/// What is to be done with early data.
#[derive(Clone, Debug, Default)]
enum EarlyData {
    #[default]
    No,
    /// A client sends this.
    Send(Vec<u8>),
    /// A server takes it.
    Take,
}

struct Choosing {
    choice: Choice,
    lookout: Lookout,
    server_name: Option<String>,
    attached: bool,
}

impl TlsLayer {
    /// The client's side of a session with the server of this name.
    ///
    /// If the configuration allows no session, the push is refused.
    pub fn client(config: Arc<ClientConfig>, name: ServerName<'static>) -> Self {
        Self::new(Life::Client { config, name })
    }

    /// The server's side of a session.
    ///
    /// Early data is declined, whatever the configuration says, unless
    /// [`taking_early_data`](Self::taking_early_data) is said; rustls passes over 16 KiB of it at most. To
    /// decline what a configuration would allow, bytes are copied once more, as for [`with_exporter`](Self::with_exporter); so one that is never to
    /// take any has `max_early_data_size` at 0.
    ///
    /// If the configuration allows no session, the push is refused.
    pub fn server(config: Arc<ServerConfig>) -> Self {
        Self::new(Life::Server(config))
    }

    /// The server's side of a session, whose configuration is chosen when the client has said what it
    /// wants: by its server name, for instance, from a certificate that has to be looked up first.
    ///
    /// `choose` is called once the whole ClientHello is there, of 16 KiB at most; nothing has been answered by then, and
    /// the client's bytes wait below the layer. Whoever drives the connection polls its future, and is
    /// woken by it. Until it is done, [`Limits::handshake`](stack::Limits::handshake) runs.
    ///
    /// If it returns an error, that is why the push is refused, and the connection is as it was before:
    /// plain, with the ClientHello unread, to be handed on untouched to whom it is for, or to be
    /// dropped. Where that cannot be, because something was written meanwhile or the layer was not pushed
    /// alone (see [`Context::withdraw`]), the connection has failed with it.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use stack::{Limits, PushError, Stack};
    /// # use tls_layer::{ClientHello, TlsLayer};
    /// # use tls_layer::rustls::ServerConfig;
    /// # async fn look_up(_: &str) -> Result<Arc<ServerConfig>, String> { Err("no such host".into()) }
    /// let tls = TlsLayer::server_with(|hello: ClientHello| async move {
    ///     match hello.server_name {
    ///         Some(name) if name.ends_with(".example") => look_up(&name).await,
    ///         _ => Err("not ours".to_owned()),
    ///     }
    /// });
    /// # let _ = tls;
    /// ```
    ///
    /// # Panics
    ///
    /// If the function or its future does: in the task that drives the connection.
    pub fn server_with<F, Fut, E>(choose: F) -> Self
    where
        F: FnOnce(ClientHello) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Arc<ServerConfig>, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        Self::new(Life::Choosing(Box::new(Choosing {
            choice: Choice::new(choose),
            lookout: Lookout::default(),
            server_name: None,
            attached: false,
        })))
    }

    fn new(life: Life) -> Self {
        Self {
            life,
            residue: Residue::Reject,
            role: Role::Encryption,
            api: Api::Unbuffered,
            early: EarlyData::No,
            waiting: Vec::new(),
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

    /// With an [`Exporter`](crate::Exporter) among its infos. Such a session copies each byte once more
    /// each way, and holds buffers of the largest record while idle.
    #[must_use]
    pub fn with_exporter(mut self) -> Self {
        self.api = Api::Buffered;
        self
    }

    /// A client's first bytes, before all else that is written: sent along with the ClientHello (0-RTT;
    /// RFC 8446, section 2.3), as far as a session is resumed that allows it, and the configuration has
    /// `enable_early_data`. What the server does not take that way comes again behind the handshake, so
    /// it arrives once in any case. [`TlsInfo::early_data`](crate::TlsInfo::early_data) tells.
    ///
    /// Whoever has recorded them can send them to the server again. So they must be something that it
    /// may be told twice (RFC 8446, appendix E.5).
    ///
    /// As for [`with_exporter`](Self::with_exporter), bytes are copied once more.
    #[must_use]
    pub fn with_early_data(mut self, data: impl Into<Vec<u8>>) -> Self {
        self.early = EarlyData::Send(data.into());
        self.api = Api::Buffered;
        self
    }

    /// A server takes as much early data (0-RTT; RFC 8446, section 2.3) as its configuration's
    /// `max_early_data_size` says. The layer is up when the first of it has come, which is before the
    /// handshake is over.
    ///
    /// Early data may be a replay, so it is of an epoch of its own, in which the layer is called
    /// [`EARLY_DATA`](crate::EARLY_DATA); no read joins it with what comes behind. What is written
    /// meanwhile leaves at once if the configuration has `send_half_rtt_data`, else it waits for the
    /// handshake's end.
    ///
    /// As for [`with_exporter`](Self::with_exporter), bytes are copied once more.
    #[must_use]
    pub fn taking_early_data(mut self) -> Self {
        self.early = EarlyData::Take;
        self.api = Api::Buffered;
        self
    }

    /// A server's session.
    fn serve(
        &self,
        config: Arc<ServerConfig>,
        server_name: Option<String>,
    ) -> Result<Session, Error> {
        let early = match self.early {
            EarlyData::Take => Early::Taken {
                half: config.send_half_rtt_data,
            },
            EarlyData::No => Early::No,
            EarlyData::Send(_) => return Err(wrong_way()),
        };
        let takes = matches!(early, Early::Taken { .. });
        let engine = engine::server(config, self.api, takes).map_err(error::local)?;
        Ok(Session::server(engine, server_name, early))
    }

    /// Keeps what is written before there are keys for it.
    #[cold]
    fn wait(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Result<(), Error> {
        if self.waiting.len() + bytes.len() > WAITING_MOST {
            return Err(Error::new(
                ErrorKind::Limit,
                Blame::Local,
                "too much was written during the handshake",
            ));
        }
        self.waiting.extend_from_slice(bytes);
        cx.hold_back(self.waiting.len() > WAITING_HIGH);
        Ok(())
    }

    fn session(&mut self) -> Option<&mut Session> {
        match &mut self.life {
            Life::Open(session) => Some(session),
            _ => None,
        }
    }
}

fn wrong_way() -> Error {
    Error::local("early data goes from a client to a server")
}

impl Choosing {
    /// Looks at what has come, and asks; the configuration, if it is chosen.
    fn go_on(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Result<Option<Arc<ServerConfig>>, Error> {
        if !self.choice.is_asked() {
            // What is no TLS is told at its first byte.
            let new = match Header::parse(bytes, None, false) {
                Ok(_) => &bytes[self.lookout.seen()..],
                Err(Bad::TooLong(_)) => bytes,
                Err(_) => &[0xff; HEADER],
            };
            match self.lookout.look(new) {
                Ok(None) => return Ok(None),
                Ok(Some(hello)) => {
                    self.server_name = hello.server_name.clone();
                    self.choice.ask(hello);
                }
                Err(unfit) => {
                    cx.send(&unfit.alert[..]);
                    return Err(error::tls(unfit.error));
                }
            }
        }
        match self.choice.poll() {
            Poll::Pending => {
                // What comes meanwhile stays with the peer, and the end of input behind it.
                cx.pause(true);
                Ok(None)
            }
            Poll::Ready(Ok(config)) => {
                cx.pause(false);
                Ok(Some(config))
            }
            Poll::Ready(Err(cause)) => {
                let error = Error::local("there is no configuration for this client");
                cx.withdraw(error.with_source(error::Cause(cause)));
                Ok(None)
            }
        }
    }
}

impl Protocol for TlsLayer {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        let mut session = match &mut self.life {
            Life::Client { config, name } => {
                let asked = match &name {
                    ServerName::DnsName(dns) if config.enable_sni => Some(dns.as_ref().to_owned()),
                    _ => None,
                };
                let early = match &self.early {
                    EarlyData::Send(data) => Early::Sent {
                        data: data.clone(),
                        sent: 0,
                    },
                    EarlyData::No => Early::No,
                    EarlyData::Take => return Err(wrong_way()),
                };
                let engine = engine::client(Arc::clone(config), name.clone(), self.api);
                Session::client(engine.map_err(error::local)?, asked, early)
            }
            Life::Server(config) => {
                let config = Arc::clone(config);
                self.serve(config, None)?
            }
            Life::Choosing(choosing) if !choosing.attached => {
                choosing.attached = true;
                return Ok(Readiness::Handshaking);
            }
            Life::Choosing(_) | Life::Open(_) => {
                return Err(Error::local("a TLS session cannot be begun twice"));
            }
        };
        session.start(cx)?;
        self.life = Life::Open(Box::new(session));
        Ok(Readiness::Handshaking)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        if let Life::Choosing(choosing) = &mut self.life {
            let Some(config) = choosing.go_on(cx, bytes)? else {
                return Ok(0);
            };
            let name = choosing.server_name.take();
            self.life = Life::Open(Box::new(self.serve(config, name)?));
        }
        match &mut self.life {
            Life::Open(session) => session.received(cx, bytes, &mut self.waiting),
            _ => Ok(0),
        }
    }

    fn end_received(&mut self, _: &mut Context<'_>) -> Result<(), Error> {
        let session = self.session();
        if session.as_ref().is_some_and(|it| it.peer_closed()) {
            return Ok(());
        }
        Err(Error::truncated(
            if session.is_none_or(|it| !it.is_secure()) {
                "the input ends within the handshake"
            } else {
                "the input ends without a close_notify"
            },
        ))
    }
}

impl Transport for TlsLayer {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        match &mut self.life {
            Life::Open(session) if session.may_send() => session.send(cx, chunk.as_slice()),
            _ => self.wait(cx, chunk.as_slice()),
        }
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.session().map_or(Ok(()), |session| session.flush(cx))
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.session().map_or(Ok(()), |session| session.finish(cx))
    }
}

impl Layer for TlsLayer {
    fn name(&self) -> &str {
        match &self.life {
            Life::Open(session) if matches!(session.phase(), Phase::Early) => EARLY_DATA,
            _ => "tls",
        }
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
        let staged = match &self.life {
            Life::Open(session) => session.held(),
            _ => 0,
        };
        self.waiting.len() + staged
    }

    fn info(&self, wanted: TypeId) -> Option<&dyn Any> {
        match &self.life {
            Life::Choosing(choosing) if wanted == TypeId::of::<Signal>() => {
                Some(choosing.choice.signal())
            }
            Life::Open(session) => session.tells(wanted),
            _ => None,
        }
    }
}

impl fmt::Debug for TlsLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (life, peer_closed) = match &self.life {
            Life::Client { .. } => ("Client", false),
            Life::Server(_) => ("Server", false),
            Life::Choosing(_) => ("Choosing", false),
            Life::Open(session) => {
                let life = match session.phase() {
                    Phase::Handshaking => "Handshaking",
                    Phase::Early => "Early",
                    Phase::Up => "Up",
                    Phase::Finished => "Finished",
                };
                (life, session.peer_closed())
            }
        };
        f.debug_struct("TlsLayer")
            .field("life", &format_args!("{life}"))
            .field("peer_closed", &peer_closed)
            .field("held", &self.held())
            .finish_non_exhaustive()
    }
}
