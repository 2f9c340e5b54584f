//! Protocols of lines.

use stack::Error;

use crate::{Next, Opening};

/// The longest line that is taken, in bytes, its end included.
const LONGEST: usize = 4 * 1024;
/// The most lines that are taken before the go-ahead.
const MOST: usize = 1000;

/// What is asked, and what an answer means; the lines come one by one.
pub(super) trait Dialogue: Send + Sync + 'static {
    /// Before anything is heard.
    fn begin(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// A line has come, without its end. What there is to say is appended to `say`.
    fn heard(&mut self, line: &str, say: &mut Vec<u8>) -> Result<Next, Error>;
}

/// A dialogue over bytes.
pub(super) struct Lines<D> {
    dialogue: D,
    heard: usize,
}

impl<D: Dialogue> Lines<D> {
    pub(super) fn new(dialogue: D) -> Self {
        Self { dialogue, heard: 0 }
    }
}

impl<D: Dialogue> Opening for Lines<D> {
    fn name(&self) -> &str {
        "lines"
    }

    fn begin(&mut self, _: &mut Vec<u8>) -> Result<Next, Error> {
        self.dialogue.begin()?;
        Ok(Next::Hear)
    }

    fn hear(&mut self, bytes: &[u8], say: &mut Vec<u8>) -> Result<(usize, Next), Error> {
        let looked_at = &bytes[..bytes.len().min(LONGEST)];
        let Some(end) = looked_at.iter().position(|byte| *byte == b'\n') else {
            return match looked_at.len() == LONGEST {
                true => Err(Error::remote("a line is longer than 4 KiB")),
                false => Ok((0, Next::Hear)),
            };
        };
        self.heard += 1;
        if self.heard > MOST {
            return Err(Error::remote("more than 1000 lines without a go-ahead"));
        }
        let line = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
        let next = self.dialogue.heard(&String::from_utf8_lossy(line), say)?;
        Ok((end + 1, next))
    }
}

/// A reply of three digits, of one line or several, as SMTP and FTP have them (RFC 959, section 4.2).
#[derive(Debug, Default)]
pub(super) struct Reply {
    code: Option<String>,
}

impl Reply {
    /// Whether the line begins with the code of the reply that it is in, as all of SMTP's do (RFC 5321,
    /// section 4.2.1).
    pub(super) fn has_code_of(&self, line: &str) -> bool {
        let code = self.code.as_ref();
        code.is_none_or(|code| behind(code, line).is_some())
    }

    /// A line of it has come. Returns the code, once it was the last.
    ///
    /// # Errors
    ///
    /// If that is no line of such a reply.
    pub(super) fn heard(&mut self, line: &str) -> Result<Option<String>, Error> {
        let Some(code) = &self.code else {
            let digits = line.len() >= 3 && line.bytes().take(3).all(|byte| byte.is_ascii_digit());
            let code = line.get(..3).filter(|_| digits);
            let code = code.filter(|code| behind(code, line).is_some());
            let code = code
                .ok_or_else(|| super::error::unexpected(line))?
                .to_owned();
            self.code = Some(code);
            return self.heard(line);
        };
        match behind(code, line) {
            Some(more) if !more.starts_with('-') => Ok(self.code.take()),
            // FTP's lines in between may be any.
            _ => Ok(None),
        }
    }
}

/// What stands behind the code, if the line begins with that.
fn behind<'a>(code: &str, line: &'a str) -> Option<&'a str> {
    let more = line.strip_prefix(code)?;
    (more.is_empty() || more.starts_with([' ', '-'])).then_some(more)
}
