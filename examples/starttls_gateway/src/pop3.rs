//! POP3 with STLS (RFC 2595).

use std::io;

use net_layers::LineProtocol;

use crate::lines::{Line, answer, question, say, text, verb};
use crate::session::Talk;

/// Follows the dialogue until a login begins; returns whether it goes on.
pub(crate) async fn begin(talk: &mut Talk<'_>) -> io::Result<bool> {
    let greeting = answer(&mut talk.server, |lines| !lines.is_empty()).await?;
    say(talk.client, greeting.concat()).await?;
    loop {
        let Some(line) = question(talk.client).await? else {
            return Ok(false);
        };
        if let Some(go_ahead) = LineProtocol::Pop3.go_ahead(&text(&line)) {
            match talk.secure {
                false => talk.begin_tls(go_ahead.as_bytes()).await?,
                true => say(talk.client, "-ERR TLS is active already\r\n").await?,
            }
            continue;
        }
        match &*verb(&text(&line)) {
            "CAPA" => {
                say(&mut talk.server, line).await?;
                let is_last = |lines: &[Line]| match lines {
                    [] => false,
                    [first] => !first.starts_with(b"+OK"),
                    [.., last] => last.trim_ascii_end() == b".",
                };
                let told = answer(&mut talk.server, is_last).await?;
                let told = told.iter().map(|line| text(line)).collect();
                let offers = offers(told, !talk.secure, talk.lacks_tls());
                say(talk.client, offers).await?;
            }
            "QUIT" => {
                say(&mut talk.server, line).await?;
                let reply = answer(&mut talk.server, |lines| !lines.is_empty()).await?;
                say(talk.client, reply.concat()).await?;
                return Ok(false);
            }
            _ if talk.lacks_tls() => say(talk.client, "-ERR STLS first\r\n").await?,
            _ => {
                say(&mut talk.server, line).await?;
                return Ok(true);
            }
        }
    }
}

/// What the server offers, with STLS or without; and without ways to log in that are of no use yet.
fn offers(mut told: Vec<String>, stls: bool, lacks_tls: bool) -> String {
    if told.len() < 2 {
        // It knows no CAPA (RFC 2449); but there is something to tell.
        told = vec!["+OK\r\n".to_owned(), ".\r\n".to_owned()];
    }
    told.retain(|line| match &*verb(line) {
        "STLS" => false,
        "USER" | "SASL" => !lacks_tls,
        _ => true,
    });
    if stls {
        told.insert(told.len() - 1, "STLS\r\n".to_owned());
    }
    told.concat()
}

#[cfg(test)]
mod tests {
    use super::offers;

    fn of(told: &[&str], stls: bool, lacks_tls: bool) -> String {
        offers(
            told.iter().map(|line| (*line).to_owned()).collect(),
            stls,
            lacks_tls,
        )
    }

    #[test]
    fn stls_is_the_last_offer_or_none() {
        let told = ["+OK\r\n", "STLS\r\n", "USER\r\n", "TOP\r\n", ".\r\n"];
        assert_eq!(of(&told, true, true), "+OK\r\nTOP\r\nSTLS\r\n.\r\n");
        assert_eq!(
            of(&told, true, false),
            "+OK\r\nUSER\r\nTOP\r\nSTLS\r\n.\r\n"
        );
        assert_eq!(of(&told, false, false), "+OK\r\nUSER\r\nTOP\r\n.\r\n");
        assert_eq!(of(&["-ERR what?\r\n"], true, false), "+OK\r\nSTLS\r\n.\r\n");
    }
}
