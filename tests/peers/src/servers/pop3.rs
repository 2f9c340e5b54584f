//! POP3, with one mail (RFC 1939, RFC 2595).

use std::io;

use net_layers::LineProtocol;

use super::{MAIL, verb};
use crate::conversation::Conversation;

pub(super) async fn serve(talk: &mut Conversation) -> io::Result<()> {
    talk.say("+OK peer.test\r\n").await?;
    while let Some(line) = talk.line().await? {
        if let Some(go_ahead) = LineProtocol::Pop3.go_ahead(&line) {
            talk.upgrade(go_ahead, "-ERR TLS is active already\r\n")
                .await?;
            continue;
        }
        let mail;
        let answer = match verb(&line).0.as_str() {
            "QUIT" => return talk.close("+OK bye\r\n").await,
            "CAPA" if talk.is_secure() => "+OK\r\nUSER\r\nTOP\r\n.\r\n",
            "CAPA" => "+OK\r\nSTLS\r\nTOP\r\n.\r\n",
            "NOOP" => "+OK\r\n",
            _ if !talk.is_secure() => "-ERR STLS first\r\n",
            "USER" | "PASS" => "+OK\r\n",
            "RETR" => {
                mail = format!("+OK\r\n{MAIL}.\r\n");
                &mail
            }
            _ => "-ERR what?\r\n",
        };
        talk.say(answer).await?;
    }
    talk.close("").await
}
