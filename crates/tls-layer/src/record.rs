//! The five bytes before each record (RFC 8446, section 5.1).

use rustls::ProtocolVersion;

pub(crate) const HEADER: usize = 5;
/// The plaintext of a full record.
pub(crate) const FULL: usize = 16 * 1024;

const APPLICATION_DATA: u8 = 23;

/// A whole record that says to change the keys, and since TLS 1.3 says nothing.
pub(crate) const CHANGE_CIPHER_SPEC: [u8; HEADER + 1] = [20, 3, 3, 0, 1, 1];

/// What a record's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The length of the whole record, its header included.
    pub(crate) record: usize,
    /// Whether it may be application data; under TLS 1.3 every protected record says so.
    pub(crate) application_data: bool,
}

/// Bytes that no record begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    /// This is not TLS.
    NotTls,
    /// A record of this type, where under TLS 1.3 each must say that it is application data, which
    /// the encryption does not vouch for (RFC 8446, section 5.2).
    Unprotected(u8),
    /// A record longer than the version allows.
    TooLong(usize),
}

impl Header {
    /// The header at the beginning of `bytes`, or `None` if it is still incomplete. What is
    /// there of it is judged at once, so that a peer who speaks something else is not waited for.
    /// `up` says that the handshake is over.
    pub(crate) fn parse(
        bytes: &[u8],
        version: Option<ProtocolVersion>,
        up: bool,
    ) -> Result<Option<Self>, Bad> {
        // change_cipher_spec, alert, handshake, application_data; the heartbeat was never spoken.
        if bytes.first().is_some_and(|kind| !(20..=23).contains(kind)) {
            return Err(Bad::NotTls);
        }
        if bytes.get(1).is_some_and(|&major| major != 3) {
            return Err(Bad::NotTls);
        }
        if let Some(&kind) = bytes.first()
            && up
            && version == Some(ProtocolVersion::TLSv1_3)
            && kind != APPLICATION_DATA
        {
            return Err(Bad::Unprotected(kind));
        }
        let [kind, _, _, high, low, ..] = *bytes else {
            return Ok(None);
        };
        let body = usize::from(u16::from_be_bytes([high, low]));
        if body > longest(version) {
            return Err(Bad::TooLong(body));
        }
        Ok(Some(Self {
            record: HEADER + body,
            application_data: kind == APPLICATION_DATA,
        }))
    }
}

/// The longest body: of a plain record, and of a protected one, with what protection may add.
fn longest(version: Option<ProtocolVersion>) -> usize {
    match version {
        None => FULL,
        Some(ProtocolVersion::TLSv1_3) => FULL + 256,
        Some(_) => FULL + 2048,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TLS13: Option<ProtocolVersion> = Some(ProtocolVersion::TLSv1_3);
    const TLS12: Option<ProtocolVersion> = Some(ProtocolVersion::TLSv1_2);

    #[test]
    fn text_is_told_from_tls_at_its_first_byte() {
        for text in ["G", "GET /", "EHLO x", "\0"] {
            assert_eq!(
                Header::parse(text.as_bytes(), None, false),
                Err(Bad::NotTls)
            );
        }
        assert_eq!(Header::parse(&[22, 2], None, false), Err(Bad::NotTls));
    }

    #[test]
    fn an_incomplete_header_is_waited_for() {
        for n in 0..HEADER {
            assert_eq!(Header::parse(&[22, 3, 1, 2, 0][..n], None, false), Ok(None));
        }
        let header = Header::parse(&[22, 3, 1, 2, 0, 9], None, false)
            .unwrap()
            .unwrap();
        assert_eq!((header.record, header.application_data), (517, false));
    }

    #[test]
    fn after_a_handshake_of_tls_1_3_every_record_says_application_data() {
        for kind in 20..=22 {
            let unprotected = Err(Bad::Unprotected(kind));
            assert_eq!(Header::parse(&[kind], TLS13, true), unprotected);
            assert_eq!(Header::parse(&[kind], TLS13, false), Ok(None));
            assert_eq!(Header::parse(&[kind], TLS12, true), Ok(None));
        }
    }

    #[test]
    fn each_version_has_its_longest_record() {
        for (version, body) in [(None, 16384u16), (TLS13, 16640), (TLS12, 18432)] {
            let header = |body: u16| {
                let [high, low] = body.to_be_bytes();
                Header::parse(&[23, 3, 3, high, low], version, true)
            };
            assert!(header(body).unwrap().unwrap().application_data);
            assert_eq!(header(body + 1), Err(Bad::TooLong(body as usize + 1)));
        }
    }
}
