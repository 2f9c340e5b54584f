//! Run lengths: what comes up is more than what came in.

use crate::{Chunk, Context, Error, Exit, Layer, Protocol, Readiness, Standing, Transport};

/// A layer of a codec's kind: a pair of a count and a byte stands for as many such bytes. It makes
/// them block by block, while they are wanted, and stages the run that may go on. The pair with the
/// count 0 is the end mark.
pub(super) struct Runs {
    name: String,
    tag: u8,
    /// The run that is being written: how long it is, and of which byte.
    run: (u8, u8),
    /// What is yet to be made of the run that came last.
    left: (u8, u8),
    refused: bool,
    ended: bool,
}

/// The most bytes that are made at once.
pub(super) const BLOCK: usize = 16;

impl Runs {
    pub(super) fn new(name: String, tag: u8) -> Self {
        Self {
            name,
            tag,
            run: (0, 0),
            left: (0, 0),
            refused: false,
            ended: false,
        }
    }

    /// Makes what is left of the present run; false if there is no room.
    fn unroll(&mut self, cx: &mut Context<'_>) -> bool {
        while self.left.0 > 0 {
            self.refused = !cx.wanted();
            if self.refused {
                return false;
            }
            let (n, byte) = (usize::from(self.left.0).min(BLOCK), self.left.1);
            self.left.0 -= n as u8;
            cx.deliver_with(n, |room| {
                room[..n].fill(byte);
                (n, ())
            });
        }
        true
    }
}

impl Protocol for Runs {
    fn attached(&mut self, _: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        // It may have stood in a stack before.
        *self = Self::new(std::mem::take(&mut self.name), self.tag);
        Ok(Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        if self.ended {
            return Err(Error::local("received after its end mark"));
        }
        if bytes.is_empty() && !self.refused {
            return Err(Error::local("received nothing, and had not asked for room"));
        }
        let mut taken = 0;
        while self.unroll(cx)
            && let Some(&[count, byte]) = bytes.get(taken..taken + 2)
        {
            taken += 2;
            if count == 0 {
                cx.end_mark();
                self.ended = true;
                break;
            }
            self.left = (count, byte ^ self.tag);
        }
        Ok(taken)
    }

    fn end_received(&mut self, _: &mut Context<'_>) -> Result<(), Error> {
        if self.left.0 > 0 {
            return Err(Error::local("the end is told before what it has inside"));
        }
        Err(Error::truncated("no end mark"))
    }
}

impl Transport for Runs {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        let mut pairs = Vec::new();
        for &byte in chunk.as_slice() {
            let (count, of) = &mut self.run;
            if *count > 0 && (*of != byte || *count == u8::MAX) {
                pairs.extend([*count, *of ^ self.tag]);
                *count = 0;
            }
            *count += 1;
            *of = byte;
        }
        cx.send(&mut pairs);
        Ok(())
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let (count, byte) = std::mem::take(&mut self.run);
        if count > 0 {
            cx.send(&mut [count, byte ^ self.tag]);
        }
        Ok(())
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.flush(cx)?;
        cx.send(&[0, self.tag]);
        Ok(())
    }
}

impl Layer for Runs {
    fn name(&self) -> &str {
        &self.name
    }

    fn exit(&self) -> Exit {
        Exit::Marked
    }

    fn held(&self) -> usize {
        usize::from(self.run.0) + usize::from(self.left.0)
    }
}
