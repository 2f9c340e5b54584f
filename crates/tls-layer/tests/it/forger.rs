//! A peer that shakes hands as rustls does, and then writes its records itself: of any type, with
//! any plaintext, sealed with the session's keys.

use std::sync::Arc;

use stack::{Limits, Stack};
use tls_layer::rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use tls_layer::rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, Iv, MessageDecrypter, MessageEncrypter, OutboundPlainMessage,
};
use tls_layer::rustls::kernel::KernelConnection;
use tls_layer::rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use tls_layer::rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use tls_layer::rustls::{
    ConnectionTrafficSecrets, ContentType, Error, ExtractedSecrets, ProtocolVersion,
    SupportedCipherSuite,
};

use crate::kit::*;

/// Which end the forger is; the layer under test is the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

pub(crate) const ROLES: [Role; 2] = [Role::Client, Role::Server];

pub(crate) struct Forger {
    suite: SupportedCipherSuite,
    schedule: Box<dyn Schedule>,
    /// The key of the records that are sent, and the number of the next.
    seals: (u64, Box<dyn MessageEncrypter>),
    /// The same of those that come.
    opens: (u64, Box<dyn MessageDecrypter>),
}

impl Forger {
    /// The forger, and a stack whose layer trusts it, the handshake behind them.
    pub(crate) fn up(role: Role, configs: Configs) -> (Self, Stack) {
        let mut stack = Stack::new(Limits::default());
        let forger = Self::meet(role, configs, &mut stack);
        (forger, stack)
    }

    /// Pushes the layer onto this stack, and shakes hands with it.
    pub(crate) fn meet(role: Role, mut configs: Configs, stack: &mut Stack) -> Self {
        match role {
            Role::Client => {
                stack.push(configs.server()).unwrap();
                configs.client.enable_secret_extraction = true;
                let config = Arc::new(configs.client);
                let name = NAME.try_into().unwrap();
                Self::shake(UnbufferedClientConnection::new(config, name), stack)
            }
            Role::Server => {
                stack.push(configs.client()).unwrap();
                configs.server.enable_secret_extraction = true;
                let config = Arc::new(configs.server);
                Self::shake(UnbufferedServerConnection::new(config), stack)
            }
        }
    }

    fn shake<H: Half>(half: Result<H, Error>, stack: &mut Stack) -> Self {
        let mut half = half.unwrap();
        let (mut wire, mut room) = (Vec::new(), vec![0; 20_000]);
        loop {
            let UnbufferedStatus { discard, state } = half.process(&mut wire);
            let waits = match state.unwrap() {
                ConnectionState::EncodeTlsData(mut message) => {
                    let n = message.encode(&mut room).unwrap();
                    stack.receive(&mut room[..n]);
                    false
                }
                ConnectionState::TransmitTlsData(sent) => {
                    sent.done();
                    false
                }
                _ => true,
            };
            wire.drain(..discard);
            if waits {
                let more = outgoing(stack);
                if more.is_empty() {
                    break;
                }
                wire.extend(more);
            }
        }
        assert!(stack.is_up());
        let (secrets, schedule, suite) = half.split();
        Self {
            suite,
            schedule,
            seals: sealing(suite, secrets.tx),
            opens: opening(suite, secrets.rx),
        }
    }

    /// One sealed record.
    pub(crate) fn record(&mut self, typ: ContentType, plain: &[u8]) -> Vec<u8> {
        let (number, key) = &mut self.seals;
        let message = OutboundPlainMessage {
            typ,
            version: ProtocolVersion::TLSv1_2,
            payload: plain.into(),
        };
        let sealed = key.encrypt(message, *number).unwrap();
        *number += 1;
        sealed.encode()
    }

    pub(crate) fn data(&mut self, plain: &[u8]) -> Vec<u8> {
        self.record(ContentType::ApplicationData, plain)
    }

    pub(crate) fn handshake(&mut self, message: &[u8]) -> Vec<u8> {
        self.record(ContentType::Handshake, message)
    }

    pub(crate) fn alert(&mut self, level: u8, description: u8) -> Vec<u8> {
        self.record(ContentType::Alert, &[level, description])
    }

    pub(crate) fn close_notify(&mut self) -> Vec<u8> {
        self.alert(WARNING, 0)
    }

    /// A KeyUpdate, after which new keys seal (RFC 8446, section 4.6.3).
    pub(crate) fn key_update(&mut self, requested: bool) -> Vec<u8> {
        let record = self.handshake(&key_update(requested));
        self.renew();
        record
    }

    /// From now on the next keys seal.
    pub(crate) fn renew(&mut self) {
        self.seals = sealing(self.suite, self.schedule.next_tx());
    }

    /// All records that the layer has sent, of which each may change the keys of the next.
    pub(crate) fn open(&mut self, mut wire: &[u8]) -> Vec<(ContentType, Vec<u8>)> {
        let mut opened = Vec::new();
        while let [typ, _, _, high, low, rest @ ..] = wire {
            let (body, behind) = rest.split_at(u16::from_be_bytes([*high, *low]).into());
            wire = behind;
            let (number, key) = &mut self.opens;
            let mut body = body.to_vec();
            let version = ProtocolVersion::TLSv1_2;
            let sealed = InboundOpaqueMessage::new((*typ).into(), version, &mut body);
            let plain = key.decrypt(sealed, *number).unwrap();
            *number += 1;
            let record = (plain.typ, plain.payload.to_vec());
            if record == (ContentType::Handshake, key_update(false).to_vec()) {
                self.opens = opening(self.suite, self.schedule.next_rx());
            }
            opened.push(record);
        }
        opened
    }
}

pub(crate) const WARNING: u8 = 1;
pub(crate) const FATAL: u8 = 2;

pub(crate) fn key_update(requested: bool) -> [u8; 5] {
    [24, 0, 0, 1, requested.into()]
}

fn sealing(
    suite: SupportedCipherSuite,
    (number, secrets): Numbered,
) -> (u64, Box<dyn MessageEncrypter>) {
    let (key, iv) = parts(secrets);
    let key = match suite {
        SupportedCipherSuite::Tls12(suite) => {
            let fixed = suite.aead_alg.key_block_shape().fixed_iv_len;
            let (fixed, explicit) = iv.as_ref().split_at(fixed);
            suite.aead_alg.encrypter(key, fixed, explicit)
        }
        SupportedCipherSuite::Tls13(suite) => suite.aead_alg.encrypter(key, iv),
    };
    (number, key)
}

fn opening(
    suite: SupportedCipherSuite,
    (number, secrets): Numbered,
) -> (u64, Box<dyn MessageDecrypter>) {
    let (key, iv) = parts(secrets);
    let key = match suite {
        SupportedCipherSuite::Tls12(suite) => {
            let fixed = suite.aead_alg.key_block_shape().fixed_iv_len;
            suite.aead_alg.decrypter(key, &iv.as_ref()[..fixed])
        }
        SupportedCipherSuite::Tls13(suite) => suite.aead_alg.decrypter(key, iv),
    };
    (number, key)
}

/// Keys, and the number of the next record.
type Numbered = (u64, ConnectionTrafficSecrets);

fn parts(secrets: ConnectionTrafficSecrets) -> (AeadKey, Iv) {
    match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (key, iv),
        _ => unreachable!("the providers have no others"),
    }
}

/// The keys that follow those in use.
trait Schedule: Send {
    fn next_tx(&mut self) -> Numbered;
    fn next_rx(&mut self) -> Numbered;
}

impl<Data: Send> Schedule for KernelConnection<Data> {
    fn next_tx(&mut self) -> Numbered {
        self.update_tx_secret().unwrap()
    }

    fn next_rx(&mut self) -> Numbered {
        self.update_rx_secret().unwrap()
    }
}

/// rustls's two types with the same methods.
trait Half {
    type Data;
    fn process<'c, 'i>(&'c mut self, wire: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;
    fn split(self) -> (ExtractedSecrets, Box<dyn Schedule>, SupportedCipherSuite);
}

impl Half for UnbufferedClientConnection {
    type Data = ClientConnectionData;

    fn process<'c, 'i>(&'c mut self, wire: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(wire)
    }

    fn split(self) -> (ExtractedSecrets, Box<dyn Schedule>, SupportedCipherSuite) {
        let suite = self.negotiated_cipher_suite().unwrap();
        let (secrets, schedule) = self.dangerous_into_kernel_connection().unwrap();
        (secrets, Box::new(schedule), suite)
    }
}

impl Half for UnbufferedServerConnection {
    type Data = ServerConnectionData;

    fn process<'c, 'i>(&'c mut self, wire: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(wire)
    }

    fn split(self) -> (ExtractedSecrets, Box<dyn Schedule>, SupportedCipherSuite) {
        let suite = self.negotiated_cipher_suite().unwrap();
        let (secrets, schedule) = self.dangerous_into_kernel_connection().unwrap();
        (secrets, Box::new(schedule), suite)
    }
}
