//! The rules of the contract, by name.

use std::fmt;

/// A rule of the contract between a layer and its stack, by the name under which
/// [`check`](super::check()) reports that a layer breaks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// A layer says that it took no more bytes than it was offered.
    /// [`Protocol::received`](crate::Protocol::received)
    Taken,
    /// Bytes that a layer does not take it leaves as they are.
    /// [`Protocol::received`](crate::Protocol::received)
    Untaken,
    /// What the one application writes the other reads: each byte once, in order, unchanged.
    Bytes,
    /// Nothing depends on how the input happens to be cut. [`Protocol`](crate::Protocol), Cuts
    Cuts,
    /// Nothing depends on how much room there is, or on how long an application reads nothing.
    Pressure,
    /// What makes bytes asks before each block whether it is wanted.
    /// [`Context::wanted`](crate::Context::wanted)
    Wanted,
    /// A flush lets the peer read all that was written so far.
    /// [`Transport::flush`](crate::Transport::flush)
    Flush,
    /// What a layer stages has a bound: when it has enough, it holds back.
    /// [`Transport::send`](crate::Transport::send)
    Bounds,
    /// Who holds back lets writing go on once it was flushed.
    /// [`Context::hold_back`](crate::Context::hold_back)
    HoldBack,
    /// A layer tells how many bytes are inside it. [`Layer::held`](crate::Layer::held)
    Held,
    /// A handshake comes to its end, and what is written meanwhile is kept.
    /// [`Context::up`](crate::Context::up)
    Up,
    /// Finishing, a layer first hands on what it stages.
    /// [`Transport::finish`](crate::Transport::finish)
    Finish,
    /// One half ends, and the other lives on.
    HalfClose,
    /// A layer with [`Exit::Marked`](crate::Exit::Marked) sends its end mark when it finishes, and
    /// tells of its peer's. [`Context::end_mark`](crate::Context::end_mark)
    EndMark,
    /// The peer's end mark is taken whole, and nothing that follows it.
    /// [`Context::end_mark`](crate::Context::end_mark)
    Remainder,
    /// An input that ends without the end mark is truncated; one that ends with it is not.
    /// [`Protocol::end_received`](crate::Protocol::end_received)
    Truncation,
    /// Pushed at any byte, a layer works from exactly there.
    Push,
    /// A layer with [`Exit::Anytime`](crate::Exit::Anytime) leaves the bytes as they are.
    Anytime,
    /// Pushed again after a pop, a layer begins anew, or refuses.
    /// [`Protocol::attached`](crate::Protocol::attached)
    Again,
    /// It works as well with other layers above and below.
    Company,
    /// When its time comes, a layer keeps all the other rules; and a time that is asked for comes
    /// closer. [`Context::wake_at`](crate::Context::wake_at)
    Time,
    /// Who is asked for a value of one type tells no other. [`Layer::info`](crate::Layer::info)
    Info,
    /// What an honest peer sends is no error.
    Honest,
    /// Whatever comes, there is no panic: between two honest ends, where one byte on the wire is
    /// another, and where all is noise.
    Panic,
    /// A future that is dropped loses nothing.
    Cancel,
    /// A chunk costs no more allocations than were said.
    Allocations,
    /// Everything comes to its end.
    Rest,
    /// The stack's own part of the contract: if you see this, it is a bug of ours.
    Stack,
}

impl Rule {
    /// Whether this is what comes of the breach of many another rule.
    pub(super) fn is_general(self) -> bool {
        matches!(
            self,
            Self::Bytes
                | Self::EndMark
                | Self::Flush
                | Self::Honest
                | Self::Rest
                | Self::Stack
                | Self::Truncation
                | Self::Up
        )
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Taken => "a layer takes no more bytes than it is offered",
            Self::Untaken => "what a layer does not take it leaves as it is",
            Self::Bytes => "what the one application writes the other reads, each byte once",
            Self::Cuts => "nothing depends on how the input is cut",
            Self::Pressure => "nothing depends on how much room there is",
            Self::Wanted => "what makes bytes asks before each block whether it is wanted",
            Self::Flush => "a flush lets the peer read all that was written so far",
            Self::Bounds => "what a layer stages has a bound",
            Self::HoldBack => "who holds back lets writing go on once it was flushed",
            Self::Held => "a layer tells how many bytes are inside it",
            Self::Up => "a handshake comes to its end, and what is written meanwhile is kept",
            Self::Finish => "finishing, a layer first hands on what it stages",
            Self::HalfClose => "one half ends, and the other lives on",
            Self::EndMark => "an end mark is sent, and told of",
            Self::Remainder => "the peer's end mark is taken whole, and nothing that follows it",
            Self::Truncation => "an input that ends without the end mark is truncated",
            Self::Push => "pushed at any byte, a layer works from exactly there",
            Self::Anytime => "who may leave at any time leaves the bytes as they are",
            Self::Again => "pushed again, a layer begins anew, or refuses",
            Self::Company => "it works as well with other layers above and below",
            Self::Time => "nothing is broken when a layer's time comes, and each time comes closer",
            Self::Info => "who is asked for a value of one type tells no other",
            Self::Honest => "what an honest peer sends is no error",
            Self::Panic => "whatever comes, there is no panic",
            Self::Cancel => "a future that is dropped loses nothing",
            Self::Allocations => "a chunk costs no more allocations than were said",
            Self::Rest => "everything comes to its end",
            Self::Stack => "the stack keeps its own part of the contract",
        })
    }
}
