//! What has changed, told to whoever watches.

use std::fmt;
use std::time::Duration;

use crate::{LayerKey, Outcome, Stack};

/// How many notices wait for whoever watches; beyond that the oldest are forgotten.
const MOST: usize = 256;

/// A change of the stack, told to whoever watches, in this task or another.
///
/// An application that is a [`Protocol`](crate::Protocol) gets [`Event`](crate::Event)s, which it
/// answers within the call; a notice is for those who look on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// When, counted from the connection's beginning.
    pub at: Duration,
    /// Which layer.
    pub key: LayerKey,
    /// Its name.
    pub name: String,
    /// What happened to it.
    pub turn: Turn,
}

/// A turn in the life of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// It stands in the stack; if it has a handshake, that begins.
    Attached,
    /// Its handshake is over.
    Up,
    /// It was asked to leave, and its outbound half has ended.
    Leaving,
    /// Its pop takes longer than [`Limits::pop`](crate::Limits::pop). It goes on.
    Late,
    /// The peer has ended its inbound half, and nobody here had asked for that.
    Parked,
    /// It has left.
    Left(Outcome),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}s {}: ", self.at.as_secs_f64(), self.name)?;
        f.write_str(match self.turn {
            Turn::Attached => "attached",
            Turn::Up => "up",
            Turn::Leaving => "leaving",
            Turn::Late => "late to leave",
            Turn::Parked => "parked: its peer has ended it",
            Turn::Left(Outcome::Clean) => "left",
            Turn::Left(Outcome::Ripped { held }) => {
                return write!(f, "ripped out, {held} bytes held");
            }
        })
    }
}

impl Stack {
    /// From now on, notices of all changes are kept for [`take_notices`](Self::take_notices); with
    /// `false`, no longer. At most 256 wait.
    pub fn watch(&mut self, watch: bool) {
        self.news = watch.then(|| self.news.take().unwrap_or_default());
    }

    /// What has changed since this was last asked, if the stack is [watched](Self::watch).
    pub fn take_notices(&mut self) -> Vec<Notice> {
        self.news.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Something has happened to the layer at `place`.
    #[inline]
    pub(crate) fn tell(&mut self, place: usize, turn: Turn) {
        if self.news.is_some() {
            self.tell_watchers(place, turn);
        }
    }

    #[cold]
    fn tell_watchers(&mut self, place: usize, turn: Turn) {
        let Some(news) = &mut self.news else { return };
        if news.len() == MOST {
            news.remove(0);
        }
        news.push(Notice {
            at: self.core.now,
            key: self.core.keys[place],
            name: self.slots[place].node.name().to_owned(),
            turn,
        });
    }
}
