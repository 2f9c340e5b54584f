//! Conversations in tests: what one end says and hears, whole and at every cut.

use std::sync::Arc;

use stack::{Error, Limits, PushError, Stack};

use crate::{Opener, Opening};

/// What stands behind the conversation, for those above.
const BEHIND: &[u8] = b"what follows";

/// A conversation in parts, played from its beginning with each way of cutting what is heard.
pub(crate) struct Talk<O> {
    make: Arc<dyn Fn() -> Opener<O>>,
    parts: Vec<Part>,
}

#[derive(Clone)]
enum Part {
    Says(Vec<u8>),
    Hears {
        bytes: Vec<u8>,
        piece: Option<usize>,
    },
}

impl<O> Clone for Talk<O> {
    fn clone(&self) -> Self {
        Self {
            make: Arc::clone(&self.make),
            parts: self.parts.clone(),
        }
    }
}

impl<O: Opening> Talk<O> {
    pub(crate) fn of(make: impl Fn() -> Opener<O> + 'static) -> Self {
        Self {
            make: Arc::new(make),
            parts: Vec::new(),
        }
    }

    /// It says exactly this next, and no more.
    pub(crate) fn says(mut self, bytes: &[u8]) -> Self {
        self.parts.push(Part::Says(bytes.to_vec()));
        self
    }

    /// It hears this next, and is not open before all of it has come.
    pub(crate) fn hears(mut self, bytes: &[u8]) -> Self {
        let (bytes, piece) = (bytes.to_vec(), None);
        self.parts.push(Part::Hears { bytes, piece });
        self
    }

    /// The same, cut in pieces of one length only.
    pub(crate) fn hears_in_pieces(mut self, bytes: &[u8], piece: usize) -> Self {
        let (bytes, piece) = (bytes.to_vec(), Some(piece));
        self.parts.push(Part::Hears { bytes, piece });
        self
    }

    /// The same, in one piece only.
    pub(crate) fn hears_whole(self, bytes: &[u8]) -> Self {
        self.hears_in_pieces(bytes, bytes.len())
    }

    /// Then the way is open, and what follows, in the same bytes or later, is for those above.
    pub(crate) fn opens(self) {
        self.clone().opens_before(BEHIND);
        self.opens_alone();
    }

    /// Then the way is open, if nothing has come along.
    pub(crate) fn opens_alone(self) {
        self.opens_before(b"");
    }

    fn opens_before(self, behind: &[u8]) {
        for piece in self.pieces() {
            let mut stack = Stack::new(Limits::default());
            stack.push((self.make)()).unwrap();
            stack.write(b"written at once").unwrap();
            for (n, part) in self.parts.iter().enumerate() {
                let last = n + 1 == self.parts.len();
                match part {
                    Part::Says(bytes) => {
                        assert_eq!(take(&mut stack), bytes.escape_ascii().to_string())
                    }
                    Part::Hears { bytes, .. } if last => {
                        let mut heard = 0;
                        for piece in [bytes, behind].concat().chunks(piece) {
                            assert_eq!(stack.is_up(), heard >= bytes.len());
                            stack.receive(&mut piece.to_vec());
                            heard += piece.len();
                        }
                    }
                    Part::Hears { bytes, .. } => hear(&mut stack, bytes, piece),
                }
                assert_eq!(stack.is_up(), last, "{:?}", stack.input_end());
            }
            assert_eq!(take(&mut stack), "written at once");
            assert_eq!(stack.readable(), behind);
        }
    }

    /// Then it has failed, and those above have heard nothing; the error.
    pub(crate) fn fails(self) -> Error {
        let mut errors = self.pieces().into_iter().map(|piece| {
            let mut stack = Stack::new(Limits::default());
            stack.push((self.make)()).unwrap();
            stack.write(b"written at once").unwrap();
            for part in &self.parts {
                match part {
                    Part::Says(bytes) => {
                        assert_eq!(take(&mut stack), bytes.escape_ascii().to_string())
                    }
                    Part::Hears { bytes, .. } => hear(&mut stack, bytes, piece),
                }
            }
            assert!(stack.readable().is_empty());
            assert!(!take(&mut stack).contains("written at once"));
            stack.write(b"x").unwrap_err()
        });
        let first = errors.next().unwrap();
        for error in errors {
            assert_eq!(error.to_string(), first.to_string());
        }
        first
    }

    /// How long the pieces are in which bytes come.
    fn pieces(&self) -> Vec<usize> {
        let heard = self.parts.iter().filter_map(|part| match part {
            Part::Hears { bytes, piece } => Some((bytes.len(), *piece)),
            Part::Says(_) => None,
        });
        let set = heard.clone().find_map(|(_, piece)| piece);
        let longest = heard.map(|(length, _)| length).max().unwrap_or(1);
        match set {
            Some(piece) => vec![piece],
            None => (1..=longest + BEHIND.len()).collect(),
        }
    }
}

/// Why a layer that cannot be is refused at its push.
pub(crate) fn error_of<O: Opening>(layer: Opener<O>) -> Error {
    let mut stack = Stack::new(Limits::default());
    match stack.push(layer) {
        Err(PushError::Refused { error, .. }) => {
            assert!(stack.outgoing().is_empty());
            error
        }
        other => panic!("{other:?}"),
    }
}

fn hear(stack: &mut Stack, bytes: &[u8], piece: usize) {
    for piece in bytes.chunks(piece) {
        stack.receive(&mut piece.to_vec());
    }
}

/// What was said since this was asked last.
fn take(stack: &mut Stack) -> String {
    stack.flush();
    let said = stack.outgoing().to_vec();
    stack.sent(said.len());
    said.escape_ascii().to_string()
}
