//! IMAP with STARTTLS (RFC 9051, section 6.2.1) and COMPRESS (RFC 4978).

use std::io;

use compress_layer::CompressLayer;

use crate::dialogue::{Dialogue, Turn};
use crate::lines::say;
use crate::relay::Relay;
use crate::session::{Talk, push_after, within};

/// How hard deflate tries: zlib's own choice.
const LEVEL: u32 = 6;

/// Serves the client to its end.
pub(crate) async fn serve(talk: &mut Talk<'_>) -> io::Result<()> {
    let mut dialogue = Dialogue::new(talk.shared.arguments.require_tls);
    let mut relay = Relay::default();
    let longest = talk.shared.arguments.login_timeout;
    let begin = follow(talk, &mut relay, &mut dialogue, false);
    if within(longest, begin).await? {
        follow(talk, &mut relay, &mut dialogue, true).await?;
    }
    Ok(())
}

/// Follows the session to its end; or, before the login, only up to that. Returns whether it goes on.
async fn follow(
    talk: &mut Talk<'_>,
    relay: &mut Relay,
    dialogue: &mut Dialogue,
    to_the_end: bool,
) -> io::Result<bool> {
    while relay.run(talk.client, &mut talk.server, dialogue).await? {
        match dialogue.turn() {
            Turn::LoggedIn if to_the_end => {}
            Turn::LoggedIn => return Ok(true),
            Turn::BeginTls(go_ahead) => talk.begin_tls(go_ahead.as_bytes()).await?,
            Turn::Compress(tag) => {
                let answer = format!("{tag} OK DEFLATE active\r\n");
                let deflate = CompressLayer::deflate(LEVEL);
                push_after(talk.client, answer.as_bytes(), deflate).await?;
            }
            Turn::Answer(answer) => say(talk.client, answer).await?,
            Turn::Close(answer) => {
                say(talk.client, answer).await?;
                return Ok(false);
            }
        }
    }
    Ok(false)
}
