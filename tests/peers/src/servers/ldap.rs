//! LDAP: StartTLS, a bind, and a search that finds nothing (RFC 4511).

use std::io;

use crate::conversation::Conversation;

const SUCCESS: u8 = 0;
const OPERATIONS_ERROR: u8 = 1;
const CONFIDENTIALITY_REQUIRED: u8 = 13;

pub(super) async fn serve(talk: &mut Conversation) -> io::Result<()> {
    while let Some([_sequence, length]) = talk.head().await? {
        let length = match length {
            0x81.. => {
                let more = talk.body(usize::from(length & 0x7f)).await?;
                more.iter().fold(0, |n, byte| n << 8 | usize::from(*byte))
            }
            short => usize::from(short),
        };
        let body = talk.body(length).await?;
        // The message's number, and which operation.
        let &[2, 1, id, operation, ..] = &body[..] else {
            return Err(io::Error::other("no message of LDAP"));
        };
        match operation {
            0x42 => {
                talk.note("unbind");
                break;
            }
            0x77 => {
                talk.note("StartTLS");
                let no = result(id, 0x78, OPERATIONS_ERROR);
                talk.upgrade(result(id, 0x78, SUCCESS), no).await?;
            }
            0x60 | 0x63 => {
                talk.note(if operation == 0x60 { "bind" } else { "search" });
                let code = match talk.is_secure() {
                    true => SUCCESS,
                    false => CONFIDENTIALITY_REQUIRED,
                };
                // BindResponse is the next tag, SearchResultDone the one after that.
                let answer = if operation == 0x60 { 0x61 } else { 0x65 };
                talk.say(result(id, answer, code)).await?;
            }
            _ => return Err(io::Error::other("an unknown operation of LDAP")),
        }
    }
    talk.close("").await
}

/// An LDAPResult: the code, no name, no words.
fn result(id: u8, operation: u8, code: u8) -> [u8; 14] {
    [0x30, 12, 2, 1, id, operation, 7, 0x0a, 1, code, 4, 0, 4, 0]
}
