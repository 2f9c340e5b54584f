//! XMPP (RFC 6120, section 5).

use stack::{Error, Residue};

use super::error::{StarttlsError, refused, unexpected};
use crate::{Next, Opening};

/// Nothing that is awaited is longer, in bytes.
const LONGEST: usize = 16 * 1024;

/// Understands no more of XML than where tags end, and how they begin.
pub(super) struct Xmpp {
    domain: String,
    awaits: Awaits,
}

enum Awaits {
    /// What is offered, which may have been told in parts.
    Features,
    GoAhead,
}

impl Xmpp {
    pub(super) fn new(domain: String) -> Self {
        let awaits = Awaits::Features;
        Self { domain, awaits }
    }
}

impl Opening for Xmpp {
    fn name(&self) -> &str {
        "xmpp"
    }

    fn residue(&self) -> Residue {
        Residue::Reject
    }

    fn begin(&mut self, say: &mut Vec<u8>) -> Result<Next, Error> {
        if !super::is_domain(&self.domain) {
            return Err(Error::local(format!("{:?} is no domain", self.domain)));
        }
        let stream = format!(
            "<?xml version='1.0'?><stream:stream to='{}' version='1.0' xmlns='jabber:client' \
             xmlns:stream='http://etherx.jabber.org/streams'>",
            self.domain
        );
        say.extend(stream.bytes());
        Ok(Next::Hear)
    }

    fn hear(&mut self, bytes: &[u8], say: &mut Vec<u8>) -> Result<(usize, Next), Error> {
        let heard = &bytes[..bytes.len().min(LONGEST)];
        let (mut length, mut starttls, mut refuses) = (0, false, false);
        for tag in heard.split_inclusive(|byte| *byte == b'>') {
            if !tag.ends_with(b">") {
                break;
            }
            length += tag.len();
            // Without the text before it.
            let tag = &tag[tag.iter().rposition(|byte| *byte == b'<').unwrap_or(0)..];
            let is = |name: &str| tag.starts_with(name.as_bytes());
            match self.awaits {
                // The first tag within it says why.
                _ if refuses || (is("<failure") && tag.ends_with(b"/>")) => {
                    return Err(refused(&String::from_utf8_lossy(tag)));
                }
                _ if is("<stream:error") || is("<failure") => refuses = true,
                Awaits::Features if is("<starttls") => starttls = true,
                Awaits::Features if is("</stream:features") && starttls => {
                    say.extend(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
                    self.awaits = Awaits::GoAhead;
                    return Ok((length, Next::Hear));
                }
                Awaits::Features
                    if is("</stream:features")
                        || (is("<stream:features") && tag.ends_with(b"/>")) =>
                {
                    return Err(StarttlsError::NotOffered.into());
                }
                Awaits::Features => {}
                Awaits::GoAhead if is("<proceed") && !tag.ends_with(b"/>") => {}
                Awaits::GoAhead if is("<proceed") || is("</proceed") => {
                    return Ok((length, Next::Done));
                }
                Awaits::GoAhead => return Err(unexpected(&String::from_utf8_lossy(tag))),
            }
        }
        match bytes.len() >= LONGEST {
            true => Err(Error::remote("more than 16 KiB without what was asked for")),
            false => Ok((0, Next::Hear)),
        }
    }
}
