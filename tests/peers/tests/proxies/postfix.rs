//! The PROXY protocol, to Postfix.

use std::net::SocketAddr;

use net_layers::{ProxyHeader, SendProxy, Starttls, tlv};
use peers::{Daemon, Result};
use stack::Connection;
use tokio::io::AsyncWriteExt;

use crate::{line, tls_to};

/// It takes mail to anywhere from its own host only.
#[tokio::test]
async fn postfix_believes_whom_we_connect_for() -> Result<()> {
    if !Daemon::is_here(&["postfix"]) {
        return Ok(());
    }
    let postfix = Daemon::start("postfix", &["SMTP", "SMTP_PROXY"]).await?;
    let to = postfix.address("SMTP_PROXY")?;
    let sources: [(SocketAddr, _); 2] = [
        ("127.0.0.1:4711".parse()?, "250"),
        ("192.0.2.1:4711".parse()?, "454"),
    ];
    for (from, expected) in sources {
        let v2 = ProxyHeader::v2(from, to).with_tlv(tlv::UNIQUE_ID, "an id");
        for header in [ProxyHeader::v1(from, to), v2.with_checksum()] {
            let socket = postfix.connect("SMTP_PROXY").await?;
            let mut connection = Connection::wrap(socket, SendProxy::new(header)).await?;
            connection.push(Starttls::smtp("peer.test")).await?;
            connection.push(tls_to(&postfix)?).await?;
            for (command, expected) in [
                ("EHLO peer.test", "250"),
                ("MAIL FROM:<alice@peer.test>", "250"),
                ("RCPT TO:<bob@elsewhere.test>", expected),
                ("QUIT", "221"),
            ] {
                let command = format!("{command}\r\n");
                connection.write_all(command.as_bytes()).await?;
                let answer = loop {
                    let line = line(&mut connection).await?;
                    if line.get(3..4) != Some("-") {
                        break line;
                    }
                };
                assert!(answer.starts_with(expected), "{from}: {command}{answer}");
            }
        }
    }
    Ok(())
}
