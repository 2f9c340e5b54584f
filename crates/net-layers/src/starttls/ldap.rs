//! LDAP (RFC 4511, section 4.14).

use stack::{Error, Residue};

use super::error::{StarttlsError, refused, unexpected};
use crate::{Next, Opening};

/// A LDAPMessage with the number 1: an ExtendedRequest for 1.3.6.1.4.1.1466.20037.
const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

/// The tags of BER that occur here.
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const ENUMERATED: u8 = 0x0a;
const STRING: u8 = 0x04;
const EXTENDED_RESPONSE: u8 = 0x78;

/// The result code that says that there is no such operation (section 4.14.2.1).
const PROTOCOL_ERROR: u8 = 2;

/// The longest answer, in bytes.
const LONGEST: usize = 8 * 1024;

pub(super) struct Ldap;

impl Opening for Ldap {
    fn name(&self) -> &str {
        "ldap"
    }

    fn residue(&self) -> Residue {
        Residue::Reject
    }

    fn begin(&mut self, say: &mut Vec<u8>) -> Result<Next, Error> {
        say.extend(START_TLS);
        Ok(Next::Hear)
    }

    fn hear(&mut self, bytes: &[u8], _: &mut Vec<u8>) -> Result<(usize, Next), Error> {
        let malformed = || Error::remote("the server's answer is no LDAP");
        if bytes[0] != SEQUENCE {
            return Err(malformed());
        }
        let Some(Head { head, length }) = Head::parse(bytes).ok_or_else(malformed)? else {
            return Ok((0, Next::Hear));
        };
        if head + length > LONGEST {
            return Err(Error::remote("the server's answer is longer than 8 KiB"));
        }
        let Some(message) = bytes.get(head..head + length) else {
            return Ok((0, Next::Hear));
        };
        let answer = Answer::parse(message).ok_or_else(malformed)?;
        match (answer.number, answer.code) {
            ([1], 0) => Ok((head + length, Next::Done)),
            ([1], PROTOCOL_ERROR) => Err(StarttlsError::NotOffered.into()),
            // The number 0 is a farewell (section 4.4.1).
            ([0 | 1], code) => Err(refused(&format!("code {code} {}", answer.words))),
            _ => Err(unexpected("an answer to another question")),
        }
    }
}

/// What an ExtendedResponse says.
struct Answer<'a> {
    number: &'a [u8],
    code: u8,
    words: std::borrow::Cow<'a, str>,
}

impl<'a> Answer<'a> {
    fn parse(message: &'a [u8]) -> Option<Self> {
        let (number, rest) = element(message, INTEGER)?;
        let (response, _) = element(rest, EXTENDED_RESPONSE)?;
        let (code, rest) = element(response, ENUMERATED)?;
        let (_matched, rest) = element(rest, STRING)?;
        let (words, _) = element(rest, STRING)?;
        let &[code] = code else { return None };
        let words = String::from_utf8_lossy(words);
        Some(Self {
            number,
            code,
            words,
        })
    }
}

/// The content of the element at the beginning, which must have this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    if *bytes.first()? != tag {
        return None;
    }
    let Head { head, length } = Head::parse(bytes)??;
    bytes.get(head..)?.split_at_checked(length)
}

/// How long an element's tag and length are, and its content.
struct Head {
    head: usize,
    length: usize,
}

impl Head {
    /// `Some(None)` if it is not whole; `None` if it is none, or none that has less than 64 KiB.
    fn parse(bytes: &[u8]) -> Option<Option<Self>> {
        let (head, length) = match bytes.get(1..) {
            Some([short @ ..=0x7f, ..]) => (2, usize::from(*short)),
            Some([0x81, length, ..]) => (3, usize::from(*length)),
            Some([0x82, high, low, ..]) => (4, usize::from(u16::from_be_bytes([*high, *low]))),
            // As OpenLDAP writes them: four bytes for any length.
            Some([0x84, 0, 0, high, low, ..]) => {
                (6, usize::from(u16::from_be_bytes([*high, *low])))
            }
            Some([] | [0x81] | [0x82] | [0x82, _]) | None => return Some(None),
            Some([0x84, more @ ..]) if more.len() < 4 => return Some(None),
            Some(_) => return None,
        };
        Some(Some(Self { head, length }))
    }
}
