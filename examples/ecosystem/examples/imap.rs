//! async-imap over a connection with layers: STARTTLS, TLS and COMPRESS are ours, and it is told of none.
//!
//! ```sh
//! cargo run -p ecosystem --example imap -- mail.example:143 USER PASSWORD ROOTS.pem
//! ```

use std::error::Error;
use std::sync::Arc;

use async_imap::Client;
use compress_layer::{CompressInfo, CompressLayer};
use futures_util::TryStreamExt;
use net_layers::Starttls;
use rustls::pki_types::ServerName;
use stack::{Connection, Template};
use tls_layer::{TlsLayer, config};
use tokio::net::TcpStream;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [address, user, password, roots] = arguments.as_slice() else {
        return Err("usage: imap HOST:PORT USER PASSWORD ROOTS.pem".into());
    };
    let roots = std::fs::read(roots)?;
    let host = address.split(':').next().unwrap_or_default();
    for mailbox in list(address, host, user, password, &roots).await? {
        println!("{mailbox}");
    }
    Ok(())
}

async fn list(
    address: &str,
    host: &str,
    user: &str,
    password: &str,
    roots: &[u8],
) -> Result<Vec<String>> {
    let provider = Some(Arc::new(rustls::crypto::ring::default_provider()));
    let tls = Arc::new(config::client(config::roots(roots)?, provider)?);
    let name = ServerName::try_from(host)?.to_owned();
    let way = Template::new()
        .layer("starttls", Starttls::imap)
        .layer("tls", move || {
            TlsLayer::client(Arc::clone(&tls), name.clone())
        });

    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    // The greeting was heard, and the handshake is over, before async-imap sees a byte.
    let mut connection = Connection::from_template(socket, &way).await?;
    // It keeps the connection; the handle goes on changing the layers.
    let handle = connection.handle();
    let login = Client::new(connection).login(user, password).await;
    let mut session = login.map_err(|(error, _)| error)?;

    session.run_command_and_check_ok("COMPRESS DEFLATE").await?;
    // Asked for before the next command is written, so all of that is compressed.
    let pushed = handle.push(CompressLayer::deflate(6));
    let listed = async {
        let mailboxes: Vec<_> = session.list(None, Some("*")).await?.try_collect().await?;
        Ok::<_, async_imap::error::Error>(mailboxes)
    };
    let (pushed, listed) = tokio::join!(biased; pushed, listed);
    pushed?;
    let look = handle.look(|stack| (stack.to_string(), stack.info::<CompressInfo>().cloned()));
    let (looked, left) = tokio::join!(biased; look, session.logout());
    let (drawing, info) = looked?;
    left?;
    let received = info.ok_or("it is not compressed")?.received;
    println!(
        "{drawing}: {} bytes came as {}",
        received.plain, received.compressed
    );
    Ok(listed?
        .iter()
        .map(|mailbox| mailbox.name().to_owned())
        .collect())
}

#[test]
fn it_reads_from_dovecot() -> Result<()> {
    if !peers::Daemon::is_here(&["dovecot"]) {
        return Ok(());
    }
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let server = peers::Daemon::start("dovecot", &["IMAP", "IMAPS", "POP3"]).await?;
        let address = server.address("IMAP")?.to_string();
        let roots = server.authority().root_pem.as_bytes();
        let mailboxes = list(&address, "localhost", "alice", "secret", roots).await?;
        assert_eq!(mailboxes, ["INBOX"]);
        Ok(())
    })
}
