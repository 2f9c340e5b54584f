//! SMTP, as far as one mail goes (RFC 5321, RFC 3207).

use std::io;

use net_layers::LineProtocol;

use super::verb;
use crate::conversation::Conversation;

pub(super) async fn serve(talk: &mut Conversation) -> io::Result<()> {
    talk.say("220 peer.test ESMTP\r\n").await?;
    while let Some(line) = talk.line().await? {
        if let Some(go_ahead) = LineProtocol::Smtp.go_ahead(&line) {
            talk.upgrade(go_ahead, "503 TLS is active already\r\n")
                .await?;
            continue;
        }
        let answer = match verb(&line).0.as_str() {
            "QUIT" => return talk.close("221 bye\r\n").await,
            "DATA" => {
                talk.say("354 go on\r\n").await?;
                while talk.line().await?.is_some_and(|line| line != ".") {}
                "250 it is here\r\n"
            }
            "EHLO" if talk.is_secure() => "250 peer.test\r\n",
            "EHLO" => "250-peer.test\r\n250 STARTTLS\r\n",
            "MAIL" if !talk.is_secure() => "530 STARTTLS first\r\n",
            "MAIL" | "RCPT" | "NOOP" | "RSET" => "250 OK\r\n",
            _ => "502 what?\r\n",
        };
        talk.say(answer).await?;
    }
    talk.close("").await
}
