//! The life of one direction.

use stack::Error;

/// One direction of a layer, with its codec while there is one.
pub(crate) enum Half<C> {
    /// No byte has come yet, so there is no codec that would cost memory.
    Fresh,
    Running(C),
    /// The end mark is behind us.
    Ended,
}

impl<C> Half<C> {
    /// The codec, made if this is the first byte; `None` after the end mark.
    pub(crate) fn codec(
        &mut self,
        make: impl FnOnce() -> Result<C, Error>,
    ) -> Result<Option<&mut C>, Error> {
        if let Self::Fresh = self {
            *self = Self::Running(make()?);
        }
        Ok(match self {
            Self::Running(codec) => Some(codec),
            Self::Fresh | Self::Ended => None,
        })
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(self, Self::Ended)
    }
}
