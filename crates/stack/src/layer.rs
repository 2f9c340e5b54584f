//! Both faces on one node.

use std::any::{Any, TypeId};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Chunk, Context, End, Error, Event, Protocol, Readiness, Standing, Transport};

/// A node with both faces: to what stands above it a [`Transport`], to what stands below it a
/// [`Protocol`]. The [guide](crate::guide) grows one step by step.
///
/// A layer that turns each byte into another, both ways:
///
/// ```
/// use stack::{Chunk, Context, Error, Layer, Protocol, Transport};
///
/// struct Xor(u8);
///
/// impl Protocol for Xor {
///     fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
///         bytes.iter_mut().for_each(|byte| *byte ^= self.0);
///         cx.deliver(bytes);
///         Ok(bytes.len())
///     }
/// }
///
/// impl Transport for Xor {
///     fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
///         let mut bytes = chunk.as_slice().to_vec();
///         bytes.iter_mut().for_each(|byte| *byte ^= self.0);
///         cx.send(&mut bytes);
///         Ok(())
///     }
/// }
///
/// impl Layer for Xor {}
/// ```
pub trait Layer: Protocol + Transport {
    /// What the layer is called in drawings and errors. Names may repeat.
    fn name(&self) -> &str {
        short_name::<Self>()
    }

    /// How the layer can be popped without losing a byte. Asked when it is to be popped, and again when
    /// its outgoing half has ended; so it may change in between.
    fn exit(&self) -> Exit {
        Exit::Silent
    }

    /// What becomes of bytes that were received, but not read, when the layer is pushed.
    fn residue(&self) -> Residue {
        Residue::Feed
    }

    /// What the layer does to bytes, as far as that forbids it to stand in some places.
    fn role(&self) -> Role {
        Role::Free
    }

    /// How many bytes are inside the layer, in both directions: those that it took and has not
    /// handed on. A layer that cannot know how many tells at least one while there may be any.
    fn held(&self) -> usize {
        0
    }

    /// A value of type `wanted` that this layer has to tell, such as the parameters that it
    /// negotiated. See [`Stack::info`](crate::Stack::info); and [`Signal`](crate::Signal), which is told
    /// this way, too.
    fn info(&self, wanted: TypeId) -> Option<&dyn Any> {
        let _ = wanted;
        None
    }
}

/// The name of a type, without where it is from and what it is made of.
pub(crate) fn short_name<T: ?Sized>() -> &'static str {
    let path = std::any::type_name::<T>();
    let end = path.find('<').unwrap_or(path.len());
    path[..end].rsplit("::").next().unwrap_or(path)
}

/// A layer whose type is known at run time only.
impl Layer for Box<dyn Layer> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn exit(&self) -> Exit {
        (**self).exit()
    }

    fn residue(&self) -> Residue {
        (**self).residue()
    }

    fn role(&self) -> Role {
        (**self).role()
    }

    fn held(&self) -> usize {
        (**self).held()
    }

    fn info(&self, wanted: TypeId) -> Option<&dyn Any> {
        (**self).info(wanted)
    }
}

impl Protocol for Box<dyn Layer> {
    fn attached(&mut self, cx: &mut Context<'_>, at: &Standing) -> Result<Readiness, Error> {
        (**self).attached(cx, at)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        (**self).received(cx, bytes)
    }

    fn end_received(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        (**self).end_received(cx)
    }

    fn writable(&mut self, cx: &mut Context<'_>, writable: bool) {
        (**self).writable(cx, writable);
    }

    fn event(&mut self, cx: &mut Context<'_>, event: Event) {
        (**self).event(cx, event);
    }

    fn lost(&mut self, end: &End) {
        (**self).lost(end);
    }

    fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        (**self).timed_out(cx)
    }
}

impl Transport for Box<dyn Layer> {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        (**self).send(cx, chunk)
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        (**self).flush(cx)
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        (**self).finish(cx)
    }
}

/// How a layer can be popped without losing a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The layer's protocol has an end mark in each direction: [`Transport::finish`] sends ours,
    /// [`Context::end_mark`](crate::Context::end_mark) tells of the peer's. The stack does not
    /// answer the peer's mark: until the application pops the layer, its reads see the end of
    /// input, and what follows the mark waits.
    Marked,
    /// There is no end mark. The cut is exact only while nothing is under way: no inbound byte
    /// unread above the layer, none held below it. The default.
    Silent,
    /// The layer leaves the bytes as they are, so any moment will do.
    Anytime,
}

/// What a layer does to bytes, as far as that forbids it to stand in some places. A layer that is
/// refused for this, but meant, says [`Free`](Self::Free).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// It may stand anywhere. The default.
    Free,
    /// It compresses. It may not stand above or below another that does: the lower one only costs,
    /// and a small bomb within a bomb is a large one.
    Compression,
    /// It encrypts. It may not stand above one that compresses, which would be of no use there, nor
    /// above or below another that encrypts: a STARTTLS within TLS is mostly a mistake, or an attack
    /// on whoever believes the outer one to be the inner.
    Encryption,
}

/// What becomes of bytes that were received, but not consumed, when a layer is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Residue {
    /// They go through the new layer: right where the peer may already have spoken its language
    /// (COMPRESS, the PROXY protocol).
    Feed,
    /// They are handed back: they stay to be read, as bytes of the epoch before, and the layer
    /// begins behind them. Right where the peer's bytes of the new language come only after
    /// something that this side is yet to say. Refused while bytes wait below another layer, for
    /// whether those have risen yet is chance.
    HandBack,
    /// They are a protocol violation, or an attack (CVE-2011-0411): right where the peer may not
    /// speak before it has our answer (STARTTLS).
    Reject,
}

/// Which layer, without its type. No two layers of a process have the same, so the key of another
/// connection's layer names none here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LayerKey(pub(crate) u64);

impl LayerKey {
    pub(crate) fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Which layer, with its type, so that popping it gives that very layer back.
pub struct LayerId<L: ?Sized> {
    pub(crate) key: LayerKey,
    pub(crate) of: PhantomData<fn() -> L>,
}

impl<L: ?Sized> LayerId<L> {
    pub(crate) fn new(key: LayerKey) -> Self {
        Self {
            key,
            of: PhantomData,
        }
    }

    /// The same layer, without its type, as [`Event`](crate::Event)s name it.
    pub fn key(self) -> LayerKey {
        self.key
    }
}

impl<L: ?Sized> From<LayerId<L>> for LayerKey {
    fn from(id: LayerId<L>) -> Self {
        id.key
    }
}

impl<L: ?Sized> Clone for LayerId<L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L: ?Sized> Copy for LayerId<L> {}

impl<L: ?Sized> PartialEq for LayerId<L> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<L: ?Sized> Eq for LayerId<L> {}

impl<L: ?Sized> Hash for LayerId<L> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl<L: ?Sized> fmt::Debug for LayerId<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LayerId({})", self.key.0)
    }
}

/// Whether the layer is an `L`.
pub(crate) fn is<L: Layer>(layer: &dyn Layer) -> bool {
    (layer as &dyn Any).is::<L>()
}

/// The layer inside the box, if it is an `L`.
pub(crate) fn downcast<L: Layer>(layer: Box<dyn Layer>) -> Result<L, Box<dyn Layer>> {
    if is::<L>(&*layer) {
        let layer: Box<dyn Any> = layer;
        Ok(*layer
            .downcast::<L>()
            .unwrap_or_else(|_| unreachable!("just asked")))
    } else {
        Err(layer)
    }
}
