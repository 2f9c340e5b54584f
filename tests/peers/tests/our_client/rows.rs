//! Servers that refuse TLS, hide it, or smuggle something across the switch: the rows S3, S5, S8, S9
//! and S18 of the table in `tests/COVERAGE.md`. They follow a script.

use std::sync::Arc;

use peers::clients::{ClientError, Ftp, Imap, Ldap, Lines, Pop3, Postgres, Smtp};
use peers::{Authority, Result};
use rustls::version::TLS13;
use stack::{Connection, ErrorKind};
use tls_layer::TlsLayer;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::{LONGEST, tls};

#[derive(Clone, Copy, Debug)]
enum Client {
    Smtp,
    Imap,
    Pop3,
    Ftp,
    Ldap,
    Postgres,
}

impl Client {
    /// All that it does, up to what is nobody else's business: the login, or the mail.
    async fn play(self, io: DuplexStream, tls: TlsLayer) -> std::result::Result<(), ClientError> {
        match self {
            Self::Smtp => {
                let mut smtp = Smtp::start(io, tls).await?;
                smtp.send("alice@client.test", "bob@peer.test", "secret")
                    .await
            }
            Self::Imap => Imap::start(io, tls).await?.log_in("alice", "secret").await,
            Self::Pop3 => Pop3::start(io, tls).await?.log_in("alice", "secret").await,
            Self::Ftp => Ftp::start(io, tls).await?.log_in("alice", "secret").await,
            Self::Ldap => Ldap::start(io, tls).await?.bind("alice", "secret").await,
            Self::Postgres => {
                Postgres::start(io, tls)
                    .await?
                    .log_in("alice", "secret")
                    .await
            }
        }
    }
}

/// What a server says, and what it is told then.
type Script<'a> = [(&'a [u8], &'a [u8])];

const EHLO: (&[u8], &[u8]) = (b"220 fake\r\n", b"EHLO client.test\r\n");
const SSL_REQUEST: (&[u8], &[u8]) = (b"", &[0, 0, 0, 8, 4, 210, 22, 47]);
/// StartTLS, as message 1.
const START_TLS: (&[u8], &[u8]) = (
    b"",
    b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037",
);

/// The scripts up to where the client waits for the go-ahead, that, and what an attacker has sent
/// behind it.
const SMUGGLED: [(Client, &Script<'_>, &[u8], &[u8]); 6] = [
    (
        Client::Smtp,
        &[EHLO, (b"250 STARTTLS\r\n", b"STARTTLS\r\n")],
        b"220 go\r\n",
        b"250 AUTH\r\n",
    ),
    (
        Client::Imap,
        &[
            (b"* OK fake\r\n", b"a CAPABILITY\r\n"),
            (b"* CAPABILITY STARTTLS\r\na OK\r\n", b"b STARTTLS\r\n"),
        ],
        b"b OK go\r\n",
        b"a OK logged in\r\n",
    ),
    (
        Client::Pop3,
        &[
            (b"+OK fake\r\n", b"CAPA\r\n"),
            (b"+OK\r\nSTLS\r\n.\r\n", b"STLS\r\n"),
        ],
        b"+OK go\r\n",
        b"+OK who are you\r\n",
    ),
    (
        Client::Ftp,
        &[(b"220 fake\r\n", b"AUTH TLS\r\n")],
        b"234 go\r\n",
        b"331 password\r\n",
    ),
    (
        Client::Ldap,
        &[START_TLS],
        b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00",
        b"\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x00\x04\x00\x04\x00",
    ),
    // It lets one in, says that it is ready, and has a row already.
    (
        Client::Postgres,
        &[SSL_REQUEST],
        b"S",
        b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05ID\0\0\0\x0b\0\x01\0\0\0\x01x",
    ),
];

#[tokio::test]
async fn s3_s5_an_answer_smuggled_behind_the_go_ahead_is_an_error_wherever_it_is_cut() -> Result<()>
{
    for (client, script, go, smuggled) in SMUGGLED {
        let answers = [go, smuggled].concat();
        for cut in 0..answers.len() {
            let (first, second) = answers.split_at(cut);
            let fake = async |mut io: DuplexStream| {
                let told = follow(&mut io, script).await;
                io.write_all(first).await.unwrap();
                if cut == go.len() {
                    // It comes when the client has begun its handshake: S18 as well.
                    assert_eq!(io.read_u8().await.unwrap(), 0x16, "{client:?}");
                } else {
                    yield_now().await; // The client reads the first part alone.
                }
                // The client may have gone already.
                let _ = io.write_all(second).await;
                told + &rest(io).await
            };
            let (error, told) = fails(client, fake).await;
            let ClientError::Stack(error) = error else {
                panic!("{client:?}, cut at {cut}: {error:?}");
            };
            if cut == go.len() {
                assert_eq!(error.kind(), ErrorKind::Protocol, "{client:?}");
                assert_eq!(error.layer(), Some("tls"), "{client:?}");
                assert!(!told.contains("secret"), "{client:?}: {told:?}");
            } else {
                assert_eq!(error.kind(), ErrorKind::Residue, "{client:?}, cut at {cut}");
                assert_eq!(told, asked(script), "{client:?}, cut at {cut}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn s8_a_client_whom_tls_is_refused_says_nothing_more() -> Result<()> {
    let refusals: [&[u8]; 5] = [
        b"454 TLS not available\r\n",
        b"b NO not now\r\n",
        b"-ERR not now\r\n",
        b"534 not now\r\n",
        // unavailable (52)
        b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x34\x04\x00\x04\x00",
    ];
    for ((client, script, ..), refusal) in SMUGGLED.into_iter().zip(refusals) {
        let (error, told) = fails(client, says(script, refusal)).await;
        assert!(
            matches!(error, ClientError::Refused(_)),
            "{client:?}: {error:?}"
        );
        assert_eq!(told, asked(script), "{client:?}");
    }
    Ok(())
}

#[tokio::test]
async fn s8_an_error_of_postgresql_in_plain_is_not_read() -> Result<()> {
    let error = b"E\0\0\0\x0fMbelieve me\0\0";
    let (error, told) = fails(Client::Postgres, says(&[SSL_REQUEST], error)).await;
    assert!(
        matches!(&error, ClientError::Stack(it) if it.to_string().ends_with("says \"E\"")),
        "{error:?}"
    );
    assert_eq!(told, asked(&[SSL_REQUEST]));
    Ok(())
}

#[tokio::test]
async fn s9_a_client_to_whom_tls_is_not_offered_says_nothing_more() -> Result<()> {
    let cases: [(Client, &Script<'_>, &[u8]); 5] = [
        (
            Client::Smtp,
            &[EHLO],
            b"250-fake\r\n250-XSTARTTLS\r\n250 AUTH PLAIN\r\n",
        ),
        (
            Client::Imap,
            &[(b"* OK fake\r\n", b"a CAPABILITY\r\n")],
            b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\na OK\r\n",
        ),
        (
            Client::Pop3,
            &[(b"+OK fake\r\n", b"CAPA\r\n")],
            b"+OK\r\nUSER\r\n.\r\n",
        ),
        (
            Client::Pop3,
            &[(b"+OK fake\r\n", b"CAPA\r\n")],
            b"-ERR what\r\n",
        ),
        (Client::Postgres, &[SSL_REQUEST], b"N"),
    ];
    for (client, script, offer) in cases {
        let (error, told) = fails(client, says(script, offer)).await;
        assert!(
            matches!(error, ClientError::NotOffered),
            "{client:?}: {error:?}"
        );
        assert_eq!(told, asked(script), "{client:?}");
    }
    Ok(())
}

#[tokio::test]
async fn s9_a_client_that_is_told_in_plain_that_it_is_logged_in_says_nothing_at_all() -> Result<()>
{
    let (error, told) = fails(Client::Imap, says(&[], b"* PREAUTH hello alice\r\n")).await;
    assert!(matches!(error, ClientError::LoggedInInPlain), "{error:?}");
    assert_eq!(told, "");
    Ok(())
}

/// The client has asked in plain, and does not wait for the answer. The server itself is honest, and
/// answers in TLS: but it was the attacker who asked, or who heard the question.
#[tokio::test]
async fn s18_what_was_asked_in_plain_is_not_answered_in_tls() -> Result<()> {
    let authority = Authority::new()?;
    let (ours, theirs) = duplex(64 * 1024);
    let server = async {
        let mut connection = Connection::new(theirs);
        let mut told = String::new();
        connection.read_line(&mut told).await?;
        connection.read_line(&mut told).await?;
        assert_eq!(told, "STARTTLS\r\nNOOP\r\n");
        let tls = TlsLayer::server(Arc::new(authority.server(&[&TLS13])?));
        connection.push_after(b"220 go\r\n", tls).await?;
        connection.write_all(b"250 the old answer\r\n").await?;
        connection.flush().await?;
        connection.read_line(&mut told).await?;
        assert_eq!(told, "STARTTLS\r\nNOOP\r\nEHLO client.test\r\n");
        connection.write_all(b"250 the new answer\r\n").await?;
        Result::Ok(connection.flush().await?)
    };
    let client = async {
        let mut lines = Lines::new(ours);
        lines.ask("STARTTLS").await?;
        lines.ask("NOOP").await?;
        lines.reply("220").await?;
        let layer = tls(&Arc::new(authority.client(&[&TLS13])?))?;
        lines.session.begin_tls(layer).await?;
        lines.ask("EHLO client.test").await?;
        let old = lines.reply("250").await;
        assert!(matches!(old, Err(ClientError::OldAnswer)), "{old:?}");
        Result::Ok(())
    };
    let both = async { tokio::try_join!(server, client) };
    timeout(LONGEST, both).await??;
    Ok(())
}

/// And the other way round: behind CCC anybody can answer.
#[tokio::test]
async fn s18_what_was_asked_in_tls_is_not_answered_in_plain() -> Result<()> {
    let authority = Authority::new()?;
    let (ours, theirs) = duplex(64 * 1024);
    let server = async {
        let mut connection = Connection::new(theirs);
        connection.write_all(b"220 fake\r\n").await?;
        let mut told = String::new();
        connection.read_line(&mut told).await?;
        let tls = TlsLayer::server(Arc::new(authority.server(&[&TLS13])?));
        let tls = connection.push_after(b"234 go\r\n", tls).await?;
        connection.read_line(&mut told).await?;
        connection.read_line(&mut told).await?;
        assert_eq!(told, "AUTH TLS\r\nCCC\r\nPWD\r\n");
        connection.write_all(b"200 go\r\n").await?;
        connection.pop(tls).await?;
        connection.write_all(b"257 anywhere\r\n").await?;
        Result::Ok(connection.flush().await?)
    };
    let client = async {
        let layer = tls(&Arc::new(authority.client(&[&TLS13])?))?;
        let mut lines = Ftp::start(ours, layer).await?.lines;
        lines.ask("CCC").await?;
        lines.ask("PWD").await?;
        lines.reply("200").await?;
        lines.session.end_tls().await?;
        let old = lines.reply("257").await;
        assert!(matches!(old, Err(ClientError::OldAnswer)), "{old:?}");
        Result::Ok(())
    };
    let both = async { tokio::try_join!(server, client) };
    timeout(LONGEST, both).await??;
    Ok(())
}

/// Lets a client meet a server, which returns what it was told; and says why the client gave up.
async fn fails<F: Future<Output = String>>(
    client: Client,
    server: impl FnOnce(DuplexStream) -> F,
) -> (ClientError, String) {
    let authority = Authority::new().unwrap();
    let config = Arc::new(authority.client(&[&TLS13]).unwrap());
    let (ours, theirs) = duplex(64 * 1024);
    let both = async { tokio::join!(client.play(ours, tls(&config).unwrap()), server(theirs)) };
    let (played, told) = timeout(LONGEST, both).await.unwrap();
    (played.unwrap_err(), told)
}

/// A server that follows a script, says one thing more, and listens.
fn says<'a>(script: &'a Script<'a>, last: &'a [u8]) -> impl FnOnce(DuplexStream) -> Told<'a> {
    move |mut io| {
        Box::pin(async move {
            let told = follow(&mut io, script).await;
            io.write_all(last).await.unwrap();
            told + &rest(io).await
        })
    }
}

type Told<'a> = std::pin::Pin<Box<dyn Future<Output = String> + 'a>>;

/// Says each thing, and hears what is to be told then.
async fn follow(io: &mut DuplexStream, script: &Script<'_>) -> String {
    let mut told = Vec::new();
    for (says, hears) in script {
        io.write_all(says).await.unwrap();
        let mut heard = vec![0; hears.len()];
        io.read_exact(&mut heard).await.unwrap();
        told.extend(heard);
    }
    readable(&told)
}

async fn rest(mut io: DuplexStream) -> String {
    let mut rest = Vec::new();
    io.read_to_end(&mut rest).await.unwrap();
    readable(&rest)
}

fn asked(script: &Script<'_>) -> String {
    let hears: Vec<_> = script.iter().map(|(_, hears)| *hears).collect();
    readable(&hears.concat())
}

fn readable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
