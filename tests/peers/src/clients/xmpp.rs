//! XMPP with STARTTLS (RFC 6120), of which no more is understood than is needed to log in.

use net_layers::Starttls;
use tls_layer::TlsLayer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{ClientError, Ending, Result, Session};

/// Nothing that is awaited is longer.
const LONGEST: u64 = 64 * 1024;

/// A client of XMPP, in TLS.
#[derive(Debug)]
pub struct Xmpp<Io: AsyncRead + AsyncWrite + Unpin> {
    /// What it speaks in.
    pub session: Session<Io>,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Xmpp<Io> {
    /// Begins a stream to localhost, goes over to TLS, and begins it anew.
    pub async fn start(io: Io, tls: TlsLayer) -> Result<Self> {
        let session = Session::start(io, Starttls::xmpp("localhost"), tls).await?;
        let mut xmpp = Self { session };
        xmpp.begin_stream().await?;
        Ok(xmpp)
    }

    /// Logs in.
    pub async fn log_in(&mut self, user: &str, password: &str) -> Result<()> {
        let plain = base64(format!("\0{user}\0{password}").as_bytes());
        let namespace = "urn:ietf:params:xml:ns:xmpp-sasl";
        self.say(&format!(
            "<auth xmlns='{namespace}' mechanism='PLAIN'>{plain}</auth>"
        ))
        .await?;
        let answer = self.hear(">").await?;
        match answer.starts_with("<success") {
            true => Ok(()),
            false => Err(ClientError::Refused(answer)),
        }
    }

    /// Takes leave.
    pub async fn quit(mut self) -> Result<Ending> {
        self.say("</stream:stream>").await?;
        self.hear("</stream:stream>").await?;
        self.session.end().await
    }

    /// What the server offers.
    async fn begin_stream(&mut self) -> Result<String> {
        self.say(
            "<stream:stream to='localhost' version='1.0' xmlns='jabber:client' \
             xmlns:stream='http://etherx.jabber.org/streams'>",
        )
        .await?;
        self.hear("</stream:features>").await
    }

    async fn say(&mut self, words: &str) -> Result<()> {
        Ok(self.session.connection.write_all(words.as_bytes()).await?)
    }

    /// What the server says, up to the tag that ends like this.
    async fn hear(&mut self, end: &str) -> Result<String> {
        let mut bounded = (&mut self.session.connection).take(LONGEST);
        let mut heard = Vec::new();
        while !heard.ends_with(end.as_bytes()) {
            if bounded.read_until(b'>', &mut heard).await? == 0 {
                let heard = String::from_utf8_lossy(&heard).into_owned();
                return Err(ClientError::Unexpected(heard));
            }
        }
        Ok(String::from_utf8_lossy(&heard).into_owned())
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut three = [0; 4];
        three[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(three);
        for (n, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let digit = DIGITS[(bits >> shift & 63) as usize];
            text.push(if n <= chunk.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    text
}
