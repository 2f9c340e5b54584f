//! A PROXY header, of either version.

use std::net::{IpAddr, SocketAddr};

use stack::Error;

use super::{Ssl, binary, line, tlv};

/// What a proxy says of the connection that it passes on.
///
/// ```
/// use net_layers::{ProxyHeader, tlv};
///
/// let (client, server) = ("192.0.2.1:4711".parse()?, "198.51.100.1:25".parse()?);
/// let header = ProxyHeader::v1(client, server);
/// assert_eq!(header.to_bytes()?, b"PROXY TCP4 192.0.2.1 198.51.100.1 4711 25\r\n");
///
/// let header = ProxyHeader::v2(client, server)
///     .with_tlv(tlv::AUTHORITY, "mail.example")
///     .with_checksum();
/// let bytes = [&header.to_bytes()?[..], b"EHLO"].concat();
/// let (told, length) = ProxyHeader::parse(&bytes)?.expect("it is whole");
/// assert_eq!((told.source(), told.text(tlv::AUTHORITY)), (Some(client), Some("mail.example")));
/// assert_eq!(&bytes[length..], b"EHLO");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyHeader {
    /// In which version it is written.
    pub version: Version,
    /// From where to where the client has connected.
    pub addresses: Addresses,
    /// What else is said: types ([`tlv`]) and values, in their order. Version 1 has none. The checksum
    /// is not among them. None are heard behind [`Addresses::Local`] and [`Addresses::Unknown`], where
    /// nobody can tell where they begin.
    pub tlvs: Vec<(u8, Vec<u8>)>,
    /// Whether it carries a checksum (CRC32C), which version 1 does not. One that is wrong is refused. It
    /// is one of the additions, and heard where they are.
    pub checksum: bool,
}

/// How a header is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// A line of text.
    V1,
    /// Binary.
    V2,
}

/// From where to where the client has connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// The proxy has connected for itself, for instance to see whether anybody is there.
    Local,
    /// The proxy does not say.
    Unknown,
    /// By TCP.
    Inet {
        /// The client's address.
        source: SocketAddr,
        /// The address that the client has connected to.
        destination: SocketAddr,
    },
    /// By a Unix socket: paths, of up to 108 bytes.
    Unix {
        /// The client's path.
        source: Vec<u8>,
        /// The path that the client has connected to.
        destination: Vec<u8>,
    },
}

impl ProxyHeader {
    /// Of version 1, for a client that has connected from `source` to `destination`.
    pub fn v1(source: SocketAddr, destination: SocketAddr) -> Self {
        Self::new(Version::V1, source, destination)
    }

    /// Of version 2, for a client that has connected from `source` to `destination`.
    pub fn v2(source: SocketAddr, destination: SocketAddr) -> Self {
        Self::new(Version::V2, source, destination)
    }

    /// Of this version, for a client that has connected from `source` to `destination`.
    pub fn new(version: Version, source: SocketAddr, destination: SocketAddr) -> Self {
        let addresses = Addresses::Inet {
            source,
            destination,
        };
        Self::of(version, addresses)
    }

    /// Says this, too, in version 2; see [`tlv`] for the types.
    #[must_use]
    pub fn with_tlv(mut self, kind: u8, value: impl Into<Vec<u8>>) -> Self {
        self.tlvs.push((kind, value.into()));
        self
    }

    /// Says this of the client's TLS, in version 2.
    ///
    /// # Errors
    ///
    /// If a value in it is longer than 64 KiB.
    pub fn with_ssl(self, ssl: &Ssl) -> Result<Self, Error> {
        Ok(self.with_tlv(tlv::SSL, ssl.to_bytes()?))
    }

    /// With a checksum, in version 2.
    #[must_use]
    pub fn with_checksum(mut self) -> Self {
        self.checksum = true;
        self
    }

    /// The client's address, if it has come by TCP.
    pub fn source(&self) -> Option<SocketAddr> {
        match self.addresses {
            Addresses::Inet { source, .. } => Some(source),
            _ => None,
        }
    }

    /// The address that the client has connected to, if by TCP.
    pub fn destination(&self) -> Option<SocketAddr> {
        match self.addresses {
            Addresses::Inet { destination, .. } => Some(destination),
            _ => None,
        }
    }

    /// The value of the first addition of this type.
    pub fn tlv(&self, kind: u8) -> Option<&[u8]> {
        let (_, value) = self.tlvs.iter().find(|(it, _)| *it == kind)?;
        Some(value)
    }

    /// The value of the first addition of this type, as text if it is such.
    pub fn text(&self, kind: u8) -> Option<&str> {
        std::str::from_utf8(self.tlv(kind)?).ok()
    }

    /// What is said of the client's TLS.
    pub fn ssl(&self) -> Option<Ssl> {
        // It was parsed once, and was good.
        Ssl::parse(self.tlv(tlv::SSL)?).ok()
    }

    /// The header as it is sent.
    ///
    /// # Errors
    ///
    /// If version 1 is to say what only version 2 can, or if it is over 16 KiB long.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        match self.version {
            Version::V1 => line::write(self),
            Version::V2 => binary::write(self),
        }
    }

    /// The header at the beginning of these bytes, and its length; `None` if it is not whole yet.
    ///
    /// # Errors
    ///
    /// If they begin with no header, or with one that is malformed, longer than 107 bytes in version 1 or
    /// 16 KiB in version 2, or has a wrong checksum.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Error> {
        if begins(bytes, line::BEGIN) {
            line::read(bytes)
        } else if begins(bytes, binary::BEGIN) {
            binary::read(bytes)
        } else {
            Err(Error::remote("no PROXY header, which was to come first"))
        }
    }

    /// With nothing but addresses.
    pub(super) fn of(version: Version, addresses: Addresses) -> Self {
        Self {
            version,
            addresses,
            tlvs: Vec::new(),
            checksum: false,
        }
    }
}

/// Whether these bytes are, as far as they go, what a header begins with.
fn begins(bytes: &[u8], with: &[u8]) -> bool {
    let both = bytes.len().min(with.len());
    bytes[..both] == with[..both]
}

/// Both as IPv6, if one of them is (RFC 4291, 2.5.5.2).
pub(super) fn of_one_family(one: SocketAddr, other: SocketAddr) -> (SocketAddr, SocketAddr) {
    let mapped = |address: SocketAddr| -> SocketAddr {
        match address.ip() {
            IpAddr::V4(ip) => (ip.to_ipv6_mapped(), address.port()).into(),
            IpAddr::V6(_) => address,
        }
    };
    match one.is_ipv4() == other.is_ipv4() {
        true => (one, other),
        false => (mapped(one), mapped(other)),
    }
}
