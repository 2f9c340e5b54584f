//! The types of a PROXY header's additions (section 2.2 of `proxy-protocol.txt`), as the numbers that
//! [`ProxyHeader::tlvs`](crate::ProxyHeader::tlvs) has.

use stack::Error;

/// The protocol that the client agreed on (RFC 7301), such as `h2`.
pub const ALPN: u8 = 0x01;
/// The host name that the client asked for, such as TLS's server name.
pub const AUTHORITY: u8 = 0x02;
/// The checksum of the header (RFC 4960, appendix B).
pub const CRC32C: u8 = 0x03;
/// Nothing, of any length.
pub const NOOP: u8 = 0x04;
/// An identifier of the connection, of up to 128 bytes.
pub const UNIQUE_ID: u8 = 0x05;
/// The client's TLS; see [`Ssl`](crate::Ssl).
pub const SSL: u8 = 0x20;
/// Within [`SSL`]: the version, such as `TLSv1.3`.
pub const SSL_VERSION: u8 = 0x21;
/// Within [`SSL`]: the common name of the client's certificate.
pub const SSL_CN: u8 = 0x22;
/// Within [`SSL`]: the cipher.
pub const SSL_CIPHER: u8 = 0x23;
/// The network namespace of the proxy.
pub const NETNS: u8 = 0x30;

/// The type and the two bytes of the length before each value.
pub(super) const HEAD: usize = 3;

/// Cuts bytes into types and values.
pub(super) fn parse(mut bytes: &[u8]) -> Result<Vec<(u8, Vec<u8>)>, Error> {
    let mut tlvs = Vec::new();
    while !bytes.is_empty() {
        let cut = || Error::remote("an addition of the PROXY header is cut off");
        let (head, rest) = bytes.split_at_checked(HEAD).ok_or_else(cut)?;
        let length = usize::from(u16::from_be_bytes([head[1], head[2]]));
        let (value, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
        tlvs.push((head[0], value.to_vec()));
        bytes = rest;
    }
    Ok(tlvs)
}

/// Appends a type and its value.
///
/// # Errors
///
/// If the value is longer than its length can say.
pub(super) fn append(to: &mut Vec<u8>, kind: u8, value: &[u8]) -> Result<(), Error> {
    let length = u16::try_from(value.len())
        .map_err(|_| Error::local("an addition of the PROXY header is too long"))?;
    to.push(kind);
    to.extend(length.to_be_bytes());
    to.extend(value);
    Ok(())
}
