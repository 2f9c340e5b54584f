//! A layer that talks with its peer first, and then passes on what comes.

use std::any::{Any, TypeId};
use std::fmt;

use stack::{
    Blame, Chunk, Context, Error, ErrorKind, Exit, Layer, Protocol, Readiness, Residue, Standing,
    Transport,
};

/// What may be written before the way is open, until writing is to pause.
const WAITING_HIGH: usize = 64 * 1024;
/// What those may write who go on nevertheless.
const WAITING_MOST: usize = 1024 * 1024;

/// A conversation that opens a way for the bytes of those above: what an [`Opener`] has with its peer.
///
/// It has neither socket nor buffer: what was heard comes in as bytes, what is to be said goes out as
/// bytes, and what it does not take it is offered again, with more behind it.
pub trait Opening: Any + Send + Sync {
    /// What the layer is called in drawings and errors.
    fn name(&self) -> &str;

    /// What becomes of bytes that are here already when it begins: mostly they are the first that it
    /// hears. Where the peer may say nothing before it is asked, they are an attack.
    fn residue(&self) -> Residue {
        Residue::Feed
    }

    /// Begins; what there is to say first is appended to `say`.
    ///
    /// # Errors
    ///
    /// The push is refused, and nothing is said.
    fn begin(&mut self, say: &mut Vec<u8>) -> Result<Next, Error> {
        let _ = say;
        Ok(Next::Hear)
    }

    /// These bytes have come, cut anywhere. Returns how many of them, from the first on, were taken; a
    /// message that is not whole is not taken. What there is to say is appended to `say`.
    ///
    /// What lies behind the bytes taken with [`Next::Done`] is for those above.
    ///
    /// # Errors
    ///
    /// The connection has failed. A bound of its own, on what it does not take, is the conversation's to
    /// keep.
    fn hear(&mut self, bytes: &[u8], say: &mut Vec<u8>) -> Result<(usize, Next), Error>;

    /// A value of type `wanted` that it has to tell; see [`Layer::info`].
    fn info(&self, wanted: TypeId) -> Option<&dyn Any> {
        let _ = wanted;
        None
    }
}

/// How a conversation goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The peer has to say more.
    Hear,
    /// It is over: the way is open.
    Done,
}

/// A layer that has a conversation with its peer first, within
/// [`Limits::handshake`](stack::Limits::handshake), and from then on passes on what comes.
///
/// What is written meanwhile waits for the conversation's end, so layers may be pushed above it at
/// once. When it is up it may be popped at any moment; nothing is lost by leaving it where it is.
pub struct Opener<O> {
    opening: O,
    life: Life,
}

enum Life {
    /// Not pushed yet.
    New,
    /// Talking; what was written meanwhile.
    Talking(Vec<u8>),
    /// Done.
    Open,
}

impl<O: Opening> Opener<O> {
    /// A layer that has this conversation.
    pub fn with(opening: O) -> Self {
        let life = Life::New;
        Self { opening, life }
    }

    /// The conversation.
    pub fn opening(&self) -> &O {
        &self.opening
    }

    /// The conversation, to set something of it before it begins.
    pub(crate) fn opening_mut(&mut self) -> &mut O {
        &mut self.opening
    }

    fn open(&mut self, cx: &mut Context<'_>) {
        if let Life::Talking(mut waiting) = std::mem::replace(&mut self.life, Life::Open) {
            cx.up();
            cx.hold_back(false);
            if !waiting.is_empty() {
                cx.send(&mut waiting[..]);
            }
        }
    }
}

impl<O: Opening> Protocol for Opener<O> {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        if !matches!(self.life, Life::New) {
            return Err(Error::local("a conversation cannot be begun twice"));
        }
        let mut say = Vec::new();
        let next = self.opening.begin(&mut say)?;
        if !say.is_empty() {
            cx.send(&mut say[..]);
        }
        match next {
            Next::Hear => {
                self.life = Life::Talking(Vec::new());
                Ok(Readiness::Handshaking)
            }
            Next::Done => {
                self.life = Life::Open;
                Ok(Readiness::Up)
            }
        }
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        let mut at = 0;
        while !matches!(self.life, Life::Open) && at < bytes.len() {
            let mut say = Vec::new();
            let heard = self.opening.hear(&bytes[at..], &mut say);
            if !say.is_empty() {
                // Also what is said last, before an error.
                cx.send(&mut say[..]);
            }
            let (taken, next) = heard?;
            at += taken;
            match next {
                Next::Done => self.open(cx),
                Next::Hear if taken == 0 => return Ok(at),
                Next::Hear => {}
            }
        }
        if at < bytes.len() {
            cx.deliver(&mut bytes[at..]);
        }
        Ok(bytes.len())
    }

    fn end_received(&mut self, _: &mut Context<'_>) -> Result<(), Error> {
        match self.life {
            Life::Open => Ok(()),
            _ => Err(Error::truncated(
                "the input ends before the conversation does",
            )),
        }
    }
}

impl<O: Opening> Transport for Opener<O> {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        let Life::Talking(waiting) = &mut self.life else {
            cx.send(chunk);
            return Ok(());
        };
        if waiting.len() + chunk.as_slice().len() > WAITING_MOST {
            return Err(Error::new(
                ErrorKind::Limit,
                Blame::Local,
                "too much was written before the way was open",
            ));
        }
        waiting.extend_from_slice(chunk.as_slice());
        cx.hold_back(waiting.len() > WAITING_HIGH);
        Ok(())
    }
}

impl<O: Opening> Layer for Opener<O> {
    fn name(&self) -> &str {
        self.opening.name()
    }

    fn exit(&self) -> Exit {
        match self.life {
            Life::Open => Exit::Anytime,
            _ => Exit::Silent,
        }
    }

    fn residue(&self) -> Residue {
        self.opening.residue()
    }

    fn held(&self) -> usize {
        match &self.life {
            Life::Talking(waiting) => waiting.len(),
            _ => 0,
        }
    }

    fn info(&self, wanted: TypeId) -> Option<&dyn Any> {
        self.opening.info(wanted)
    }
}

impl<O: Opening> fmt::Debug for Opener<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener")
            .field("name", &self.opening.name())
            .field("open", &matches!(self.life, Life::Open))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &[u8] = b"hello\n";

    /// Each end says hello, and wants to hear it.
    struct Hello;

    impl Opening for Hello {
        fn name(&self) -> &str {
            "hello"
        }

        fn begin(&mut self, say: &mut Vec<u8>) -> Result<Next, Error> {
            say.extend(HELLO);
            Ok(Next::Hear)
        }

        fn hear(&mut self, bytes: &[u8], _: &mut Vec<u8>) -> Result<(usize, Next), Error> {
            if bytes.starts_with(HELLO) {
                Ok((HELLO.len(), Next::Done))
            } else if HELLO.starts_with(bytes) {
                Ok((0, Next::Hear))
            } else {
                Err(Error::remote("no hello"))
            }
        }
    }

    #[test]
    fn it_keeps_the_contract() {
        stack::testing::check(|_| Opener::with(Hello));
    }
    #[test]
    fn an_end_that_is_written_waits_as_well() {
        let mut stack = stack::Stack::new(stack::Limits::default());
        stack.push(Opener::with(Hello)).unwrap();
        stack.write(b"written").unwrap();
        stack.shutdown();
        assert_eq!(stack.outgoing(), HELLO);
        stack.receive(&mut HELLO.to_vec());
        assert_eq!(stack.outgoing(), [HELLO, b"written"].concat());
    }
}
