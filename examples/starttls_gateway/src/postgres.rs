//! PostgreSQL's protocol with SSLRequest (version 3.0).

use std::io;

use net_layers::SSL_REQUEST;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::lines::say;
use crate::session::Talk;

/// Asks for encryption by Kerberos, which we do not have.
const GSSENC_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 48];
/// Asks that another connection's query be cancelled; there is no answer to it.
const CANCEL_REQUEST: [u8; 4] = [4, 210, 22, 46];
/// How often a client may ask for encryption.
const QUESTIONS: usize = 4;

/// Follows the dialogue until the client says who it is; returns whether it goes on.
pub(crate) async fn begin(talk: &mut Talk<'_>) -> io::Result<bool> {
    for _ in 0..QUESTIONS {
        let mut head = [0; 8];
        match talk.client.read_exact(&mut head).await {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
        match head {
            SSL_REQUEST if !talk.secure => talk.begin_tls(b"S").await?,
            SSL_REQUEST | GSSENC_REQUEST => say(talk.client, b"N").await?,
            [.., a, b, c, d] if talk.lacks_tls() && [a, b, c, d] != CANCEL_REQUEST => {
                say(talk.client, refusal()).await?;
                return Ok(false);
            }
            startup => {
                talk.server.write_all(&startup).await?;
                return Ok(true);
            }
        }
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        "it asks for encryption again and again",
    ))
}

/// An ErrorResponse: the class is invalid authorization, as when the server itself wants TLS.
fn refusal() -> Vec<u8> {
    let fields = b"SFATAL\0VFATAL\0C28000\0MTLS is required\0\0";
    let length = u32::try_from(fields.len() + 4).unwrap_or_default();
    [b"E", &length.to_be_bytes()[..], fields].concat()
}
