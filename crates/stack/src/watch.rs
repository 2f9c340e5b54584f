//! Layers that only watch.

use std::any::{Any, TypeId};

use crate::layer::short_name;
use crate::{Chunk, Context, End, Error, Exit, Layer, Protocol, Readiness, Standing, Transport};

/// A layer that only watches: every byte passes as it is, so it may come and go at any moment
/// ([`Exit::Anytime`]). It is the guide's [first step](crate::guide::step_01_watch).
///
/// What is a `Watch` is a [`Layer`], and tells itself as its [info](crate::Stack::info):
///
/// ```
/// use stack::{Context, Limits, Stack, Watch};
///
/// struct Count(u64, u64);
///
/// impl Watch for Count {
///     fn received(&mut self, _: &Context<'_>, bytes: &[u8]) {
///         self.0 += bytes.len() as u64;
///     }
///     fn sent(&mut self, _: &Context<'_>, bytes: &[u8]) {
///         self.1 += bytes.len() as u64;
///     }
/// }
///
/// let mut stack = Stack::new(Limits::default());
/// stack.push(Count(0, 0)).unwrap();
/// stack.write(b"hello").unwrap();
/// assert_eq!(stack.info::<Count>().unwrap().1, 5);
/// ```
///
/// The methods are called in the order of a life (see [`Protocol`]). One that has come in while the
/// connection lives sees what passes from then on, and one that is popped sees nothing more.
pub trait Watch: Any + Send + Sync {
    /// What the layer is called in drawings and errors.
    fn name(&self) -> &str {
        short_name::<Self>()
    }

    /// It stands in the stack now.
    fn attached(&mut self, cx: &Context<'_>, standing: &Standing) {
        let _ = (cx, standing);
    }

    /// These bytes pass on their way up, to the application. They come as they happen to be cut.
    fn received(&mut self, cx: &Context<'_>, bytes: &[u8]) {
        let _ = (cx, bytes);
    }

    /// Nothing more comes from below.
    fn end_received(&mut self, cx: &Context<'_>) {
        let _ = cx;
    }

    /// These bytes pass on their way down, to the network.
    fn sent(&mut self, cx: &Context<'_>, bytes: &[u8]) {
        let _ = (cx, bytes);
    }

    /// The connection's outgoing half ends: nothing more comes from above. A watch that is popped is
    /// not told.
    fn finished(&mut self, cx: &Context<'_>) {
        let _ = cx;
    }

    /// The connection is over; nothing follows.
    fn lost(&mut self, end: &End) {
        let _ = end;
    }
}

impl<W: Watch> Layer for W {
    fn name(&self) -> &str {
        Watch::name(self)
    }

    fn exit(&self) -> Exit {
        Exit::Anytime
    }

    fn info(&self, wanted: TypeId) -> Option<&dyn Any> {
        (wanted == TypeId::of::<W>()).then_some(self)
    }
}

impl<W: Watch> Protocol for W {
    fn attached(&mut self, cx: &mut Context<'_>, standing: &Standing) -> Result<Readiness, Error> {
        Watch::attached(self, cx, standing);
        Ok(Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        Watch::received(self, cx, bytes);
        cx.deliver(bytes);
        Ok(bytes.len())
    }

    fn end_received(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        Watch::end_received(self, cx);
        Ok(())
    }

    fn lost(&mut self, end: &End) {
        Watch::lost(self, end);
    }
}

impl<W: Watch> Transport for W {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        Watch::sent(self, cx, chunk.as_slice());
        cx.send(chunk);
        Ok(())
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        Watch::finished(self, cx);
        Ok(())
    }
}
