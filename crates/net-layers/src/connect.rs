//! HTTP's CONNECT (RFC 9110, section 9.3.6), its client.

use std::fmt;
use std::net::Ipv6Addr;

use base64::prelude::{BASE64_STANDARD, Engine};
use stack::{Blame, Error, ErrorKind, Residue};

use crate::{Next, Opener, Opening};

/// The longest head of an answer that is taken, in bytes, with those of the answers before it that are none yet.
const LONGEST: usize = 16 * 1024;
/// The most fields that it may have.
const FIELDS: usize = 64;

/// Has an HTTP proxy connect to the target, by CONNECT (RFC 9110, section 9.3.6), and then passes on what
/// comes.
///
/// A name is resolved by the proxy. What the target says at once, right behind the proxy's answer, is for
/// those above. Credentials go there in clear, unless there is a layer of TLS below, as it is with a proxy
/// that is spoken to by HTTPS; the TLS that is then pushed above this has to say that it is meant
/// (`anywhere`).
///
/// # Errors
///
/// If the proxy refuses, one whose source is a [`ConnectError`], which has the status.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use net_layers::HttpConnect;
/// use stack::Connection;
/// use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
///
/// let (near, mut proxy) = tokio::io::duplex(1024);
/// # let proxy = async {
/// #     let mut said = [0; 59];
/// #     proxy.read_exact(&mut said).await?;
/// #     assert!(said.starts_with(b"CONNECT mail.example:25 HTTP/1.1\r\n"));
/// #     proxy.write_all(b"HTTP/1.1 200 OK\r\n\r\n220 mail.example\r\n").await
/// # };
/// let client = async {
///     let mut connection = Connection::wrap(near, HttpConnect::new("mail.example", 25)).await?;
///     let mut greeting = String::new();
///     connection.read_line(&mut greeting).await?;
///     assert_eq!(greeting, "220 mail.example\r\n");
///     Ok(())
/// };
/// tokio::try_join!(proxy, client)?;
/// # Ok(()) }
/// ```
pub type HttpConnect = Opener<Connecting>;

/// The conversation of [`HttpConnect`].
pub struct Connecting {
    host: String,
    port: u16,
    credentials: Option<(String, String)>,
    /// How many bytes of answers have come that are none yet (1xx).
    passed_over: usize,
}

impl HttpConnect {
    /// To this host, which may be a name or an address, and port.
    ///
    /// The push is refused if that is no host.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self::with(Connecting {
            host: host.into(),
            port,
            credentials: None,
            passed_over: 0,
        })
    }

    /// Shows this name and password (Basic, RFC 7617). The push is refused if there is a colon in the name,
    /// or a control character in one of them.
    #[must_use]
    pub fn with_password(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.opening_mut().credentials = Some((user.into(), password.into()));
        self
    }
}

/// An HTTP proxy's answer, which is not that it has connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectError {
    /// The status: 407, for instance, if it wants a password, or another one.
    pub status: u16,
    /// The proxy's words for it.
    pub reason: String,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.reason)
    }
}

impl std::error::Error for ConnectError {}

impl From<ConnectError> for Error {
    fn from(why: ConnectError) -> Self {
        let kind = ErrorKind::Io(match why.status {
            401 | 403 | 407 => std::io::ErrorKind::PermissionDenied,
            502 | 503 => std::io::ErrorKind::HostUnreachable,
            504 => std::io::ErrorKind::TimedOut,
            _ => std::io::ErrorKind::ConnectionRefused,
        });
        Self::new(kind, Blame::Remote, "the proxy does not connect").with_source(why)
    }
}

impl Connecting {
    /// The target, as HTTP names it.
    fn authority(&self) -> Result<String, Error> {
        let (host, port) = (&self.host, self.port);
        if host.parse::<Ipv6Addr>().is_ok() {
            return Ok(format!("[{host}]:{port}"));
        }
        // Whatever else could stand here would be another request.
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte);
        match !host.is_empty() && host.bytes().all(fits) {
            true => Ok(format!("{host}:{port}")),
            false => Err(Error::local(format!("{host:?} is no host"))),
        }
    }
}

impl Opening for Connecting {
    fn name(&self) -> &str {
        "http-connect"
    }

    fn residue(&self) -> Residue {
        Residue::Reject
    }

    fn begin(&mut self, say: &mut Vec<u8>) -> Result<Next, Error> {
        let authority = self.authority()?;
        let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
        if let Some((user, password)) = &self.credentials {
            let controls = |text: &str| text.chars().any(char::is_control);
            if user.contains(':') || controls(user) || controls(password) {
                return Err(Error::local("HTTP cannot show such a name or password"));
            }
            let shown = BASE64_STANDARD.encode(format!("{user}:{password}"));
            request += &format!("Proxy-Authorization: Basic {shown}\r\n");
        }
        say.extend(request.bytes());
        say.extend(b"\r\n");
        Ok(Next::Hear)
    }

    fn hear(&mut self, bytes: &[u8], _: &mut Vec<u8>) -> Result<(usize, Next), Error> {
        let most = LONGEST - self.passed_over;
        let looked_at = &bytes[..bytes.len().min(most)];
        let mut fields = [httparse::EMPTY_HEADER; FIELDS];
        let mut answer = httparse::Response::new(&mut fields);
        let parsed = answer
            .parse(looked_at)
            .map_err(|error| Error::remote("the proxy's answer is malformed").with_source(error))?;
        let httparse::Status::Complete(length) = parsed else {
            return match looked_at.len() == most {
                true => Err(Error::remote("the proxy's answer is longer than 16 KiB")),
                false => Ok((0, Next::Hear)),
            };
        };
        match answer.code.unwrap_or_default() {
            // What it says of a body is not so, for what follows is the target's.
            200..=299 => Ok((length, Next::Done)),
            100 | 102..=199 => {
                self.passed_over += length;
                Ok((length, Next::Hear))
            }
            status => {
                let reason = answer.reason.unwrap_or_default();
                Err(ConnectError {
                    status,
                    reason: reason
                        .chars()
                        .filter(|it| !it.is_control())
                        .take(200)
                        .collect(),
                }
                .into())
            }
        }
    }
}

/// Without the password.
impl fmt::Debug for Connecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.credentials.as_ref().map(|(user, _)| user);
        f.debug_struct("Connecting")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &user)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::{Talk, error_of};

    fn talk() -> Talk<Connecting> {
        Talk::of(|| HttpConnect::new("a.example", 443))
            .says(b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n")
    }

    #[test]
    fn every_answer_of_200_opens() {
        talk()
            .hears(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .opens();
        talk()
            .hears(b"HTTP/1.0 299 \r\nContent-Length: 5\r\nVia: x\r\n\r\n")
            .opens();
        // Some send no reason, some end lines with LF.
        talk().hears(b"HTTP/1.1 200\r\n\r\n").opens();
        talk().hears(b"HTTP/1.1 200 OK\nX: y\n\n").opens();
        let early = talk().hears(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
        early.hears(b"HTTP/1.1 204 so\r\n\r\n").opens();
    }

    #[test]
    fn the_status_of_a_refusal_is_told() {
        for status in [101, 301, 400, 403, 407, 502, 503, 504, 999] {
            let answer = format!("HTTP/1.1 {status} No\x09way\r\nX: y\r\n\r\n<html>");
            let error = talk().hears(answer.as_bytes()).fails();
            let told: &ConnectError = std::error::Error::source(&error)
                .and_then(|source| source.downcast_ref())
                .unwrap();
            assert_eq!((told.status, &*told.reason), (status, "Noway"));
        }
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        talk().hears(b"SSH-2.0-OpenSSH\r\n").fails();
        talk().hears(b"HTTP/2.0 200 OK\r\n\r\n").fails();
        talk().hears(b"HTTP/1.1 2000 OK\r\n\r\n").fails();
        talk().hears(b"HTTP/1.1 200 OK\r\nno field\r\n\r\n").fails();
        let long = [b"HTTP/1.1 200 OK\r\nX: ", &[b'y'; LONGEST][..]].concat();
        let error = talk().hears_in_pieces(&long, 1000).fails();
        assert!(error.to_string().contains("16 KiB"), "{error}");
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(65));
        talk().hears_in_pieces(many.as_bytes(), 100).fails();
        let endless = "HTTP/1.1 100 Go on\r\n\r\n".repeat(1000);
        let error = talk().hears_in_pieces(endless.as_bytes(), 1000).fails();
        assert!(error.to_string().contains("16 KiB"), "{error}");
    }

    #[test]
    fn credentials_and_addresses_are_written_as_http_has_them() {
        let layer = || HttpConnect::new("::1", 25).with_password("me", "pass:word");
        Talk::of(layer)
            .says(
                b"CONNECT [::1]:25 HTTP/1.1\r\nHost: [::1]:25\r\n\
                  Proxy-Authorization: Basic bWU6cGFzczp3b3Jk\r\n\r\n",
            )
            .hears(b"HTTP/1.1 200 OK\r\n\r\n")
            .opens();
    }

    #[test]
    fn nothing_can_be_smuggled_into_the_request() {
        for layer in [
            HttpConnect::new("", 1),
            HttpConnect::new("a\r\nX: y", 1),
            HttpConnect::new("a b", 1),
            HttpConnect::new("a/", 1),
            HttpConnect::new("a@b", 1),
            HttpConnect::new("a:2", 1),
            HttpConnect::new("h", 1).with_password("a:b", "c"),
            HttpConnect::new("h", 1).with_password("a\n", "c"),
            HttpConnect::new("h", 1).with_password("a", "c\r"),
        ] {
            assert_eq!(error_of(layer).blame(), Blame::Local);
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        let layer = HttpConnect::new("h", 1).with_password("me", "secret");
        let shown = format!("{layer:?} {:?}", layer.opening());
        assert!(!shown.contains("secret"), "{shown}");
    }
}
