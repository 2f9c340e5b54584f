//! FTP's control connection (RFC 4217, section 4).

use stack::Error;

use super::error::{StarttlsError, refused};
use super::lines::{Dialogue, Reply};
use crate::Next;

/// Many servers do not say what they offer before somebody has logged in, so it is simply asked for.
#[derive(Default)]
pub(super) struct Ftp {
    reply: Reply,
    asked: bool,
}

impl Dialogue for Ftp {
    fn heard(&mut self, line: &str, say: &mut Vec<u8>) -> Result<Next, Error> {
        let Some(code) = self.reply.heard(line)? else {
            return Ok(Next::Hear);
        };
        match (self.asked, &*code) {
            // In a while.
            (false, "120") => Ok(Next::Hear),
            (false, "220") => {
                say.extend(b"AUTH TLS\r\n");
                self.asked = true;
                Ok(Next::Hear)
            }
            (true, "234") => Ok(Next::Done),
            (true, "500" | "502" | "504") => Err(StarttlsError::NotOffered.into()),
            _ => Err(refused(line)),
        }
    }
}
