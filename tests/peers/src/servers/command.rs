//! A command of IMAP (RFC 9051, 2.2.1).

use std::io;

use super::mailbox::Which;
use super::verb;
use crate::conversation::Conversation;

/// The largest literal that is taken.
const MOST: usize = 1024 * 1024;

/// One that is there whole.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) tag: String,
    /// In capitals, without a `UID` in front of it.
    pub(super) verb: String,
    /// Whether `UID` stood in front.
    pub(super) by_uid: bool,
    /// The rest of its lines.
    pub(super) arguments: String,
    /// The latest literal, or nothing.
    pub(super) literal: Vec<u8>,
}

impl Command {
    /// The next one; `None` if the client has ended.
    pub(super) async fn read(talk: &mut Conversation) -> io::Result<Option<Self>> {
        let Some(mut lines) = talk.line().await? else {
            return Ok(None);
        };
        let mut literal = Vec::new();
        while let Some((len, waits)) = announced(&lines) {
            if len > MOST {
                return Err(io::Error::other("a literal is too large"));
            }
            if waits {
                talk.say("+ go on\r\n").await?;
            }
            literal = talk.body(len).await?;
            match talk.line().await? {
                None => return Ok(None),
                // The space keeps the literal's length from standing last again.
                Some(line) => lines = lines + " " + &line,
            }
        }
        let (tag, rest) = lines.split_once(' ').unwrap_or(("*", &lines));
        let (first, rest) = verb(rest);
        let by_uid = first == "UID";
        let (verb, arguments) = if by_uid { verb(rest) } else { (first, rest) };
        Ok(Some(Self {
            tag: tag.to_owned(),
            verb,
            by_uid,
            arguments: arguments.to_owned(),
            literal,
        }))
    }

    /// Which mails are meant, and what follows.
    pub(super) fn which(&self) -> (Which, &str) {
        let (set, rest) = self
            .arguments
            .split_once(' ')
            .unwrap_or((&self.arguments, ""));
        let which = if self.by_uid {
            Which::Uids
        } else {
            Which::Numbers
        };
        (which(set.to_owned()), rest)
    }
}

/// The length of the literal that follows these lines, `{12}` or `{12+}`, and whether the client waits
/// until it may send it.
fn announced(lines: &str) -> Option<(usize, bool)> {
    let (_, len) = lines.strip_suffix('}')?.rsplit_once('{')?;
    let plain = len.strip_suffix('+');
    Some((plain.unwrap_or(len).parse().ok()?, plain.is_none()))
}
