//! Layers that do nothing, at different prices.

use stack::{Chunk, Context, Error, Exit, Layer, Protocol, Transport};

/// A layer that passes everything on: the price of being a layer.
#[derive(Clone, Copy, Debug)]
pub struct Pass;

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
#[derive(Clone, Copy, Debug)]
pub struct Sink;

impl Protocol for Sink {
    fn received(&mut self, _: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        Ok(bytes.len())
    }
}

/// A layer with a little state of its own, so that the stack has something to keep.
#[derive(Clone, Copy, Debug, Default)]
pub struct Small {
    sent: u64,
    received: u64,
}

impl Protocol for Small {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        self.received += bytes.len() as u64;
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}

impl Transport for Small {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        self.sent += chunk.len() as u64;
        cx.send(chunk);
        Ok(())
    }
}

impl Layer for Small {
    fn exit(&self) -> Exit {
        Exit::Anytime
    }
}
