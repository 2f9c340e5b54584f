//! The models' decoders on the wire. They know the formats, and none of the layers' code.

use crate::testing::{Seen, Tap};

/// Decodes records.
pub(super) struct RecordTap {
    tag: u8,
    at: At,
}

/// What the next byte of a record is.
enum At {
    Kind,
    Length(u8),
    Body { kind: u8, left: u8 },
}

impl RecordTap {
    pub(super) fn new(tag: u8) -> Self {
        Self { tag, at: At::Kind }
    }
}

impl Tap for RecordTap {
    fn byte(&mut self, byte: u8, given: &mut Vec<u8>) -> Result<Seen, String> {
        match self.at {
            At::Kind => {
                let kind = byte ^ self.tag;
                if !b"DEHKk".contains(&kind) {
                    return Err(format!("{byte:#04x} begins no record"));
                }
                self.at = At::Length(kind);
            }
            At::Length(kind) => {
                self.at = match byte {
                    0 => At::Kind,
                    left => At::Body { kind, left },
                };
                match (kind, byte) {
                    (b'E', 0) => return Ok(Seen::EndMark),
                    (b'E', _) | (_, 0) => return Err("a record of that length".into()),
                    _ => {}
                }
            }
            At::Body { kind, left } => {
                if kind == b'D' {
                    given.push(byte ^ self.tag);
                }
                if (kind, left) == (b'k', 1) {
                    self.tag = self.tag.wrapping_add(0x35);
                }
                self.at = match left {
                    1 => At::Kind,
                    _ => At::Body {
                        kind,
                        left: left - 1,
                    },
                };
            }
        }
        Ok(Seen::Part)
    }
}

/// Decodes run lengths.
pub(super) struct RunTap {
    tag: u8,
    count: Option<u8>,
}

impl RunTap {
    pub(super) fn new(tag: u8) -> Self {
        Self { tag, count: None }
    }
}

impl Tap for RunTap {
    fn byte(&mut self, byte: u8, given: &mut Vec<u8>) -> Result<Seen, String> {
        let Some(count) = self.count.take() else {
            self.count = Some(byte);
            return Ok(Seen::Part);
        };
        match (count, byte ^ self.tag) {
            (0, 0) => return Ok(Seen::EndMark),
            (0, _) => return Err(format!("0 times {byte:#04x}")),
            (count, byte) => given.extend(std::iter::repeat_n(byte, usize::from(count))),
        }
        Ok(Seen::Part)
    }
}

/// Decodes a key stream.
pub(super) struct CipherTap {
    key: u8,
    tag: u8,
}

impl CipherTap {
    pub(super) fn new(tag: u8) -> Self {
        Self { key: 0, tag }
    }
}

impl Tap for CipherTap {
    fn byte(&mut self, byte: u8, given: &mut Vec<u8>) -> Result<Seen, String> {
        given.push(byte ^ self.key ^ self.tag);
        self.key = self.key.wrapping_add(29);
        Ok(Seen::Part)
    }
}

/// Decodes what is left as it is.
pub(in crate::testing) struct GlassTap;

impl Tap for GlassTap {
    fn byte(&mut self, byte: u8, given: &mut Vec<u8>) -> Result<Seen, String> {
        given.push(byte);
        Ok(Seen::Part)
    }
}
