//! Version 2: binary (section 2.2 of `proxy-protocol.txt`).

use ppp::v2;
use stack::Error;

use super::header::of_one_family;
use super::{Addresses, ProxyHeader, Ssl, Version, tlv};

/// What it begins with.
pub(super) const BEGIN: &[u8] = v2::PROTOCOL_PREFIX;
/// The longest that is taken, in bytes; haproxy's own buffer has no more.
const LONGEST: usize = 16 * 1024;
/// What stands before the addresses: the beginning, version and command, family and protocol, length.
const FIXED: usize = 16;
/// The version, and the command of a proxy that connects for itself.
const LOCAL: u8 = 0x20;

pub(super) fn write(header: &ProxyHeader) -> Result<Vec<u8>, Error> {
    let (command, addresses) = match &header.addresses {
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
    for (kind, value) in &header.tlvs {
        tlv::append(&mut tlvs, *kind, value)?;
    }
    if header.checksum {
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
    if header.checksum {
        let sum = crc32c::crc32c(&bytes).to_be_bytes();
        let at = bytes.len() - sum.len();
        bytes[at..].copy_from_slice(&sum);
    }
    Ok(bytes)
}

/// The header, and its length; `None` if it is not whole yet.
pub(super) fn read(bytes: &[u8]) -> Result<Option<(ProxyHeader, usize)>, Error> {
    let length = match bytes.get(FIXED - 2..FIXED) {
        Some(length) => FIXED + usize::from(u16::from_be_bytes([length[0], length[1]])),
        None => FIXED,
    };
    if length > LONGEST {
        return Err(Error::remote("the PROXY header is longer than 16 KiB"));
    }
    // All else is to be ignored then, which the parser looks at.
    if bytes.get(BEGIN.len()) == Some(&LOCAL) {
        let header = ProxyHeader::of(Version::V2, Addresses::Local);
        let whole = bytes.len() >= length;
        return Ok(whole.then_some((header, length)));
    }
    let parsed = match v2::Header::try_from(bytes) {
        Ok(parsed) => parsed,
        Err(v2::ParseError::Incomplete(_) | v2::ParseError::Partial(..)) => return Ok(None),
        Err(error) => {
            return Err(Error::remote("the PROXY header is malformed").with_source(error));
        }
    };
    if parsed.protocol == v2::Protocol::Datagram {
        return Err(Error::remote("the PROXY header speaks of datagrams"));
    }
    let addresses = match parsed.addresses {
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
    let mut header = ProxyHeader::of(Version::V2, addresses);
    if header.addresses != Addresses::Unknown {
        header.tlvs = tlv::parse(parsed.tlv_bytes())?;
        take_checksum(&mut header, parsed.as_bytes())?;
    }
    if let Some(ssl) = header.tlv(tlv::SSL) {
        Ssl::parse(ssl)?;
    }
    Ok(Some((header, length)))
}

/// Takes the checksum from the additions, if there is one, and compares it.
fn take_checksum(header: &mut ProxyHeader, bytes: &[u8]) -> Result<(), Error> {
    let Some(n) = header.tlvs.iter().position(|(it, _)| *it == tlv::CRC32C) else {
        return Ok(());
    };
    let behind = header.tlvs[n + 1..].iter();
    let behind: usize = behind.map(|(_, value)| tlv::HEAD + value.len()).sum();
    let (_, told) = header.tlvs.remove(n);
    let at = bytes.len() - behind - told.len();
    let mut zeroed = bytes.to_vec();
    zeroed[at..at + told.len()].fill(0);
    if told != crc32c::crc32c(&zeroed).to_be_bytes() {
        return Err(Error::remote("the checksum of the PROXY header is wrong"));
    }
    header.checksum = true;
    Ok(())
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
