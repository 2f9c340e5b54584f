//! PostgreSQL's protocol, as far as `select 1` goes.

use std::io;

use crate::conversation::Conversation;

const SSL_REQUEST: u32 = 80_877_103;
const VERSION_3: u32 = 196_608;

pub(super) async fn serve(talk: &mut Conversation) -> io::Result<()> {
    // Until the startup, a message has no type.
    while let Some(head) = talk.head().await? {
        let rest = body(talk, head).await?;
        match rest.first_chunk().map(|code| u32::from_be_bytes(*code)) {
            Some(SSL_REQUEST) => {
                talk.note("SSLRequest");
                talk.upgrade(
                    "S",
                    message(b'E', b"SFATAL\0C08P01\0MTLS is active already\0\0"),
                )
                .await?;
            }
            Some(VERSION_3) => {
                talk.note("startup");
                return queries(talk).await;
            }
            _ => return Err(io::Error::other("no startup of PostgreSQL")),
        }
    }
    talk.close("").await
}

async fn queries(talk: &mut Conversation) -> io::Result<()> {
    let ready = message(b'Z', b"I");
    talk.say(message(b'R', &[0; 4])).await?;
    for parameter in ["server_version\x0015.0\0", "client_encoding\0UTF8\0"] {
        talk.say(message(b'S', parameter.as_bytes())).await?;
    }
    talk.say(&ready).await?;
    while let Some([kind, head @ ..]) = talk.head::<5>().await? {
        let rest = body(talk, head).await?;
        match kind {
            b'X' => break,
            b'Q' => {
                talk.note(String::from_utf8_lossy(&rest).trim_end_matches('\0'));
                // One column of type int4, and one row.
                let column = b"\0\x01one\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0";
                talk.say(message(b'T', column)).await?;
                talk.say(message(b'D', b"\0\x01\0\0\0\x011")).await?;
                talk.say(message(b'C', b"SELECT 1\0")).await?;
                talk.say(&ready).await?;
            }
            _ => return Err(io::Error::other("an unknown message of PostgreSQL")),
        }
    }
    talk.close("").await
}

/// What follows a message's length, which counts itself.
async fn body(talk: &mut Conversation, length: [u8; 4]) -> io::Result<Vec<u8>> {
    let length = u32::from_be_bytes(length).saturating_sub(4);
    talk.body(length.min(1 << 16) as usize).await
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 4).to_be_bytes();
    [&[kind], &length[..], body].concat()
}
