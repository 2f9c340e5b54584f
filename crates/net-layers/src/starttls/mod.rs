//! STARTTLS and its like: asking for TLS in plain.

mod error;
mod ftp;
mod imap;
mod ldap;
mod lines;
mod nntp;
mod pop3;
mod postgres;
mod server;
mod smtp;
#[cfg(test)]
mod tests;
mod xmpp;

use std::fmt;

use stack::{Blame, Error, ErrorKind, Residue};

use crate::{Next, Opener, Opening};
use lines::Lines;

pub use error::StarttlsError;
pub use server::{LineProtocol, SSL_REQUEST};

/// Asks the server for TLS, in plain, and is up when that has said to go ahead: then `TlsLayer` is to be
/// pushed above.
///
/// Both can be pushed as one (a [`Template`](stack::Template)), for what is written meanwhile waits.
/// It reads the server's greeting and what the server offers, where its protocol has those. None of it is
/// believed later: after TLS is up, a client asks again. Any byte that comes along with the go-ahead is an
/// error (CVE-2021-22947); what comes later in plain is one of TLS, or rejected when that is pushed.
///
/// # Errors
///
/// If the server has no TLS, or refuses, one whose source is a [`StarttlsError`]. The connection cannot be
/// used then: who would rather go on in plain connects once more, knowing what that means.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use net_layers::Starttls;
/// use stack::Connection;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// let (near, mut server) = tokio::io::duplex(1024);
/// let server = async {
///     server.write_all(b"* OK hello\r\n").await?;
///     let mut asked = [0; 14];
///     server.read_exact(&mut asked).await?;
///     assert_eq!(&asked, b"a CAPABILITY\r\n");
///     server.write_all(b"* CAPABILITY IMAP4rev1 STARTTLS\r\na OK\r\n").await?;
///     let mut asked = [0; 12];
///     server.read_exact(&mut asked).await?;
///     assert_eq!(&asked, b"b STARTTLS\r\n");
///     server.write_all(b"b OK go ahead\r\n").await
/// };
/// let client = async {
///     let mut connection = Connection::wrap(near, Starttls::imap()).await?;
///     // connection.push(TlsLayer::client(config, name)).await?;
/// #   connection.flush().await?;
///     Ok(())
/// };
/// tokio::try_join!(server, client)?;
/// # Ok(()) }
/// ```
pub type Starttls = Opener<Asking>;

/// The conversation of [`Starttls`].
pub struct Asking(Box<dyn Opening>);

impl Starttls {
    /// SMTP (RFC 3207), where this client calls itself `client` (RFC 5321, section 4.1.1.1): a domain, or
    /// an address in brackets.
    ///
    /// The push is refused if that is neither.
    pub fn smtp(client: impl Into<String>) -> Self {
        Self::of(Lines::new(smtp::Smtp::new(client.into())))
    }

    /// IMAP (RFC 9051, section 6.2.1). A server that says in plain that we are logged in is an error.
    pub fn imap() -> Self {
        Self::of(Lines::new(imap::Imap::default()))
    }

    /// POP3 (RFC 2595).
    pub fn pop3() -> Self {
        Self::of(Lines::new(pop3::Pop3::default()))
    }

    /// NNTP (RFC 4642).
    pub fn nntp() -> Self {
        Self::of(Lines::new(nntp::Nntp::default()))
    }

    /// FTP's control connection (RFC 4217).
    pub fn ftp() -> Self {
        Self::of(Lines::new(ftp::Ftp::default()))
    }

    /// XMPP (RFC 6120, section 5), to the server of this domain.
    ///
    /// The push is refused if that is no domain.
    pub fn xmpp(domain: impl Into<String>) -> Self {
        Self::of(xmpp::Xmpp::new(domain.into()))
    }

    /// LDAP (RFC 4511, section 4.14). The operation has the number 1.
    pub fn ldap() -> Self {
        Self::of(ldap::Ldap)
    }

    /// PostgreSQL's SSLRequest (protocol 3.0).
    pub fn postgres() -> Self {
        Self::of(postgres::Postgres)
    }

    fn of(asking: impl Opening) -> Self {
        Self::with(Asking(Box::new(asking)))
    }
}

impl Opening for Asking {
    fn name(&self) -> &str {
        "starttls"
    }

    fn residue(&self) -> Residue {
        self.0.residue()
    }

    fn begin(&mut self, say: &mut Vec<u8>) -> Result<Next, Error> {
        self.0.begin(say)
    }

    fn hear(&mut self, bytes: &[u8], say: &mut Vec<u8>) -> Result<(usize, Next), Error> {
        let (taken, next) = self.0.hear(bytes, say)?;
        if next == Next::Done && taken < bytes.len() {
            let n = bytes.len() - taken;
            let what = format!("{n} bytes have come in plain behind the go-ahead");
            return Err(Error::new(ErrorKind::Residue, Blame::Remote, what));
        }
        Ok((taken, next))
    }
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Asking").field(&self.0.name()).finish()
    }
}

/// Whether this can stand where a host name does, in any of the protocols.
fn is_domain(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte) || byte >= 0x80;
    (1..=255).contains(&text.len()) && text.bytes().all(fits)
}
