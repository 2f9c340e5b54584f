//! POP3 (RFC 2595, section 4).

use stack::Error;

use super::error::{StarttlsError, refused, unexpected};
use super::lines::Dialogue;
use crate::Next;

#[derive(Default)]
pub(super) enum Pop3 {
    /// The greeting comes next.
    #[default]
    Greeting,
    /// Whether it tells what it offers (RFC 2449) comes next.
    Answer,
    /// What is offered comes next, line by line.
    Offers { stls: bool },
    /// The go-ahead comes next.
    GoAhead,
}

impl Dialogue for Pop3 {
    fn heard(&mut self, line: &str, say: &mut Vec<u8>) -> Result<Next, Error> {
        let is_ok = line.split(' ').next() == Some("+OK");
        match self {
            Self::Offers { stls } if line != "." => *stls |= line.eq_ignore_ascii_case("STLS"),
            Self::Offers { stls: true } => {
                say.extend(b"STLS\r\n");
                *self = Self::GoAhead;
            }
            Self::Offers { stls: false } => return Err(StarttlsError::NotOffered.into()),
            _ if !is_ok && !line.starts_with("-ERR") => return Err(unexpected(line)),
            Self::Answer if !is_ok => return Err(StarttlsError::NotOffered.into()),
            _ if !is_ok => return Err(refused(line)),
            Self::Greeting => {
                say.extend(b"CAPA\r\n");
                *self = Self::Answer;
            }
            Self::Answer => *self = Self::Offers { stls: false },
            Self::GoAhead => return Ok(Next::Done),
        }
        Ok(Next::Hear)
    }
}
