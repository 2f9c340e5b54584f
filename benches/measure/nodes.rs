//! Layers that do nothing, at different prices.

use stack::{Chunk, Context, Error, Exit, Layer, Protocol, Transport};

/// A layer that passes everything on: the price of being a layer.
pub(crate) struct Pass;

impl Protocol for Pass {
    #[inline(never)]
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}

impl Transport for Pass {
    #[inline(never)]
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        cx.send(chunk);
        Ok(())
    }
}

impl Layer for Pass {
    fn exit(&self) -> Exit {
        Exit::Anytime
    }
}

/// An application that drops what it gets.
pub(crate) struct Sink;

impl Protocol for Sink {
    fn received(&mut self, _: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        Ok(bytes.len())
    }
}
