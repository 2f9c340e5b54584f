//! The life of one direction.

/// One direction of a layer, with its codec while there is one.
pub(crate) enum Life<C: ?Sized> {
    /// No byte has come yet, so there is no codec that would cost memory.
    Fresh,
    Running(Box<C>),
    /// A stream has ended, and another follows, which the codec begins with its first byte.
    Between(Box<C>),
    /// The last end mark is behind us.
    Ended,
}

impl<C: ?Sized> Life<C> {
    /// A stream has ended, and another follows.
    pub(crate) fn pause(&mut self) {
        *self = match std::mem::replace(self, Self::Fresh) {
            Self::Running(codec) => Self::Between(codec),
            other => other,
        };
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(self, Self::Ended)
    }
}
