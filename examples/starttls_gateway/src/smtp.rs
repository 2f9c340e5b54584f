//! SMTP with STARTTLS (RFC 3207).

use std::io;

use net_layers::LineProtocol;

use crate::lines::{Line, answer, question, say, text, verb};
use crate::session::Talk;

/// Follows the dialogue until a mail, or a login, begins; returns whether it goes on.
pub(crate) async fn begin(talk: &mut Talk<'_>) -> io::Result<bool> {
    let greeting = reply(talk).await?;
    say(talk.client, greeting.concat()).await?;
    loop {
        let Some(line) = question(talk.client).await? else {
            return Ok(false);
        };
        if let Some(go_ahead) = LineProtocol::Smtp.go_ahead(&text(&line)) {
            match talk.secure {
                false => talk.begin_tls(go_ahead.as_bytes()).await?,
                true => say(talk.client, "503 5.5.1 TLS is active already\r\n").await?,
            }
            continue;
        }
        match &*verb(&text(&line)) {
            "EHLO" => {
                say(&mut talk.server, line).await?;
                let told = reply(talk).await?.iter().map(|line| text(line)).collect();
                let offers = offers(told, !talk.secure, talk.lacks_tls());
                say(talk.client, offers).await?;
            }
            "HELO" | "NOOP" | "RSET" | "HELP" => {
                say(&mut talk.server, line).await?;
                let reply = reply(talk).await?;
                say(talk.client, reply.concat()).await?;
            }
            "QUIT" => {
                say(&mut talk.server, line).await?;
                let reply = reply(talk).await?;
                say(talk.client, reply.concat()).await?;
                return Ok(false);
            }
            _ if talk.lacks_tls() => {
                say(
                    talk.client,
                    "530 5.7.0 Must issue a STARTTLS command first\r\n",
                )
                .await?;
            }
            // From here on a line can be anything, such as a part of a mail.
            _ => {
                say(&mut talk.server, line).await?;
                return Ok(true);
            }
        }
    }
}

/// The server's reply, of one line or several.
async fn reply(talk: &mut Talk<'_>) -> io::Result<Vec<Line>> {
    let goes_on = |line: &Line| line.get(3) == Some(&b'-');
    answer(&mut talk.server, |lines| {
        lines.last().is_some_and(|line| !goes_on(line))
    })
    .await
}

/// What the server offers, with STARTTLS or without; and without ways to log in that are of no use yet.
fn offers(mut reply: Vec<String>, starttls: bool, lacks_tls: bool) -> String {
    if !reply.iter().all(|line| line.starts_with("250")) {
        return reply.concat();
    }
    reply.retain(|line| match &*verb(line.get(4..).unwrap_or_default()) {
        "STARTTLS" => false,
        // The second is how some said it before there was a standard.
        word => !(lacks_tls && (word == "AUTH" || word.starts_with("AUTH="))),
    });
    if starttls {
        reply.push("250 STARTTLS\r\n".to_owned());
    }
    let last = reply.len().saturating_sub(1);
    let lines = reply.iter().enumerate().map(|(n, line)| {
        let sign = if n == last { ' ' } else { '-' };
        format!(
            "250{sign}{}",
            line.get(3..)
                .unwrap_or_default()
                .trim_start_matches(['-', ' '])
        )
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::offers;

    fn of(reply: &[&str], starttls: bool) -> String {
        offers(
            reply.iter().map(|line| (*line).to_owned()).collect(),
            starttls,
            false,
        )
    }

    #[test]
    fn starttls_is_the_last_offer_or_none() {
        let reply = ["250-a.example\r\n", "250-starttls\r\n", "250 SIZE\r\n"];
        let plain = "250-a.example\r\n250 SIZE\r\n";
        assert_eq!(of(&reply, false), plain);
        let offered = "250-a.example\r\n250-SIZE\r\n250 STARTTLS\r\n";
        assert_eq!(of(&reply, true), offered);
        assert_eq!(
            of(&["250 a.example\r\n"], true),
            "250-a.example\r\n250 STARTTLS\r\n"
        );
        assert_eq!(of(&["250\r\n"], false), "250 \r\n");
        assert_eq!(of(&["502 what?\r\n"], true), "502 what?\r\n");
    }
}
