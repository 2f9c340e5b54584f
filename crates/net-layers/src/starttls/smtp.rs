//! SMTP (RFC 3207).

use stack::Error;

use super::error::{StarttlsError, refused, unexpected};
use super::lines::{Dialogue, Reply};
use crate::Next;

pub(super) struct Smtp {
    client: String,
    awaits: Awaits,
    reply: Reply,
}

/// Which reply comes next.
enum Awaits {
    Greeting,
    Offers { starttls: bool },
    GoAhead,
}

impl Smtp {
    pub(super) fn new(client: String) -> Self {
        Self {
            client,
            awaits: Awaits::Greeting,
            reply: Reply::default(),
        }
    }
}

impl Dialogue for Smtp {
    fn begin(&mut self) -> Result<(), Error> {
        match super::is_domain(&self.client) {
            true => Ok(()),
            false => Err(Error::local(format!("{:?} is no domain", self.client))),
        }
    }

    fn heard(&mut self, line: &str, say: &mut Vec<u8>) -> Result<Next, Error> {
        if !self.reply.has_code_of(line) {
            return Err(unexpected(line));
        }
        if let Awaits::Offers { starttls } = &mut self.awaits {
            *starttls |= line
                .get(4..)
                .is_some_and(|it| it.eq_ignore_ascii_case("STARTTLS"));
        }
        let Some(code) = self.reply.heard(line)? else {
            return Ok(Next::Hear);
        };
        match (&self.awaits, &*code) {
            (Awaits::Greeting, "220") => {
                say.extend(format!("EHLO {}\r\n", self.client).bytes());
                self.awaits = Awaits::Offers { starttls: false };
                Ok(Next::Hear)
            }
            (Awaits::Offers { starttls: true }, "250") => {
                say.extend(b"STARTTLS\r\n");
                self.awaits = Awaits::GoAhead;
                Ok(Next::Hear)
            }
            (Awaits::Offers { starttls: false }, "250") => Err(StarttlsError::NotOffered.into()),
            (Awaits::GoAhead, "220") => Ok(Next::Done),
            _ => Err(refused(line)),
        }
    }
}
