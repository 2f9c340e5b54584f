//! A PROXY header, of either version.

use std::net::{IpAddr, SocketAddr};

use ppp::{v1, v2};
use stack::Error;

use super::{Ssl, tlv};

/// The longest of version 2 that is taken, in bytes; haproxy's own buffer has no more.
pub(super) const LONGEST: usize = 16 * 1024;
/// The longest of version 1, its end included (section 2.1).
const LONGEST_V1: usize = 107;
/// What stands before the addresses in version 2.
const FIXED: usize = 16;

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
    /// is not among them.
    pub tlvs: Vec<(u8, Vec<u8>)>,
    /// Whether it carries a checksum (CRC32C), which version 1 does not. One that is wrong is refused.
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
        Self {
            version,
            addresses: Addresses::Inet {
                source,
                destination,
            },
            tlvs: Vec::new(),
            checksum: false,
        }
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
            Version::V1 => self.to_line(),
            Version::V2 => self.to_binary(),
        }
    }

    fn to_line(&self) -> Result<Vec<u8>, Error> {
        if self.checksum || !self.tlvs.is_empty() {
            return Err(Error::local(
                "version 1 of the PROXY header has addresses only",
            ));
        }
        let addresses = match &self.addresses {
            Addresses::Inet {
                source,
                destination,
            } => {
                let (source, destination) = of_one_family(*source, *destination);
                let (from, to) = (source.port(), destination.port());
                match (source.ip(), destination.ip()) {
                    (IpAddr::V6(source), IpAddr::V6(destination)) => {
                        v1::Addresses::new_tcp6(source, destination, from, to)
                    }
                    (IpAddr::V4(source), IpAddr::V4(destination)) => {
                        v1::Addresses::new_tcp4(source, destination, from, to)
                    }
                    _ => unreachable!("they are of one family"),
                }
            }
            _ => v1::Addresses::Unknown,
        };
        Ok(addresses.to_string().into_bytes())
    }

    fn to_binary(&self) -> Result<Vec<u8>, Error> {
        let (command, addresses) = match &self.addresses {
            Addresses::Local => (v2::Command::Local, v2::Addresses::Unspecified),
            Addresses::Unknown => (v2::Command::Proxy, v2::Addresses::Unspecified),
            Addresses::Inet {
                source,
                destination,
            } => (
                v2::Command::Proxy,
                of_one_family(*source, *destination).into(),
            ),
            Addresses::Unix {
                source,
                destination,
            } => (
                v2::Command::Proxy,
                v2::Unix::new(path(source)?, path(destination)?).into(),
            ),
        };
        let protocol = match addresses {
            v2::Addresses::Unspecified => v2::Protocol::Unspecified,
            _ => v2::Protocol::Stream,
        };
        let mut tlvs = Vec::new();
        for (kind, value) in &self.tlvs {
            tlv::append(&mut tlvs, *kind, value)?;
        }
        if self.checksum {
            tlv::append(&mut tlvs, tlv::CRC32C, &[0; 4])?;
        }
        let builder = v2::Builder::with_addresses(v2::Version::Two | command, protocol, addresses);
        let built = builder
            .write_payload(&tlvs[..])
            .and_then(v2::Builder::build);
        let mut bytes = built.map_err(|_| too_long())?;
        if bytes.len() > LONGEST {
            return Err(too_long());
        }
        if self.checksum {
            let sum = crc32c::crc32c(&bytes).to_be_bytes();
            let at = bytes.len() - sum.len();
            bytes[at..].copy_from_slice(&sum);
        }
        Ok(bytes)
    }

    /// The header at the beginning of these bytes, and its length; `None` if it is not whole yet.
    ///
    /// # Errors
    ///
    /// If they begin with no header, or with one that is malformed, too long, or has a wrong checksum.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Error> {
        if begins(bytes, b"PROXY ") {
            Self::parse_line(bytes)
        } else if begins(bytes, v2::PROTOCOL_PREFIX) {
            Self::parse_binary(bytes)
        } else {
            Err(Error::remote("no PROXY header, which was to come first"))
        }
    }

    fn parse_line(bytes: &[u8]) -> Result<Option<(Self, usize)>, Error> {
        let looked_at = &bytes[..bytes.len().min(LONGEST_V1)];
        let Some(end) = looked_at.iter().position(|byte| *byte == b'\n') else {
            return match looked_at.len() == LONGEST_V1 {
                true => Err(Error::remote("the PROXY header is longer than 107 bytes")),
                false => Ok(None),
            };
        };
        // Only whole lines: of some that are cut it would say that they are wrong.
        let line = v1::Header::try_from(&bytes[..=end]).map_err(malformed)?;
        let inet = |source: IpAddr, from, destination: IpAddr, to| Addresses::Inet {
            source: (source, from).into(),
            destination: (destination, to).into(),
        };
        let addresses = match line.addresses {
            v1::Addresses::Unknown => Addresses::Unknown,
            v1::Addresses::Tcp4(it) => inet(
                it.source_address.into(),
                it.source_port,
                it.destination_address.into(),
                it.destination_port,
            ),
            v1::Addresses::Tcp6(it) => inet(
                it.source_address.into(),
                it.source_port,
                it.destination_address.into(),
                it.destination_port,
            ),
        };
        let header = Self {
            version: Version::V1,
            addresses,
            tlvs: Vec::new(),
            checksum: false,
        };
        Ok(Some((header, end + 1)))
    }

    fn parse_binary(bytes: &[u8]) -> Result<Option<(Self, usize)>, Error> {
        if let Some(length) = bytes.get(FIXED - 2..FIXED)
            && FIXED + usize::from(u16::from_be_bytes([length[0], length[1]])) > LONGEST
        {
            return Err(Error::remote("the PROXY header is longer than 16 KiB"));
        }
        let parsed = match v2::Header::try_from(bytes) {
            Ok(parsed) => parsed,
            Err(v2::ParseError::Incomplete(_) | v2::ParseError::Partial(..)) => return Ok(None),
            Err(error) => return Err(malformed(error)),
        };
        let length = parsed.len();
        let mut header = Self {
            version: Version::V2,
            addresses: Addresses::Local,
            tlvs: Vec::new(),
            checksum: false,
        };
        if parsed.command == v2::Command::Local {
            // The rest says nothing then (section 2.2).
            return Ok(Some((header, length)));
        }
        if parsed.protocol == v2::Protocol::Datagram {
            return Err(Error::remote("the PROXY header speaks of datagrams"));
        }
        header.addresses = match parsed.addresses {
            v2::Addresses::Unspecified => Addresses::Unknown,
            v2::Addresses::IPv4(it) => Addresses::Inet {
                source: (it.source_address, it.source_port).into(),
                destination: (it.destination_address, it.destination_port).into(),
            },
            v2::Addresses::IPv6(it) => Addresses::Inet {
                source: (it.source_address, it.source_port).into(),
                destination: (it.destination_address, it.destination_port).into(),
            },
            v2::Addresses::Unix(it) => Addresses::Unix {
                source: without_padding(&it.source),
                destination: without_padding(&it.destination),
            },
        };
        if header.addresses != Addresses::Unknown {
            header.tlvs = tlv::parse(parsed.tlv_bytes())?;
        }
        header.take_checksum(parsed.as_bytes())?;
        if let Some(ssl) = header.tlv(tlv::SSL) {
            Ssl::parse(ssl)?;
        }
        Ok(Some((header, length)))
    }

    /// Takes the checksum from the additions, if there is one, and compares it.
    fn take_checksum(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some(n) = self.tlvs.iter().position(|(it, _)| *it == tlv::CRC32C) else {
            return Ok(());
        };
        let behind = self.tlvs[n + 1..].iter();
        let behind: usize = behind.map(|(_, value)| tlv::HEAD + value.len()).sum();
        let (_, told) = self.tlvs.remove(n);
        let at = bytes.len() - behind - told.len();
        let mut zeroed = bytes.to_vec();
        zeroed[at..at + told.len()].fill(0);
        if told != crc32c::crc32c(&zeroed).to_be_bytes() {
            return Err(Error::remote("the checksum of the PROXY header is wrong"));
        }
        self.checksum = true;
        Ok(())
    }
}

/// Whether these bytes are, as far as they go, what a header begins with.
fn begins(bytes: &[u8], with: &[u8]) -> bool {
    let both = bytes.len().min(with.len());
    bytes[..both] == with[..both]
}

/// Both as IPv6, if one of them is (RFC 4291, 2.5.5.2).
fn of_one_family(one: SocketAddr, other: SocketAddr) -> (SocketAddr, SocketAddr) {
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

fn path(bytes: &[u8]) -> Result<[u8; 108], Error> {
    let mut path = [0; 108];
    let place = path
        .get_mut(..bytes.len())
        .ok_or_else(|| Error::local("a path in the PROXY header is longer than 108 bytes"))?;
    place.copy_from_slice(bytes);
    Ok(path)
}

fn without_padding(path: &[u8]) -> Vec<u8> {
    let end = path.iter().rposition(|byte| *byte != 0);
    path[..end.map_or(0, |at| at + 1)].to_vec()
}

fn too_long() -> Error {
    Error::local("the PROXY header is longer than 16 KiB")
}

fn malformed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::remote("the PROXY header is malformed").with_source(error)
}
