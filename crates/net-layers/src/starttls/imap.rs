//! IMAP (RFC 9051, section 6.2.1).

use stack::Error;

use super::error::{StarttlsError, refused, unexpected};
use super::lines::Dialogue;
use crate::Next;

#[derive(Default)]
pub(super) enum Imap {
    /// The greeting comes next.
    #[default]
    Greeting,
    /// What is offered comes next.
    Offers { starttls: bool },
    /// The go-ahead comes next.
    GoAhead,
}

impl Dialogue for Imap {
    fn heard(&mut self, line: &str, say: &mut Vec<u8>) -> Result<Next, Error> {
        let mut words = line.split(' ');
        let (tag, status) = (words.next(), words.next().unwrap_or_default());
        let status = status.to_ascii_uppercase();
        match (&mut *self, tag, &*status) {
            (Self::Greeting, Some("*"), "OK") => {
                say.extend(b"a CAPABILITY\r\n");
                *self = Self::Offers { starttls: false };
            }
            (Self::Greeting, Some("*"), "PREAUTH") => return Err(StarttlsError::LoggedIn.into()),
            (_, Some("*"), "BYE") => return Err(refused(line)),
            (Self::Greeting, ..) => return Err(unexpected(line)),
            (Self::Offers { starttls }, Some("*"), "CAPABILITY") => {
                *starttls |= words.any(|word| word.eq_ignore_ascii_case("STARTTLS"));
            }
            (Self::Offers { starttls: true }, Some("a"), "OK") => {
                say.extend(b"b STARTTLS\r\n");
                *self = Self::GoAhead;
            }
            (Self::Offers { .. }, Some("a"), "OK") => return Err(StarttlsError::NotOffered.into()),
            (Self::GoAhead, Some("b"), "OK") => return Ok(Next::Done),
            // What nobody has asked for.
            (_, Some("*"), _) => {}
            (_, Some("a" | "b"), "NO" | "BAD") => return Err(refused(line)),
            _ => return Err(unexpected(line)),
        }
        Ok(Next::Hear)
    }
}
