//! A key stream, byte by byte.

use crate::{Chunk, Context, Error, Layer, Protocol, Readiness, Standing, Transport};

/// A layer of a stream cipher's kind: each byte is changed by the tag and by its place in the
/// stream, so that a lost or doubled byte spoils all that follows. It has no end mark.
pub(super) struct Cipher {
    name: String,
    read: Key,
    written: Key,
}

struct Key {
    tag: u8,
    at: u8,
}

impl Key {
    fn change(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte ^= self.tag ^ self.at;
            self.at = self.at.wrapping_add(29);
        }
    }
}

impl Cipher {
    pub(super) fn new(name: String, tag: u8) -> Self {
        let key = || Key { tag, at: 0 };
        Self {
            name,
            read: key(),
            written: key(),
        }
    }
}

impl Protocol for Cipher {
    fn attached(&mut self, _: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        // It may have stood in a stack before.
        (self.read.at, self.written.at) = (0, 0);
        Ok(Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        self.read.change(bytes);
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}

impl Transport for Cipher {
    fn send(&mut self, cx: &mut Context<'_>, mut chunk: Chunk<'_>) -> Result<(), Error> {
        if let Some(bytes) = chunk.owned_mut() {
            self.written.change(bytes);
            cx.send(bytes);
        } else {
            let mut bytes = chunk.as_slice().to_vec();
            self.written.change(&mut bytes);
            cx.send(&mut bytes);
        }
        Ok(())
    }
}

impl Layer for Cipher {
    fn name(&self) -> &str {
        &self.name
    }
}
