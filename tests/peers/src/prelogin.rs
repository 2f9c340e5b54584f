//! The frames of TDS, as a layer that is taken out beneath what they carried.

use stack::{Chunk, Context, Error, Exit, Layer, Protocol, Transport};

/// The type of a packet that carries a part of TLS's handshake (MS-TDS 2.2.3.1.1).
pub const PRELOGIN: u8 = 0x12;
/// The length of a packet's header.
pub const HEADER: usize = 8;
/// The length of a packet, before anything else is agreed on.
const PACKET: usize = 4096;
/// The status of a message's last packet.
const LAST: u8 = 1;

/// Up to version 7.4 of TDS, TLS shakes hands within packets of the type PRELOGIN, and then goes on without
/// them (MS-TDS 3.2.5.1). So this stands below TLS, and leaves while that lives on: inbound where something
/// else than such a packet begins, which can only be a record of TLS.
#[derive(Debug, Default)]
pub struct Prelogin {
    /// How much of the present packet is yet to come.
    left: usize,
}

/// A packet's header.
pub fn header(kind: u8, length: usize) -> [u8; HEADER] {
    let [high, low] = u16::try_from(HEADER + length)
        .unwrap_or(u16::MAX)
        .to_be_bytes();
    [kind, LAST, high, low, 0, 0, 0, 0]
}

impl Protocol for Prelogin {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        let mut taken = 0;
        loop {
            let rest = &mut bytes[taken..];
            let n = self.left.min(rest.len());
            if n > 0 {
                cx.deliver(&mut rest[..n]);
                self.left -= n;
                taken += n;
                continue;
            }
            match rest {
                [PRELOGIN, _, high, low, _, _, _, _, ..] => {
                    let length = usize::from(u16::from_be_bytes([*high, *low]));
                    let length = length.checked_sub(HEADER);
                    self.left =
                        length.ok_or_else(|| Error::remote("a packet shorter than its header"))?;
                    taken += HEADER;
                }
                [] | [PRELOGIN, ..] => return Ok(taken),
                _ => {
                    cx.end_mark();
                    return Ok(taken);
                }
            }
        }
    }
}

impl Transport for Prelogin {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        for payload in chunk.as_slice().chunks(PACKET - HEADER) {
            cx.send(&header(PRELOGIN, payload.len())[..]);
            cx.send(payload);
        }
        Ok(())
    }
}

impl Layer for Prelogin {
    fn name(&self) -> &str {
        "prelogin"
    }

    fn exit(&self) -> Exit {
        Exit::Marked
    }
}
