//! NNTP (RFC 4642).

use stack::Error;

use super::error::{StarttlsError, refused};
use super::lines::Dialogue;
use crate::Next;

#[derive(Default)]
pub(super) enum Nntp {
    /// The greeting comes next.
    #[default]
    Greeting,
    /// Whether it tells what it offers (RFC 3977, section 5.2) comes next.
    Answer,
    /// What is offered comes next, line by line.
    Offers { starttls: bool },
    /// The go-ahead comes next.
    GoAhead,
}

impl Dialogue for Nntp {
    fn heard(&mut self, line: &str, say: &mut Vec<u8>) -> Result<Next, Error> {
        let code = line.split(' ').next().unwrap_or_default();
        match (&mut *self, code) {
            (Self::Offers { starttls }, _) if line != "." => {
                *starttls |= line.eq_ignore_ascii_case("STARTTLS");
            }
            (Self::Offers { starttls: true }, _) => {
                say.extend(b"STARTTLS\r\n");
                *self = Self::GoAhead;
            }
            (Self::Offers { starttls: false }, _) | (Self::Answer, "480" | "500") => {
                return Err(StarttlsError::NotOffered.into());
            }
            (Self::Greeting, "200" | "201") => {
                say.extend(b"CAPABILITIES\r\n");
                *self = Self::Answer;
            }
            (Self::Answer, "101") => *self = Self::Offers { starttls: false },
            (Self::GoAhead, "382") => return Ok(Next::Done),
            _ => return Err(refused(line)),
        }
        Ok(Next::Hear)
    }
}
