//! Over rustls's buffered API, which exports keys. It copies each record in, and its plaintext and
//! each sealed record out, and its buffers stay as large as they grew.

use std::io::{BufRead, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{
    ClientConfig, ClientConnection, CommonState, Connection, Error, InvalidMessage,
    ProtocolVersion, ServerConfig, ServerConnection,
};
use stack::Context;

use super::{Engine, Life, SEALED, deliver};
use crate::exporter::Exporter;
use crate::record::FULL;

pub(super) fn client(
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
) -> Result<Box<dyn Engine>, Error> {
    let require_ems = config.require_ems;
    let connection = ClientConnection::new(config, name)?.into();
    Ok(Buffered::boxed(connection, require_ems))
}

pub(super) fn server(
    config: Arc<ServerConfig>,
    takes_early: bool,
) -> Result<Box<dyn Engine>, Error> {
    let require_ems = config.require_ems;
    let mut connection = ServerConnection::new(config)?;
    if !takes_early {
        connection.reject_early_data();
    }
    Ok(Buffered::boxed(connection.into(), require_ems))
}

/// A session, as far as the [`Exporter`] knows it.
pub(crate) struct Session {
    connection: Connection,
    /// Whether a session of TLS 1.2 has an extended master secret for sure (RFC 7627).
    require_ems: bool,
}

impl Session {
    /// # Errors
    ///
    /// Nothing, or too much, is to be derived; or the session is over.
    pub(crate) fn export<T: AsMut<[u8]>>(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        output: T,
    ) -> Result<T, Error> {
        self.connection
            .export_keying_material(output, label, context)
    }

    /// Whether what is exported differs for sure from what any other session exports.
    pub(crate) fn is_unique(&self) -> bool {
        let version = self.connection.protocol_version();
        self.require_ems || version == Some(ProtocolVersion::TLSv1_3)
    }
}

struct Buffered {
    /// It is lent to the user as it is, for in 0.23 only the session itself can export.
    exporter: Exporter,
    life: Life,
}

impl Buffered {
    fn boxed(connection: Connection, require_ems: bool) -> Box<dyn Engine> {
        Box::new(Self {
            exporter: Exporter::new(Session {
                connection,
                require_ems,
            }),
            life: Life::Open,
        })
    }

    fn connection(&mut self) -> &mut Connection {
        &mut self.exporter.session_mut().connection
    }

    /// Shows rustls one record.
    fn process(&mut self, mut record: &[u8]) -> Result<(), Error> {
        while !record.is_empty() {
            // Only a handshake message can have filled the buffer: all else is taken out at once.
            if !matches!(self.connection().read_tls(&mut record), Ok(1..)) {
                return Err(InvalidMessage::HandshakePayloadTooLarge.into());
            }
        }
        if self.connection().process_new_packets()?.peer_has_closed() {
            self.life = Life::PeerClosed;
        }
        Ok(())
    }

    /// Sends what rustls has ready.
    fn send(&mut self, cx: &mut Context<'_>) {
        while self.connection().wants_write() {
            cx.send_with(SEALED, |room| (self.take_sealed(room), ()));
        }
    }

    /// Moves what rustls has ready into the room, as far as there is some.
    fn take_sealed(&mut self, room: &mut [u8]) -> usize {
        let whole = room.len();
        let mut free = room;
        // No more room is no error: then nothing is taken.
        while let Ok(1..) = self.connection().write_tls(&mut free) {}
        whole - free.len()
    }
}

impl Engine for Buffered {
    fn start(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.send(cx);
        Ok(())
    }

    fn read(&mut self, record: &mut [u8], cx: &mut Context<'_>) -> Result<(), Error> {
        let processed = self.process(record);
        if processed.is_err() {
            self.life = Life::Over;
        }
        self.send(cx); // An answer, or the alert.
        processed?;
        let mut delivered = false;
        let mut reader = self.connection().reader();
        while let Ok(plain @ [_, ..]) = reader.fill_buf() {
            deliver(plain, cx);
            delivered = true;
            let n = plain.len();
            reader.consume(n);
        }
        // rustls keeps its answer to a KeyUpdate until data is written, be it none. A peer that reads
        // no answers gets no more of them.
        if !delivered && cx.writable() && !self.connection().is_handshaking() {
            let _ = self.connection().writer().write(&[]);
            self.send(cx);
        }
        Ok(())
    }

    fn write(&mut self, plain: &[u8], cx: &mut Context<'_>) -> Result<(), Error> {
        if self.life == Life::Over || self.connection().writer().write_all(plain).is_err() {
            return Err(Error::EncryptError);
        }
        cx.send_with(SEALED, |room| match self.take_sealed(room) {
            sealed if sealed > plain.len() => (sealed, Ok(())),
            // The keys are used up. What rustls may have made is a close_notify, and would pass
            // for a clean end.
            _ => (0, Err(Error::EncryptError)),
        })?;
        self.send(cx);
        Ok(())
    }

    fn close(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.life == Life::Over {
            return Err(Error::EncryptError);
        }
        self.connection().send_close_notify();
        self.send(cx);
        Ok(())
    }

    fn peer_closed(&self) -> bool {
        self.life == Life::PeerClosed
    }

    fn state(&self) -> &CommonState {
        &self.exporter.session().connection
    }

    fn write_early(&mut self, plain: &[u8], cx: &mut Context<'_>) -> usize {
        let mut sent = 0;
        while sent < plain.len()
            && let Connection::Client(client) = self.connection()
            && let Some(mut early) = client.early_data()
            // What is offered counts as sent, though there may be no room for all of it.
            && let Ok(n @ 1..) = early.write(&plain[sent..plain.len().min(sent + FULL)])
        {
            sent += n;
            self.send(cx);
        }
        sent
    }

    fn early_data_accepted(&mut self) -> bool {
        match self.connection() {
            Connection::Client(client) => client.is_early_data_accepted(),
            Connection::Server(server) => server.early_data().is_some(),
        }
    }

    fn deliver_early(&mut self, cx: &mut Context<'_>) {
        let mut plain = Vec::new();
        if let Connection::Server(server) = self.connection()
            && let Some(mut early) = server.early_data()
        {
            // It reads 0 where for now no more is there; it cannot fail.
            let _ = early.read_to_end(&mut plain);
        }
        deliver(&plain, cx);
    }

    fn exporter(&self) -> Option<&Exporter> {
        Some(&self.exporter)
    }
}
