//! FTP with TLS: one file, kept while the session lasts (RFC 959, RFC 4217).

use std::io;

use net_layers::LineProtocol;
use stack::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::verb;
use crate::conversation::Conversation;
use crate::cut::Cut;
use crate::server::Manner;

pub(super) async fn serve(talk: &mut Conversation) -> io::Result<()> {
    let mut file = Vec::new();
    let mut listener = None;
    let mut protects = false;
    talk.say("220 peer.test\r\n").await?;
    while let Some(line) = talk.line().await? {
        if let Some(go_ahead) = LineProtocol::Ftp.go_ahead(&line) {
            talk.upgrade(go_ahead, "534 TLS is active already\r\n")
                .await?;
            continue;
        }
        let (verb, argument) = verb(&line);
        let text;
        let answer = match verb.as_str() {
            "QUIT" => return talk.close("221 bye\r\n").await,
            "FEAT" => "211-These:\r\n AUTH TLS\r\n PBSZ\r\n PROT\r\n CCC\r\n211 That is all\r\n",
            "AUTH" => "504 only TLS\r\n",
            "CCC" if !talk.is_secure() => "533 there is no TLS\r\n",
            "CCC" => {
                talk.downgrade("200 on in clear\r\n").await?;
                continue;
            }
            "USER" if !talk.is_secure() => "530 AUTH TLS first\r\n",
            "USER" => "331 and the password?\r\n",
            "PASS" => "230 welcome\r\n",
            "PROT" => {
                protects = argument == "P";
                "200 OK\r\n"
            }
            "PBSZ" | "TYPE" | "NOOP" => "200 OK\r\n",
            "PWD" => "257 \"/\"\r\n",
            "EPSV" | "PASV" => {
                let new = TcpListener::bind("127.0.0.1:0").await?;
                let port = new.local_addr()?.port();
                listener = Some(new);
                text = match verb.as_str() {
                    "EPSV" => format!("229 here (|||{port}|)\r\n"),
                    _ => format!("227 here (127,0,0,1,{},{})\r\n", port >> 8, port & 0xff),
                };
                &text
            }
            "STOR" | "RETR" => match listener.take() {
                None => "425 where?\r\n",
                Some(listener) => {
                    talk.say("150 there\r\n").await?;
                    talk.flush().await?;
                    let mut data = data(&listener, &talk.manner, protects).await?;
                    if verb == "STOR" {
                        file.clear();
                        data.read_to_end(&mut file).await?;
                        // Some clients await our close_notify, others are gone.
                        let _ = data.shutdown().await;
                    } else {
                        data.write_all(&file).await?;
                        data.shutdown().await?;
                        data.read_to_end(&mut Vec::new()).await?;
                    }
                    "226 done\r\n"
                }
            },
            _ => "502 what?\r\n",
        };
        talk.say(answer).await?;
    }
    talk.close("").await
}

/// The next data connection, in TLS if it `protects`.
async fn data(
    listener: &TcpListener,
    manner: &Manner,
    protects: bool,
) -> io::Result<Connection<Cut<TcpStream>>> {
    let (socket, _) = listener.accept().await?;
    let socket = manner.cut(socket)?;
    if !protects {
        socket.cut_no_more();
        return Ok(Connection::new(socket));
    }
    Ok(Connection::wrap(socket, manner.layer()?).await?)
}
