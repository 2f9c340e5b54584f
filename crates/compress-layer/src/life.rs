//! The life of one direction.

use stack::Error;

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
    /// Sees to it that there is a codec within a stream, unless the last one has ended: makes one, or
    /// has it begin `again`.
    pub(crate) fn begin(
        &mut self,
        make: impl FnOnce() -> Result<Box<C>, Error>,
        again: impl FnOnce(&mut C) -> Result<(), Error>,
    ) -> Result<(), Error> {
        *self = match std::mem::replace(self, Self::Fresh) {
            Self::Fresh => Self::Running(make()?),
            Self::Between(mut codec) => {
                again(&mut codec)?;
                Self::Running(codec)
            }
            other => other,
        };
        Ok(())
    }

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
