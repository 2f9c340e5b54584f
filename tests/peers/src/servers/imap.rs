//! IMAP (RFC 9051) with COMPRESS (RFC 4978), UIDPLUS (RFC 4315) and LITERAL+ (RFC 7888): as much of
//! them as clients use that synchronise a mailbox.

use std::io;

use super::command::Command;
use super::mailbox::{Mail, Mailbox, Which};
use crate::conversation::Conversation;

pub(super) async fn serve(talk: &mut Conversation) -> io::Result<()> {
    let mailbox = talk.manner.mailbox.clone();
    talk.say("* OK peer.test\r\n").await?;
    while let Some(command) = Command::read(talk).await? {
        let tag = &command.tag;
        let ok = format!("{tag} OK done\r\n");
        let serves = talk.is_secure() || talk.manner.clear;
        let answer = match command.verb.as_str() {
            "LOGOUT" => return talk.close(format!("* BYE\r\n{ok}")).await,
            "STARTTLS" => {
                let no = match talk.is_secure() {
                    true => format!("{tag} BAD TLS is active already\r\n"),
                    false => format!("{tag} BAD it is too late for TLS\r\n"),
                };
                talk.upgrade(ok, no).await?;
                continue;
            }
            "COMPRESS" if serves => {
                let no = format!("{tag} NO [COMPRESSIONACTIVE] it is active already\r\n");
                talk.compress(ok, no).await?;
                continue;
            }
            "CAPABILITY" => format!("* CAPABILITY {}\r\n{ok}", capabilities(talk)).into(),
            "NOOP" => ok.into(),
            _ if !serves => format!("{tag} NO STARTTLS first\r\n").into(),
            _ => answer(&mailbox, &command),
        };
        talk.say(answer).await?;
    }
    talk.close("").await
}

fn capabilities(talk: &Conversation) -> &'static str {
    match (talk.is_secure(), talk.manner.clear) {
        (true, _) => "IMAP4rev1 COMPRESS=DEFLATE LITERAL+ UIDPLUS",
        (false, true) => "IMAP4rev1 COMPRESS=DEFLATE LITERAL+ UIDPLUS STARTTLS",
        (false, false) => "IMAP4rev1 STARTTLS",
    }
}

const FLAGS: &str = r"(\Answered \Flagged \Deleted \Seen \Draft)";

/// What a command concerning the mailbox is answered, which is the only one, and always selected.
fn answer(mailbox: &Mailbox, command: &Command) -> Vec<u8> {
    let mut mails = mailbox.lock();
    let (tag, exists) = (&command.tag, mails.len());
    let ok = format!("{tag} OK done\r\n");
    match command.verb.as_str() {
        "LOGIN" | "CHECK" => ok.into(),
        "LIST" => format!("* LIST () \"/\" INBOX\r\n{ok}").into(),
        "SELECT" => format!(
            "* {exists} EXISTS\r\n* 0 RECENT\r\n* FLAGS {FLAGS}\r\n\
             * OK [PERMANENTFLAGS {FLAGS}] kept\r\n* OK [UIDVALIDITY 1] always\r\n\
             * OK [UIDNEXT {}] comes next\r\n{tag} OK [READ-WRITE] done\r\n",
            mails.next_uid()
        )
        .into(),
        "STATUS" => format!("* STATUS INBOX (MESSAGES {exists} UIDVALIDITY 1)\r\n{ok}").into(),
        verb @ ("FETCH" | "STORE") => {
            let (which, rest) = command.which();
            let mut answer = Vec::new();
            for (number, mail) in mails.chosen(&which) {
                let items = match verb {
                    "STORE" => {
                        store(mail, rest);
                        "FLAGS"
                    }
                    _ => rest,
                };
                answer.extend(fetched(number, mail, &which, items));
            }
            answer.extend(ok.bytes());
            answer
        }
        "APPEND" => {
            let uid = mails.append(flags(&command.arguments), command.literal.clone());
            let exists = exists + 1;
            format!("* {exists} EXISTS\r\n{tag} OK [APPENDUID 1 {uid}] done\r\n").into()
        }
        "EXPUNGE" | "CLOSE" => {
            let which = match command.by_uid {
                true => command.which().0,
                false => Which::Numbers("1:*".to_owned()),
            };
            let gone = mails.expunge(&which).into_iter();
            let gone = gone.map(|number| format!("* {number} EXPUNGE\r\n"));
            match command.verb.as_str() {
                "EXPUNGE" => (gone.collect::<String>() + &ok).into(),
                _ => ok.into(),
            }
        }
        _ => format!("{tag} BAD what?\r\n").into(),
    }
}

/// What a mail is asked for, of which the sections that are a part of the head are all of it.
fn fetched(number: usize, mail: &Mail, which: &Which, items: &str) -> Vec<u8> {
    let items = items.to_ascii_uppercase();
    let mut parts = Vec::new();
    if matches!(which, Which::Uids(_)) || items.contains("UID") {
        parts.push(format!("UID {}", mail.uid));
    }
    if items.contains("FLAGS") {
        parts.push(format!("FLAGS ({})", mail.flags.join(" ")));
    }
    if items.contains("INTERNALDATE") {
        parts.push("INTERNALDATE \"09-May-2015 12:00:00 +0000\"".to_owned());
    }
    if items.contains("RFC822.SIZE") {
        parts.push(format!("RFC822.SIZE {}", mail.content.len()));
    }
    let mut content = &mail.content[..];
    let section = items.split_once('[').and_then(|(_, it)| it.split_once(']'));
    match section {
        None => content = b"",
        Some((section, _)) => {
            let head = content.windows(4).position(|end| end == b"\r\n\r\n");
            if let (Some(head), true) = (head, section.starts_with("HEADER")) {
                content = &content[..head + 4];
            }
            parts.push(format!("BODY[{section}] {{{}}}\r\n", content.len()));
        }
    }
    let head = format!("* {number} FETCH ({}", parts.join(" "));
    [head.as_bytes(), content, b")\r\n"].concat()
}

/// Changes flags: `+FLAGS (\Seen)`, or with `-`, or as a whole.
fn store(mail: &mut Mail, change: &str) {
    let new = flags(change);
    match change.as_bytes().first() {
        Some(b'+' | b'-') => mail.flags.retain(|flag| !new.contains(flag)),
        _ => mail.flags.clear(),
    }
    if !change.starts_with('-') {
        mail.flags.extend(new);
    }
}

/// The flags within the parentheses.
fn flags(text: &str) -> Vec<String> {
    let inside = text.split_once('(').and_then(|(_, it)| it.split_once(')'));
    let flags = inside.unwrap_or_default().0.split_whitespace();
    flags.map(str::to_owned).collect()
}
