//! PostgreSQL's protocol with SSLRequest (version 3.0).

use std::io;

use net_layers::SSL_REQUEST;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};

use crate::lines::say;
use crate::session::Talk;

/// Asks for encryption by Kerberos, which we do not have.
const GSSENC_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 48];
/// Asks that another connection's query be cancelled; there is no answer to it but the end.
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
            // And nothing else: whoever lacks TLS could say more behind it.
            [0, 0, length @ .., a, b, c, d] if [a, b, c, d] == CANCEL_REQUEST => {
                let mut key = vec![0; u16::from_be_bytes(length).saturating_sub(8).into()];
                talk.client.read_exact(&mut key).await?;
                talk.server.write_all(&head).await?;
                talk.server.write_all(&key).await?;
                talk.server.shutdown().await?;
                copy(&mut talk.server, talk.client).await?;
                return Ok(false);
            }
            _ if talk.lacks_tls() => {
                say(talk.client, refusal()).await?;
                return Ok(false);
            }
            _ => {
                talk.server.write_all(&head).await?;
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
