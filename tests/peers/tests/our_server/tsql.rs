//! FreeTDS's `tsql`, whose TLS shakes hands in packets of TDS, and then goes on without them.

use std::sync::Arc;
use std::time::Duration;

use peers::prelogin::{HEADER, PRELOGIN, Prelogin, header};
use peers::{Authority, Folder, Program, Result, is_here};
use rustls::version::TLS12;
use stack::{Connection, Outcome, Residue};
use tls_layer::TlsLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// No time decides this test; this only ends it if it hangs.
const LONGEST: Duration = Duration::from_secs(60);

/// The types of packets (MS-TDS 2.2.3.1.1).
const LOGIN: u8 = 0x10;
const RESPONSE: u8 = 0x04;
/// What the server says of TLS: it is required (2.2.6.5).
const REQUIRED: u8 = 3;
/// Tokens (2.2.7).
const ERROR: u8 = 0xaa;
const DONE: u8 = 0xfd;

#[tokio::test]
async fn tsql_logs_in_in_tls_that_has_shaken_hands_in_packets() -> Result<()> {
    if !is_here(&["tsql"]) {
        return Ok(());
    }
    let authority = Authority::new()?;
    let folder = Folder::new("tsql")?;
    let config = "[global]\n tds version = 7.4\n encryption = require\n";
    let config = folder.file("freetds.conf", config)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port().to_string();
    // In 1.3 the client has the last word, which this one keeps in its buffer: it waits for the server, too.
    let tls = Arc::new(authority.server(&[&TLS12])?);
    let config = format!("FREETDSCONF={}", config.display());
    let arguments = [
        &config,
        "tsql",
        "-H",
        "127.0.0.1",
        "-p",
        &port,
        "-U",
        "alice",
        "-P",
        "secret",
    ];
    let client = Program::run("env", &arguments, "");
    // It may end without having connected.
    let server = async { serve(timeout(LONGEST, listener.accept()).await??.0, tls).await };
    let (client, ()) = tokio::try_join!(client, server)?;
    // It shows what it was answered.
    assert!(client.errors.contains("not today, alice"), "{client:#?}");
    Ok(())
}

async fn serve(socket: TcpStream, tls: Arc<rustls::ServerConfig>) -> Result<()> {
    socket.set_nodelay(true)?;
    let mut connection = Connection::new(socket);
    let (kind, _) = packet(&mut connection).await?;
    assert_eq!(kind, PRELOGIN);
    // Where the version stands, and what we say of TLS; and then those.
    let options = [0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff];
    let options = [&options[..], &[16, 0, 0, 0, 0, 0, REQUIRED]].concat();
    let answer = [&header(RESPONSE, options.len())[..], &options].concat();
    let framing = connection.push_after(&answer, Prelogin::default()).await?;
    // Its hello may be here already.
    let tls = TlsLayer::server(tls).with_residue(Residue::Feed);
    connection.push(tls).await?;

    // The handshake is over: out with the frames, which have said their last word.
    connection.start_pop(framing).await?;
    let (kind, login) = packet(&mut connection).await?;
    assert_eq!(kind, LOGIN);
    assert_eq!(connection.stack().to_string(), "app <=> tls <=> network");
    let (_, outcome) = connection.pop(framing).await?;
    assert_eq!(outcome, Outcome::Clean);
    let name = utf16("alice");
    assert!(
        login.windows(name.len()).any(|it| it == name),
        "it does not say who it is"
    );

    let answer = refusal("not today, alice");
    connection
        .write_all(&header(RESPONSE, answer.len()))
        .await?;
    connection.write_all(&answer).await?;
    connection.flush().await?;
    // It closes, with an end mark or without.
    let _ = connection.read(&mut [0]).await;
    Ok(())
}

/// The next packet: its type, and what is in it. All are the last of their messages here.
async fn packet(connection: &mut Connection<TcpStream>) -> Result<(u8, Vec<u8>)> {
    let mut head = [0; HEADER];
    connection.read_exact(&mut head).await?;
    let [kind, last, high, low, ..] = head;
    assert_eq!(last, 1);
    let length = usize::from(u16::from_be_bytes([high, low])) - HEADER;
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await?;
    Ok((kind, body))
}

/// An error that ends the login (2.2.7.10), and what ends the answer (2.2.7.6).
fn refusal(words: &str) -> Vec<u8> {
    let message = utf16(words);
    let mut error = 18_456_u32.to_le_bytes().to_vec();
    error.extend([1, 14]); // state, severity
    error.extend((words.len() as u16).to_le_bytes());
    error.extend(message);
    error.extend([0, 0]); // no server's name, no procedure's
    error.extend(1_u32.to_le_bytes()); // line
    let mut answer = vec![ERROR];
    answer.extend((error.len() as u16).to_le_bytes());
    answer.extend(error);
    answer.push(DONE);
    answer.extend([2, 0, 0, 0]); // with an error
    answer.extend([0; 8]);
    answer
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
