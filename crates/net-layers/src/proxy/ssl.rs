//! What a PROXY header says of the client's TLS.

use stack::Error;

use super::tlv;

/// The client's TLS, as the proxy saw it (section 2.2.6 of `proxy-protocol.txt`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ssl {
    /// Whether the client speaks TLS to the proxy.
    pub tls: bool,
    /// Whether it has shown a certificate in this connection.
    pub certificate_now: bool,
    /// Whether it has shown one in this session, which may have been resumed.
    pub certificate: bool,
    /// Whether that certificate was found to be good. Never without one, of which some proxies say so.
    pub verified: bool,
    /// More of it: [`tlv::SSL_VERSION`], [`tlv::SSL_CN`], [`tlv::SSL_CIPHER`] and others.
    pub tlvs: Vec<(u8, Vec<u8>)>,
}

const TLS: u8 = 0x01;
const CERTIFICATE_NOW: u8 = 0x02;
const CERTIFICATE: u8 = 0x04;

/// The bits, and what verification has come to, where zero is good.
const HEAD: usize = 5;

impl Ssl {
    /// The value of one of the additions, as text if it is such.
    pub fn text(&self, kind: u8) -> Option<&str> {
        let (_, value) = self.tlvs.iter().find(|(it, _)| *it == kind)?;
        std::str::from_utf8(value).ok()
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let (head, rest) = bytes
            .split_at_checked(HEAD)
            .ok_or_else(|| Error::remote("what the PROXY header says of TLS is cut off"))?;
        let has = |bits| head[0] & bits != 0;
        Ok(Self {
            tls: has(TLS),
            certificate_now: has(CERTIFICATE_NOW),
            certificate: has(CERTIFICATE),
            verified: has(CERTIFICATE_NOW | CERTIFICATE) && head[1..] == [0; 4],
            tlvs: tlv::parse(rest)?,
        })
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let bits = [
            (self.tls, TLS),
            (self.certificate_now, CERTIFICATE_NOW),
            (self.certificate, CERTIFICATE),
        ];
        let bits = bits.iter().filter(|(has, _)| *has).map(|(_, bit)| bit);
        let mut bytes = vec![bits.sum(), 0, 0, 0, u8::from(!self.verified)];
        for (kind, value) in &self.tlvs {
            tlv::append(&mut bytes, *kind, value)?;
        }
        Ok(bytes)
    }
}
