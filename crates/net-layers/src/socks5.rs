//! SOCKS version 5 (RFC 1928), its client.

use std::fmt;
use std::io::ErrorKind as Io;
use std::net::IpAddr;

use stack::{Blame, Error, ErrorKind, Residue};

use crate::{Next, Opener, Opening};

const VERSION: u8 = 5;
/// Of the password's negotiation (RFC 1929).
const PASSWORD_VERSION: u8 = 1;
const CONNECT: u8 = 1;

/// The methods of authentication.
const NONE: u8 = 0;
const PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xff;

/// The types of an address.
const IPV4: u8 = 1;
const DOMAIN: u8 = 3;
const IPV6: u8 = 4;

/// Has a SOCKS5 proxy (RFC 1928) connect to the target, and then passes on what comes.
///
/// A name is resolved by the proxy. If there is a password (RFC 1929), the proxy may want it or not; it goes
/// there in clear, unless there is a layer of TLS below. What the target says at once, right behind the
/// proxy's answer, is for those above.
///
/// # Errors
///
/// If the proxy refuses, one whose source is a [`Socks5Error`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use net_layers::Socks5;
/// use stack::Connection;
/// use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
///
/// let (near, mut proxy) = tokio::io::duplex(1024);
/// # let proxy = async {
/// #     let mut said = [0; 3];
/// #     proxy.read_exact(&mut said).await?;
/// #     assert_eq!(said, [5, 1, 0]);
/// #     proxy.write_all(&[5, 0]).await?;
/// #     let mut said = [0; 19];
/// #     proxy.read_exact(&mut said).await?;
/// #     assert_eq!(&said, b"\x05\x01\x00\x03\x0cmail.example\x00\x19");
/// #     proxy.write_all(b"\x05\x00\x00\x01\0\0\0\0\0\0220 mail.example\r\n").await
/// # };
/// let client = async {
///     let mut connection = Connection::wrap(near, Socks5::new("mail.example", 25)).await?;
///     let mut greeting = String::new();
///     connection.read_line(&mut greeting).await?;
///     assert_eq!(greeting, "220 mail.example\r\n");
///     Ok(())
/// };
/// tokio::try_join!(proxy, client)?;
/// # Ok(()) }
/// ```
pub type Socks5 = Opener<Socks5Client>;

/// The conversation of [`Socks5`].
pub struct Socks5Client {
    host: String,
    port: u16,
    credentials: Option<(String, String)>,
    awaits: Awaits,
}

/// Which answer comes next.
#[derive(Clone, Copy, Debug)]
enum Awaits {
    Method,
    Verdict,
    Reply,
}

impl Socks5 {
    /// To this host, which may be a name or an address, and port.
    ///
    /// The push is refused if the name is empty, longer than 255 bytes, or has a control character.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self::with(Socks5Client {
            host: host.into(),
            port,
            credentials: None,
            awaits: Awaits::Method,
        })
    }

    /// Shows this name and password, if the proxy wants them. The push is refused if one of them is empty,
    /// or longer than 255 bytes.
    #[must_use]
    pub fn with_password(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.opening_mut().credentials = Some((user.into(), password.into()));
        self
    }
}

/// Why a SOCKS5 proxy does not connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Socks5Error {
    /// It wants another authentication than can be given.
    NoMethod,
    /// It does not know the name, or the password is another.
    Password,
    /// It has failed (1), or answers with a number that RFC 1928 does not know.
    Failed(u8),
    /// Its rules do not allow it (2).
    NotAllowed,
    /// The network cannot be reached (3).
    NetworkUnreachable,
    /// The host cannot be reached, or there is none of this name (4).
    HostUnreachable,
    /// The target has refused (5).
    ConnectionRefused,
    /// The target is too far away (6).
    TtlExpired,
    /// It does not connect (7).
    CommandNotSupported,
    /// It does not know this type of address (8).
    AddressNotSupported,
}

impl Socks5Error {
    fn of_reply(code: u8) -> Self {
        match code {
            2 => Self::NotAllowed,
            3 => Self::NetworkUnreachable,
            4 => Self::HostUnreachable,
            5 => Self::ConnectionRefused,
            6 => Self::TtlExpired,
            7 => Self::CommandNotSupported,
            8 => Self::AddressNotSupported,
            code => Self::Failed(code),
        }
    }

    fn kind(self) -> Io {
        match self {
            Self::NoMethod | Self::Password | Self::NotAllowed => Io::PermissionDenied,
            Self::NetworkUnreachable => Io::NetworkUnreachable,
            Self::HostUnreachable => Io::HostUnreachable,
            Self::ConnectionRefused => Io::ConnectionRefused,
            Self::TtlExpired => Io::TimedOut,
            Self::CommandNotSupported | Self::AddressNotSupported => Io::Unsupported,
            Self::Failed(_) => Io::Other,
        }
    }
}

impl fmt::Display for Socks5Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoMethod => "it wants another authentication",
            Self::Password => "the name or the password is wrong",
            Self::Failed(code) => return write!(f, "a failure (code {code})"),
            Self::NotAllowed => "its rules do not allow it",
            Self::NetworkUnreachable => "the network is unreachable",
            Self::HostUnreachable => "the host is unreachable",
            Self::ConnectionRefused => "the target refuses the connection",
            Self::TtlExpired => "the target is too far away",
            Self::CommandNotSupported => "it does not connect",
            Self::AddressNotSupported => "it does not know this type of address",
        })
    }
}

impl std::error::Error for Socks5Error {}

impl From<Socks5Error> for Error {
    fn from(why: Socks5Error) -> Self {
        let kind = ErrorKind::Io(why.kind());
        Self::new(kind, Blame::Remote, "the proxy does not connect").with_source(why)
    }
}

impl Socks5Client {
    /// The target, as it is sent.
    fn request(&self) -> Vec<u8> {
        let mut request = vec![VERSION, CONNECT, 0];
        match self.host.parse() {
            Ok(IpAddr::V4(ip)) => {
                request.push(IPV4);
                request.extend(ip.octets());
            }
            Ok(IpAddr::V6(ip)) => {
                request.push(IPV6);
                request.extend(ip.octets());
            }
            Err(_) => {
                request.push(DOMAIN);
                append(&mut request, &self.host);
            }
        }
        request.extend(self.port.to_be_bytes());
        request
    }

    fn chosen(&mut self, method: u8, say: &mut Vec<u8>) -> Result<(), Error> {
        match (method, &self.credentials) {
            (NONE, _) => {
                say.extend(self.request());
                self.awaits = Awaits::Reply;
            }
            (PASSWORD, Some((user, password))) => {
                say.push(PASSWORD_VERSION);
                append(say, user);
                append(say, password);
                self.awaits = Awaits::Verdict;
            }
            (NO_METHOD, _) => return Err(Socks5Error::NoMethod.into()),
            _ => return Err(Error::remote("the proxy chooses what was not offered")),
        }
        Ok(())
    }
}

impl Opening for Socks5Client {
    fn name(&self) -> &str {
        "socks5"
    }

    fn residue(&self) -> Residue {
        Residue::Reject
    }

    fn begin(&mut self, say: &mut Vec<u8>) -> Result<Next, Error> {
        check("the host", &self.host)?;
        if self.host.contains(char::is_control) {
            // A proxy for which a name ends at a NUL would connect elsewhere than was allowed here.
            return Err(Error::local(format!("{:?} is no host", self.host)));
        }
        if let Some((user, password)) = &self.credentials {
            check("the user", user)?;
            check("the password", password)?;
            say.extend([VERSION, 2, NONE, PASSWORD]);
        } else {
            say.extend([VERSION, 1, NONE]);
        }
        Ok(Next::Hear)
    }

    fn hear(&mut self, bytes: &[u8], say: &mut Vec<u8>) -> Result<(usize, Next), Error> {
        let version = match self.awaits {
            Awaits::Verdict => PASSWORD_VERSION,
            Awaits::Method | Awaits::Reply => VERSION,
        };
        if bytes[0] != version {
            return Err(Error::remote("the proxy does not speak SOCKS version 5"));
        }
        match (self.awaits, bytes) {
            (Awaits::Method, [_, method, ..]) => {
                self.chosen(*method, say)?;
                Ok((2, Next::Hear))
            }
            (Awaits::Verdict, [_, 0, ..]) => {
                say.extend(self.request());
                self.awaits = Awaits::Reply;
                Ok((2, Next::Hear))
            }
            (Awaits::Verdict, [_, _, ..]) => Err(Socks5Error::Password.into()),
            // A refusal may come without an address.
            (Awaits::Reply, [_, code, ..]) if *code > 0 => Err(Socks5Error::of_reply(*code).into()),
            (Awaits::Reply, [_, _, _, kind, length, ..]) => {
                let address = match *kind {
                    IPV4 => 4,
                    IPV6 => 16,
                    DOMAIN => 1 + usize::from(*length),
                    _ => return Err(Error::remote("an unknown type of address")),
                };
                // The address from which it has connected, which is not looked at.
                let length = 4 + address + 2;
                match bytes.len() < length {
                    true => Ok((0, Next::Hear)),
                    false => Ok((length, Next::Done)),
                }
            }
            _ => Ok((0, Next::Hear)),
        }
    }
}

/// Without the password.
impl fmt::Debug for Socks5Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.credentials.as_ref().map(|(user, _)| user);
        f.debug_struct("Socks5Client")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &user)
            .field("awaits", &self.awaits)
            .finish_non_exhaustive()
    }
}

fn check(what: &str, text: &str) -> Result<(), Error> {
    match text.len() {
        1..=255 => Ok(()),
        n => Err(Error::local(format!(
            "{what} has {n} bytes, and SOCKS 1 to 255"
        ))),
    }
}

/// Appends a text with its length before it, which has been [checked](check).
fn append(to: &mut Vec<u8>, text: &str) {
    to.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    to.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::{Talk, error_of};

    fn refusal(error: &Error) -> Option<Socks5Error> {
        let source = std::error::Error::source(error)?;
        source.downcast_ref().copied()
    }

    #[test]
    fn it_asks_for_names_and_addresses() {
        for (host, asked) in [
            ("a.example", &b"\x05\x01\x00\x03\x09a.example\x01\xbb"[..]),
            ("192.0.2.1", b"\x05\x01\x00\x01\xc0\x00\x02\x01\x01\xbb"),
            (
                "::1",
                b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x01\xbb",
            ),
        ] {
            let talk = Talk::of(move || Socks5::new(host, 443))
                .says(b"\x05\x01\x00")
                .hears(b"\x05\x00")
                .says(asked);
            talk.clone()
                .hears(b"\x05\x00\x00\x01\x7f\0\0\x01\x10\x00")
                .opens();
            talk.clone()
                .hears(b"\x05\x00\x00\x03\x04host\x10\x00")
                .opens();
            talk.hears(b"\x05\x00\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\x00")
                .opens();
        }
    }

    #[test]
    fn it_shows_a_password_where_one_is_wanted() {
        let talk =
            Talk::of(|| Socks5::new("h", 1).with_password("me", "pw")).says(b"\x05\x02\x00\x02");
        let asked = b"\x05\x01\x00\x03\x01h\x00\x01";
        let reply = b"\x05\x00\x00\x01\0\0\0\0\0\0";
        talk.clone()
            .hears(b"\x05\x00")
            .says(asked)
            .hears(reply)
            .opens();
        let shown = talk.hears(b"\x05\x02").says(b"\x01\x02me\x02pw");
        shown
            .clone()
            .hears(b"\x01\x00")
            .says(asked)
            .hears(reply)
            .opens();
        let error = shown.hears(b"\x01\x05").fails();
        assert_eq!(refusal(&error), Some(Socks5Error::Password));
        assert_eq!(error.kind(), ErrorKind::Io(Io::PermissionDenied));
    }

    #[test]
    fn it_tells_why_it_is_refused() {
        let talk = Talk::of(|| Socks5::new("h", 1)).says(b"\x05\x01\x00");
        let error = talk.clone().hears(b"\x05\xff").fails();
        assert_eq!(refusal(&error), Some(Socks5Error::NoMethod));
        let asked = talk
            .hears(b"\x05\x00")
            .says(b"\x05\x01\x00\x03\x01h\x00\x01");
        for code in 1..=255 {
            let error = asked
                .clone()
                .hears(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0])
                .fails();
            let refusal = refusal(&error).unwrap();
            assert_eq!(refusal, Socks5Error::of_reply(code));
            assert_eq!(
                matches!(refusal, Socks5Error::Failed(_)),
                !(2..=8).contains(&code)
            );
        }
    }

    #[test]
    fn it_does_not_take_other_protocols_for_socks() {
        let talk = Talk::of(|| Socks5::new("h", 1)).says(b"\x05\x01\x00");
        talk.clone().hears(b"HTTP/1.1 400 Bad Request\r\n").fails();
        talk.clone().hears(b"\x04\x00").fails();
        // A method that was not offered.
        talk.clone().hears(b"\x05\x02").fails();
        let asked = talk
            .hears(b"\x05\x00")
            .says(b"\x05\x01\x00\x03\x01h\x00\x01");
        asked.hears(b"\x05\x00\x00\x02\x00").fails();
    }

    #[test]
    fn what_socks_cannot_say_is_refused() {
        let long = "x".repeat(256);
        for layer in [
            Socks5::new("", 1),
            Socks5::new(long.as_str(), 1),
            Socks5::new("192.0.2.1\0.a.example", 1),
            Socks5::new("h\r\n", 1),
            Socks5::new("h", 1).with_password("", "x"),
            Socks5::new("h", 1).with_password("x", long.as_str()),
        ] {
            assert_eq!(error_of(layer).blame(), Blame::Local);
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        let layer = Socks5::new("h", 1).with_password("me", "secret");
        let shown = format!("{layer:?} {:?}", layer.opening());
        assert!(!shown.contains("secret"), "{shown}");
    }
}
