//! LDAP with the StartTLS extended operation (RFC 4511, section 4.14).

use net_layers::Starttls;
use tls_layer::TlsLayer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{ClientError, Ending, Result, Session};

/// RFC 4532.
const WHO_AM_I: &[u8] = b"1.3.6.1.4.1.4203.1.11.3";
const BIND: u8 = 0x60;
const BOUND: u8 = 0x61;
const UNBIND: u8 = 0x42;
const EXTENDED: u8 = 0x77;
const EXTENDED_DONE: u8 = 0x78;

/// A client of LDAP, in TLS.
#[derive(Debug)]
pub struct Ldap<Io: AsyncRead + AsyncWrite + Unpin> {
    /// What it speaks in.
    pub session: Session<Io>,
    /// How many questions were asked; the last one's number.
    asked: u8,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Ldap<Io> {
    /// Asks for TLS, and goes over to it.
    pub async fn start(io: Io, tls: TlsLayer) -> Result<Self> {
        let session = Session::start(io, Starttls::ldap(), tls).await?;
        let asked = 1; // for TLS
        Ok(Self { session, asked })
    }

    /// Logs in.
    pub async fn bind(&mut self, name: &str, password: &str) -> Result<()> {
        let version = element(0x02, &[3]);
        let name = element(0x04, name.as_bytes());
        let simple = element(0x80, password.as_bytes());
        let question = [version, name, simple].concat();
        self.ask(BIND, &question, BOUND).await?;
        Ok(())
    }

    /// As whom the server knows us.
    pub async fn who_am_i(&mut self) -> Result<String> {
        let answer = self
            .ask(EXTENDED, &element(0x80, WHO_AM_I), EXTENDED_DONE)
            .await?;
        let name = answer
            .last()
            .map(|(_, name)| name.as_slice())
            .unwrap_or_default();
        Ok(String::from_utf8_lossy(name).into_owned())
    }

    /// Takes leave.
    pub async fn quit(mut self) -> Result<Ending> {
        self.send(UNBIND, b"").await?;
        self.session.end().await
    }

    async fn send(&mut self, kind: u8, body: &[u8]) -> Result<()> {
        self.asked += 1;
        let number = element(0x02, &[self.asked]);
        let message = element(0x30, &[number, element(kind, body)].concat());
        Ok(self.session.connection.write_all(&message).await?)
    }

    /// Asks, and takes the parts of the answer that says that it was done. An answer has the
    /// question's number and is of the kind that fits it.
    async fn ask(&mut self, kind: u8, body: &[u8], done: u8) -> Result<Vec<Element>> {
        self.send(kind, body).await?;
        let unexpected = || ClientError::Unexpected("no answer to the question".to_owned());
        let message = self.read().await?;
        let parts = elements(&message).ok_or_else(unexpected)?;
        let [(0x02, number), (answered, answer), ..] = parts.as_slice() else {
            return Err(unexpected());
        };
        if *number != [self.asked] || *answered != done {
            return Err(unexpected());
        }
        let answer = elements(answer).ok_or_else(unexpected)?;
        match answer.as_slice() {
            [(0x0a, code), ..] if *code == [0] => Ok(answer),
            _ => Err(ClientError::Refused(format!("{answer:?}"))),
        }
    }

    /// A message's content.
    async fn read(&mut self) -> Result<Vec<u8>> {
        let connection = &mut self.session.connection;
        let kind = connection.read_u8().await?;
        let length = match connection.read_u8().await? {
            short @ ..=0x7f => usize::from(short),
            0x81 => usize::from(connection.read_u8().await?),
            0x82 => usize::from(connection.read_u16().await?),
            long => {
                return Err(ClientError::Unexpected(format!(
                    "a length of kind {long:#x}"
                )));
            }
        };
        if kind != 0x30 {
            return Err(ClientError::Unexpected(format!(
                "an element of kind {kind:#x}"
            )));
        }
        let mut message = vec![0; length];
        connection.read_exact(&mut message).await?;
        Ok(message)
    }
}

/// A kind, and the content.
type Element = (u8, Vec<u8>);

/// An element of BER; none here has more than 127 bytes.
fn element(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap_or(u8::MAX);
    assert!(length < 0x80, "too long");
    [&[kind, length], content].concat()
}

/// The elements that these bytes are, if they are such.
fn elements(mut bytes: &[u8]) -> Option<Vec<Element>> {
    let mut elements = Vec::new();
    while let [kind, length, rest @ ..] = bytes {
        if *length >= 0x80 {
            return None;
        }
        let (content, rest) = rest.split_at_checked(usize::from(*length))?;
        elements.push((*kind, content.to_vec()));
        bytes = rest;
    }
    bytes.is_empty().then_some(elements)
}
