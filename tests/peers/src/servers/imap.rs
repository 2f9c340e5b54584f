//! IMAP, with one mail in the inbox (RFC 9051).

use std::io;

use super::{MAIL, verb};
use crate::conversation::Conversation;

pub(super) async fn serve(talk: &mut Conversation) -> io::Result<()> {
    talk.say("* OK peer.test\r\n").await?;
    while let Some(line) = talk.line().await? {
        let (tag, command) = line.split_once(' ').unwrap_or(("*", ""));
        let ok = format!("{tag} OK done\r\n");
        let answer = match verb(command).0.as_str() {
            "LOGOUT" => return talk.close(format!("* BYE\r\n{ok}")).await,
            "STARTTLS" => {
                talk.upgrade(ok, format!("{tag} BAD TLS is active already\r\n"))
                    .await?;
                continue;
            }
            "CAPABILITY" if talk.is_secure() => format!("* CAPABILITY IMAP4rev1\r\n{ok}"),
            "CAPABILITY" => {
                format!("* CAPABILITY IMAP4rev1 STARTTLS\r\n{ok}")
            }
            "NOOP" => ok,
            _ if !talk.is_secure() => format!("{tag} NO STARTTLS first\r\n"),
            "LOGIN" => ok,
            "SELECT" => format!("* 1 EXISTS\r\n{ok}"),
            "FETCH" => {
                let length = MAIL.len();
                format!("* 1 FETCH (BODY[] {{{length}}}\r\n{MAIL})\r\n{ok}")
            }
            _ => format!("{tag} BAD what?\r\n"),
        };
        talk.say(answer).await?;
    }
    talk.close("").await
}
