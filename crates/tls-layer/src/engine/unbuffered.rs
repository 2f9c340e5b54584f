//! Over rustls's unbuffered API: it decrypts where the record lies, stops exactly behind a
//! close_notify, and keeps no buffers while nothing moves.

use std::sync::Arc;

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::pki_types::ServerName;
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeTlsData, EncryptError, UnbufferedStatus};
use rustls::{ClientConfig, CommonState, Error, InvalidMessage, ServerConfig};
use stack::Context;

use super::{Engine, Life, SEALED, deliver};

/// What a handshake message in many records may take, as in rustls's buffered API.
const LONGEST_MESSAGE: usize = 64 * 1024;
/// Room for what a record is longer than its plaintext: mostly 22 bytes.
const PROTECTION: usize = 256;
/// The memory that it is given, a step after another.
const GROWTH: [usize; 3] = [4 * 1024, 16 * 1024, LONGEST_MESSAGE];

pub(super) fn client(
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
) -> Result<Box<dyn Engine>, Error> {
    let half = UnbufferedClientConnection::new(config, name)?;
    Ok(Box::new(Session::new(half)))
}

pub(super) fn server(config: Arc<ServerConfig>) -> Result<Box<dyn Engine>, Error> {
    let half = UnbufferedServerConnection::new(config)?;
    Ok(Box::new(Session::new(half)))
}

/// rustls's two types with the same methods.
trait Half: Send + Sync {
    type Data;
    fn process<'c, 'i>(&'c mut self, bytes: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;
    fn state(&self) -> &CommonState;
}

impl Half for UnbufferedClientConnection {
    type Data = ClientConnectionData;

    fn process<'c, 'i>(&'c mut self, bytes: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(bytes)
    }

    fn state(&self) -> &CommonState {
        self
    }
}

impl Half for UnbufferedServerConnection {
    type Data = ServerConnectionData;

    fn process<'c, 'i>(&'c mut self, bytes: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(bytes)
    }

    fn state(&self) -> &CommonState {
        self
    }
}

struct Session<H> {
    half: H,
    /// Records of a handshake message that is not complete yet. rustls has decrypted them where
    /// they lie and finds them again by their place, so they are shown to it at every call.
    joined: Vec<u8>,
    life: Life,
}

impl<H: Half> Session<H> {
    fn new(half: H) -> Self {
        Self {
            half,
            joined: Vec::new(),
            life: Life::Open,
        }
    }

    /// Lets rustls process all of `bytes`, and says how many it needs no more.
    fn process(&mut self, bytes: &mut [u8], cx: &mut Context<'_>) -> Result<usize, Error> {
        let mut done = 0;
        loop {
            let status = self.half.process(&mut bytes[done..]);
            done += status.discard;
            match status.state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        done += record.discard;
                        deliver(record.payload, cx);
                    }
                    if done == bytes.len() {
                        return Ok(done);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(answer)) => send(answer, cx)?,
                Ok(ConnectionState::TransmitTlsData(transmit)) => transmit.done(),
                Ok(ConnectionState::PeerClosed) => {
                    self.life = Life::PeerClosed;
                    return Ok(done);
                }
                // rustls keeps its answer to a KeyUpdate until it is to seal data. Asked for a byte
                // for which there is no room, it makes the answer ready, and nothing else. A peer
                // that reads no answers gets no more of them.
                Ok(ConnectionState::WriteTraffic(mut traffic)) if cx.writable() => {
                    let _ = traffic.encrypt(&[0], &mut []);
                    if !self.half.state().wants_write() {
                        return Ok(done);
                    }
                }
                Ok(_) => return Ok(done),
                Err(error) => {
                    self.send_alert(&mut bytes[done..], cx);
                    return Err(error);
                }
            }
        }
    }

    /// After an error, what rustls still has to say comes first, before it looks at any input.
    fn send_alert(&mut self, bytes: &mut [u8], cx: &mut Context<'_>) {
        self.life = Life::Over;
        while self.half.state().wants_write()
            && let Ok(ConnectionState::EncodeTlsData(alert)) = self.half.process(bytes).state
            && send(alert, cx).is_ok()
        {}
    }

    /// Seals into a block, and sends it.
    fn seal(&mut self, what: Seal<'_>, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.life == Life::Over {
            return Err(Error::EncryptError);
        }
        let mut most = match what {
            Seal::Plain(plain) => plain.len() + PROTECTION,
            Seal::CloseNotify => PROTECTION,
        };
        loop {
            match self.half.process(&mut self.joined).state? {
                ConnectionState::WriteTraffic(mut traffic) => {
                    let sealed = cx.send_with(most, |room| {
                        let sealed = match what {
                            Seal::Plain(plain) => traffic.encrypt(plain, room),
                            Seal::CloseNotify => traffic.queue_close_notify(room),
                        };
                        (*sealed.as_ref().unwrap_or(&0), sealed)
                    });
                    match sealed {
                        Ok(_) => return Ok(()),
                        // The configuration cuts the plaintext into many small records, or rustls has to say
                        // something before it.
                        Err(EncryptError::InsufficientSize(short)) => most = short.required_size,
                        Err(_) => return Err(Error::EncryptError),
                    }
                }
                ConnectionState::EncodeTlsData(answer) => send(answer, cx)?,
                ConnectionState::TransmitTlsData(transmit) => transmit.done(),
                _ => return Err(Error::EncryptError),
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Seal<'a> {
    Plain(&'a [u8]),
    CloseNotify,
}

/// Sends what rustls has ready: a message of the handshake, or an alert, in one record.
fn send<D>(mut answer: EncodeTlsData<'_, D>, cx: &mut Context<'_>) -> Result<(), Error> {
    cx.send_with(SEALED, |room| match answer.encode(room) {
        Ok(n) => (n, Ok(())),
        Err(_) => (0, Err(Error::EncryptError)),
    })
}

impl<H: Half> Engine for Session<H> {
    fn start(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.process(&mut [], cx).map(drop)
    }

    fn read(&mut self, record: &mut [u8], cx: &mut Context<'_>) -> Result<(), Error> {
        if self.joined.is_empty() {
            let done = self.process(record, cx)?;
            self.joined.extend_from_slice(&record[done..]);
            return Ok(());
        }
        let length = self.joined.len() + record.len();
        if length > LONGEST_MESSAGE {
            self.life = Life::Over;
            return Err(InvalidMessage::HandshakePayloadTooLarge.into());
        }
        let mut joined = std::mem::take(&mut self.joined);
        // In few steps: else many small records copy it as often as they come.
        let room = GROWTH.into_iter().find(|&room| room >= length);
        joined.reserve_exact(room.unwrap_or(length) - joined.len());
        joined.extend_from_slice(record);
        let done = self.process(&mut joined, cx)?;
        if done < joined.len() {
            joined.drain(..done);
            self.joined = joined;
        }
        Ok(())
    }

    fn write(&mut self, plain: &[u8], cx: &mut Context<'_>) -> Result<(), Error> {
        self.seal(Seal::Plain(plain), cx)
    }

    fn close(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.seal(Seal::CloseNotify, cx)
    }

    fn peer_closed(&self) -> bool {
        self.life == Life::PeerClosed
    }

    fn state(&self) -> &CommonState {
        self.half.state()
    }
}
