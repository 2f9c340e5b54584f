//! The course of a change that is awaited, by the owner or by another task.

use crate::layer::downcast;
use crate::view::State;
use crate::{
    Changes, ErrorKind, Layer, LayerId, LayerKey, Outcome, PopError, Popping, PushError, Stack,
};

/// How far something that is awaited has come.
pub(super) enum Progress<T> {
    /// It cannot begin before another change has come to its end; nothing has happened.
    Waiting,
    /// It is under way, and goes on by itself.
    Begun,
    Done(T),
}

impl<T> Progress<T> {
    pub(super) fn done(self) -> Option<T> {
        match self {
            Self::Waiting | Self::Begun => None,
            Self::Done(result) => Some(result),
        }
    }

    pub(super) fn map<U>(self, with: impl FnOnce(T) -> U) -> Progress<U> {
        match self {
            Self::Waiting => Progress::Waiting,
            Self::Begun => Progress::Begun,
            Self::Done(result) => Progress::Done(with(result)),
        }
    }
}

/// Whether nobody but the one who awaits the change could make what it waits for come: then it is
/// not waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Alone {
    Yes,
    No,
}

/// Brings layers in by `add`, and waits until those that `keys` names are up, unless that cannot be
/// before the application reads. One that withdraws is given back by `back`.
pub(super) fn add<T, R>(
    what: T,
    mut add: impl FnMut(&mut Stack, T) -> Result<R, PushError<T>>,
    keys: impl Fn(&R) -> Vec<LayerKey>,
    back: impl Fn(LayerKey, Box<dyn Layer>) -> Option<T>,
) -> impl FnMut(&mut Stack, Alone) -> Progress<Result<R, PushError<T>>> {
    let mut what = Some(what);
    let mut added = None;
    move |stack, alone| {
        if let Some(it) = what.take() {
            match add(stack, it) {
                Ok(it) => added = Some(it),
                Err(PushError::Refused { back, error })
                    if error.kind() == ErrorKind::Busy && alone == Alone::No =>
                {
                    what = Some(back);
                    return Progress::Waiting;
                }
                Err(error) => return Progress::Done(Err(error)),
            }
        }
        if let Err(error) = stack.failure() {
            return Progress::Done(Err(PushError::Begun(error)));
        }
        for key in added.as_ref().map(&keys).unwrap_or_default() {
            if let Some((layer, error)) = stack.take_refused_key(key)
                && let Some(back) = back(key, layer)
            {
                return Progress::Done(Err(PushError::Refused { back, error }));
            }
        }
        let coming = |added: &R| {
            let mut layers = stack.layers();
            let keys = keys(added);
            layers.any(|it| it.state() == State::Handshaking && keys.contains(&it.key()))
        };
        // What they await comes to light by reading: then it is for `ready` to wait for them.
        match added.take_if(|added| alone == Alone::Yes || !coming(added)) {
            Some(added) => Progress::Done(Ok(added)),
            None => Progress::Begun,
        }
    }
}

/// [`add`] for a single layer.
pub(super) fn push<L: Layer>(
    layer: L,
    push: impl FnMut(&mut Stack, L) -> Result<LayerId<L>, PushError<L>>,
) -> impl FnMut(&mut Stack, Alone) -> Progress<Result<LayerId<L>, PushError<L>>> {
    let back = |_, layer| downcast(layer).ok();
    add(layer, push, |id: &LayerId<L>| vec![id.key()], back)
}

/// [`add`] for several changes as one.
pub(super) fn apply(
    changes: Changes,
) -> impl FnMut(&mut Stack, Alone) -> Progress<Result<(), PushError<Changes>>> {
    let keys = changes.added();
    let back = |key, layer| Some(Changes::of_withdrawn(key, layer));
    add(changes, Stack::apply, move |()| keys.clone(), back)
}

/// Asks a layer to leave, and waits until its outbound half has ended.
pub(super) fn start_pop(
    key: LayerKey,
) -> impl FnMut(&mut Stack, Alone) -> Progress<Result<(), PopError>> {
    let mut asked = false;
    move |stack, alone| {
        if !asked {
            match stack.start_pop(key) {
                Ok(()) => asked = true,
                Err(error) if error.kind() == ErrorKind::Busy && alone == Alone::No => {
                    return Progress::Waiting;
                }
                Err(error) => {
                    let failed = stack.failure().is_err() && stack.check_alive().is_ok();
                    return Progress::Done(Err(match failed {
                        true => PopError::Failed(error),
                        false => PopError::Refused(error),
                    }));
                }
            }
        }
        let popping = stack.popping(key);
        match stack.failure() {
            Err(error) if popping != Popping::Left => Progress::Done(Err(PopError::Failed(error))),
            _ => match popping {
                Popping::Waiting => Progress::Begun,
                // It waited for the layer's handshake, and was not possible then.
                Popping::NotAsked => {
                    asked = false;
                    Progress::Waiting
                }
                _ => Progress::Done(Ok(())),
            },
        }
    }
}

/// Asks a layer to leave, and waits until it has.
pub(super) fn pop<L: Layer>(
    id: LayerId<L>,
) -> impl FnMut(&mut Stack, Alone) -> Progress<Result<(L, Outcome), PopError>> {
    let mut start = start_pop(id.key());
    move |stack, alone| {
        match start(stack, alone) {
            Progress::Waiting => return Progress::Waiting,
            Progress::Begun => return Progress::Begun,
            Progress::Done(Err(error)) => return Progress::Done(Err(error)),
            Progress::Done(Ok(())) => {}
        }
        if let Some(left) = stack.take_popped(id) {
            return Progress::Done(Ok(left));
        }
        match stack.popping(id) {
            Popping::OutboundEnded { late: true, .. } => Progress::Done(Err(PopError::Late)),
            Popping::OutboundEnded {
                needs_read: true, ..
            } if alone == Alone::Yes => Progress::Done(Err(PopError::NeedsRead)),
            Popping::Gone => Progress::Done(Err(PopError::Refused(crate::rules::refusal(
                "the layer has left, and was given to somebody else",
            )))),
            _ => Progress::Begun,
        }
    }
}
