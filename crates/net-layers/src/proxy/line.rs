//! Version 1: a line of text (section 2.1 of `proxy-protocol.txt`).

use std::net::IpAddr;

use ppp::v1;
use stack::Error;

use super::header::of_one_family;
use super::{Addresses, ProxyHeader, Version};

/// What it begins with.
pub(super) const BEGIN: &[u8] = b"PROXY ";
/// The longest line, its end included.
const LONGEST: usize = 107;

pub(super) fn write(header: &ProxyHeader) -> Result<Vec<u8>, Error> {
    if header.checksum || !header.tlvs.is_empty() {
        return Err(Error::local(
            "version 1 of the PROXY header has addresses only",
        ));
    }
    let addresses = match &header.addresses {
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

/// The header, and its length; `None` if it is not whole yet.
pub(super) fn read(bytes: &[u8]) -> Result<Option<(ProxyHeader, usize)>, Error> {
    let looked_at = &bytes[..bytes.len().min(LONGEST)];
    let Some(end) = looked_at.iter().position(|byte| *byte == b'\n') else {
        return match looked_at.len() == LONGEST {
            true => Err(Error::remote("the PROXY header is longer than 107 bytes")),
            false => Ok(None),
        };
    };
    let length = end + 1;
    let addresses = addresses(&bytes[..length])?;
    Ok(Some((ProxyHeader::of(Version::V1, addresses), length)))
}

/// Of a whole line. The parser cannot be given less: of some that are cut it says that they are wrong.
fn addresses(line: &[u8]) -> Result<Addresses, Error> {
    let malformed = || Error::remote("the PROXY header is malformed");
    let text = line.strip_suffix(b"\r\n").ok_or_else(malformed)?;
    // What stands behind it is to be ignored, but the parser refuses some of it.
    if text == b"PROXY UNKNOWN" || text.starts_with(b"PROXY UNKNOWN ") {
        return Ok(Addresses::Unknown);
    }
    // The parser takes "+1" for a port.
    if text.contains(&b'+') {
        return Err(malformed());
    }
    let parsed = v1::Header::try_from(line).map_err(|error| malformed().with_source(error))?;
    Ok(match parsed.addresses {
        v1::Addresses::Unknown => Addresses::Unknown,
        v1::Addresses::Tcp4(it) => Addresses::Inet {
            source: (it.source_address, it.source_port).into(),
            destination: (it.destination_address, it.destination_port).into(),
        },
        v1::Addresses::Tcp6(it) => Addresses::Inet {
            source: (it.source_address, it.source_port).into(),
            destination: (it.destination_address, it.destination_port).into(),
        },
    })
}
