//! Where the gateway and one of those that it stands between might not see the same.

use std::net::{Ipv6Addr, TcpListener as StdListener};

use compress_layer::CompressLayer;
use peers::Result;
use stack::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::connect;
use crate::gateway::Gateway;
use crate::stranger::{Talk, listen};

/// A gateway before a server in the test's hand, which has greeted a client.
async fn greeted(protocol: &str, greeting: &str, more: &[&str]) -> Result<(Gateway, Talk, Talk)> {
    let listener = listen()?;
    let gateway = Gateway::start(protocol, listener.local_addr()?, more).await?;
    let mut client = Talk::new(connect(gateway.port).await?);
    let mut server = Talk::accept(&listener).await?;
    server.say(format!("{greeting}\r\n")).await?;
    assert_eq!(client.hear().await?, greeting);
    Ok((gateway, client, server))
}

/// Otherwise whoever is in the middle logs in as himself, and the client begins TLS in his session.
#[tokio::test]
async fn tls_does_not_begin_behind_a_login_that_is_under_way() -> Result<()> {
    let (_gateway, mut client, mut server) = greeted("imap", "* OK x", &[]).await?;
    client.say("a LOGIN b c\r\nd STARTTLS\r\n").await?;
    assert_eq!(server.hear().await?, "a LOGIN b c");
    server.say("a OK x\r\n").await?;
    assert_eq!(client.hear().await?, "a OK x");
    assert_eq!(client.hear().await?, "d BAD it is too late for TLS");

    // Nor behind one that has failed: what the server has made of its literals nobody knows.
    let (_gateway, mut client, mut server) = greeted("imap", "* OK x", &[]).await?;
    client.say("a LOGIN b c\r\n").await?;
    server.hear().await?;
    server.say("a NO x\r\n").await?;
    assert_eq!(client.hear().await?, "a NO x");
    client.say("b CAPABILITY\r\n").await?;
    server.hear().await?;
    server.say("* CAPABILITY IMAP4rev1\r\nb OK x\r\n").await?;
    assert_eq!(client.hear().await?, "* CAPABILITY IMAP4rev1");
    assert_eq!(client.hear().await?, "b OK x");
    client.say("d STARTTLS\r\n").await?;
    assert_eq!(client.hear().await?, "d BAD it is too late for TLS");
    Ok(())
}

/// What was asked in plain must not be answered in TLS.
#[tokio::test]
async fn no_question_is_overlooked_before_tls() -> Result<()> {
    for (question, answer) in [
        // A server may answer this with the tag, or without.
        ("a\r\n", "* BAD what?"),
        ("\r\n", "* BAD what?"),
        ("* NOOP\r\n", "* BAD what?"),
    ] {
        let (_gateway, mut client, mut server) = greeted("imap", "* OK x", &[]).await?;
        client.say(question).await?;
        assert_eq!(client.hear().await?, answer, "{question:?}");
        client.say("b NOOP\r\nc STARTTLS\r\n").await?;
        assert_eq!(server.hear().await?, "b NOOP");
        server.say("b OK x\r\n").await?;
        assert_eq!(client.hear().await?, "b OK x");
        assert_eq!(client.hear().await?, "c OK go ahead");
    }
    // The server has not even greeted.
    let listener = listen()?;
    let gateway = Gateway::start("imap", listener.local_addr()?, &[]).await?;
    let mut client = Talk::new(connect(gateway.port).await?);
    let mut server = Talk::accept(&listener).await?;
    client.say("a STARTTLS\r\n").await?;
    server.say("* OK x\r\n").await?;
    assert_eq!(client.hear().await?, "* OK x");
    assert_eq!(client.hear().await?, "a OK go ahead");
    Ok(())
}

/// Each is a command to a server that is generous, or knows no such literals.
#[tokio::test]
async fn nothing_reaches_the_server_in_disguise() -> Result<()> {
    // Longer than what is read at once.
    let long = format!("a LOGIN b {}\r\n", "c".repeat(1_000_000));
    for (protocol, greeting, question) in [
        ("imap", "* OK x", long.as_str()),
        ("imap", "* OK x", "a NOOP {14+}\r\nb LOGIN c d\r\n\r\n"),
        ("imap", "* OK x", "a NOOP\rb LOGIN c d\r\n"),
        ("smtp", "220 x", "NOOP\rMAIL FROM:<a>\r\n"),
        ("pop3", "+OK x", "CAPA\rUSER a\r\n"),
    ] {
        let (mut gateway, mut client, mut server) =
            greeted(protocol, greeting, &["--require-tls"]).await?;
        // It may be gone before all of it is written.
        let _ = client.say(question).await;
        assert_eq!(server.hear_all().await?, b"", "{protocol}");
        drop(client);
        gateway.account().await?;
    }
    Ok(())
}

/// It has no need of TLS, for it says only a secret that was told in TLS; but nothing else may ride on it.
#[tokio::test]
async fn a_cancel_request_is_all_that_passes_without_tls() -> Result<()> {
    let listener = listen()?;
    let backend = listener.local_addr()?;
    let mut gateway = Gateway::start("postgres", backend, &["--require-tls"]).await?;
    for (request, more) in [
        (&b"\0\0\0\x10\x04\xd2\x16\x2eabcdefgh"[..], "more"),
        (b"\0\0\0\x10\x04\xd2\x16\x2eabcdefgh", ""),
        (b"\0\0\0\x08\x04\xd2\x16\x2e", "\0\0\0\x08\0\x03\0\0"),
    ] {
        let mut client = Talk::new(connect(gateway.port).await?);
        let mut server = Talk::accept(&listener).await?;
        client.say([request, more.as_bytes()].concat()).await?;
        assert_eq!(server.hear_all().await?, request);
        drop(server);
        assert_eq!(client.hear_all().await?, b"");
        drop(client);
        let account = gateway.account().await?;
        assert!(account.ends_with("end=clean"), "{account}");
    }
    Ok(())
}

/// Without waiting for the answer to IDLE.
#[tokio::test]
async fn a_mail_behind_idle_is_a_mail() -> Result<()> {
    let (_gateway, mut client, mut server) = greeted("imap", "* PREAUTH x", &[]).await?;
    client.say("a IDLE\r\n").await?;
    assert_eq!(server.hear().await?, "a IDLE");
    server.say("+ idling\r\n").await?;
    assert_eq!(client.hear().await?, "+ idling");
    client.say("DONE\r\nb APPEND INBOX {22}\r\n").await?;
    assert_eq!(server.hear().await?, "DONE");
    server.say("a OK x\r\n").await?;
    assert_eq!(client.hear().await?, "a OK x");
    assert_eq!(server.hear().await?, "b APPEND INBOX {22}");
    server.say("+ go on\r\n").await?;
    assert_eq!(client.hear().await?, "+ go on");
    client.say("c COMPRESS DEFLATE\r\n\r\n\r\n").await?;
    assert_eq!(server.hear().await?, "c COMPRESS DEFLATE");
    Ok(())
}

/// Names of mailboxes, which anybody chooses, are repeated in texts.
#[tokio::test]
async fn a_text_that_looks_like_a_literal_is_none() -> Result<()> {
    let (_gateway, mut client, mut server) = greeted("imap", "* PREAUTH x", &[]).await?;
    client
        .say("a SELECT \"b{99}\"\r\nc COMPRESS DEFLATE\r\n")
        .await?;
    assert_eq!(server.hear().await?, "a SELECT \"b{99}\"");
    server
        .say("* OK {99}\r\na NO there is none: b{99}\r\n")
        .await?;
    assert_eq!(client.hear().await?, "* OK {99}");
    assert_eq!(client.hear().await?, "a NO there is none: b{99}");
    assert_eq!(client.hear().await?, "c OK DEFLATE active");
    Ok(())
}

/// Many messages that are moved at once are named in the answer.
#[tokio::test]
async fn a_long_answer_is_an_answer_and_a_long_command_a_command() -> Result<()> {
    let (_gateway, mut client, mut server) = greeted("imap", "* PREAUTH x", &[]).await?;
    let set = "1,".repeat(100_000);
    let command = format!("a UID MOVE {set}2 b");
    let answer = format!("a OK [COPYUID 1 {set}2 {set}2] x");
    for command in [&command, "a UID MOVE 1:* b"] {
        client.say(format!("{command}\r\n")).await?;
        assert_eq!(server.hear().await?, command);
        client.say("b COMPRESS LZW\r\n").await?;
        server.say(format!("{answer}\r\n")).await?;
        assert_eq!(client.hear().await?, answer);
        assert_eq!(client.hear().await?, "b BAD only DEFLATE");
    }
    client.say("c COMPRESS DEFLATE\r\n").await?;
    assert_eq!(client.hear().await?, "c OK DEFLATE active");
    Ok(())
}

/// Who is told how to log in may do so at once, and in plain.
#[tokio::test]
async fn no_way_to_log_in_is_offered_before_tls_where_it_is_required() -> Result<()> {
    let (_gateway, mut client, mut server) = greeted("smtp", "220 x", &["--require-tls"]).await?;
    client.say("EHLO a\r\n").await?;
    server.hear().await?;
    server
        .say("250-x\r\n250-AUTH PLAIN\r\n250-AUTH=PLAIN\r\n250 SIZE\r\n")
        .await?;
    for line in ["250-x", "250-SIZE", "250 STARTTLS"] {
        assert_eq!(client.hear().await?, line);
    }
    Ok(())
}

#[tokio::test]
async fn words_need_not_be_utf_8() -> Result<()> {
    for protocol in ["smtp", "pop3"] {
        let (_gateway, mut client, mut server) = greeted(protocol, "+OK  x", &[]).await?;
        client.say(b"USER m\xfcller\r\n").await?;
        drop(client);
        assert_eq!(server.hear_all().await?, b"USER m\xfcller\r\n");
    }
    Ok(())
}

/// Otherwise a stranger could hold a place for ever, whom the server has long sent away.
#[tokio::test]
async fn a_client_that_stays_does_not_outlive_its_server() -> Result<()> {
    let stays = |protocol, greeting| async move {
        let (mut gateway, mut client, mut server) = greeted(protocol, greeting, &[]).await?;
        client.say("a STAYS\r\n").await?;
        server.hear().await?;
        drop(server);
        let account = gateway.account().await?;
        assert!(account.ends_with("end=clean"), "{account}");
        drop(client);
        Result::Ok(())
    };
    tokio::try_join!(
        stays("smtp", "220 x"),
        stays("imap", "* PREAUTH x"),
        stays("pop3", "+OK x")
    )?;
    Ok(())
}

/// What was told last can be read, though the client still talks.
#[tokio::test]
async fn a_farewell_is_not_lost() -> Result<()> {
    let (_gateway, mut client, _server) = greeted("imap", "* OK x", &["--require-tls"]).await?;
    client.say("a LOGIN {16000000+}\r\n").await?;
    // More than the system keeps of what nobody reads.
    client.say(vec![b'x'; 16_000_000]).await?;
    let farewell = "* BYE [PRIVACYREQUIRED] STARTTLS first";
    assert_eq!(client.hear().await?, farewell);
    Ok(())
}

/// By an address that clients of version 4 have at a listener of version 6.
#[tokio::test]
async fn a_client_of_version_4_is_told_of_as_such() -> Result<()> {
    if StdListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        eprintln!("skipped: there is no IPv6 here");
        return Ok(());
    }
    let listener = listen()?;
    let more = ["--proxy-protocol", "v1", "--listen", "[::]:0"];
    let mut gateway = Gateway::start("pop3", listener.local_addr()?, &more).await?;
    let client = connect(gateway.port).await?;
    let mut server = Talk::accept(&listener).await?;
    let told = server.hear().await?;
    assert!(told.starts_with("PROXY TCP4 127.0.0.9 "), "{told}");
    drop((client, server));
    let account = gateway.account().await?;
    assert!(account.starts_with("client=127.0.0.9:"), "{account}");
    Ok(())
}

/// Whoever has asked for accounts and does not read them.
#[tokio::test]
async fn a_log_that_nobody_reads_does_not_keep_it_alive() -> Result<()> {
    let listener = listen()?;
    let mut gateway = Gateway::start("pop3", listener.local_addr()?, &["--drain", "0"]).await?;
    // A pipe has 64 KiB, and an account more than 100 bytes.
    let clients = 1000;
    let serve = async {
        for _ in 0..clients {
            drop(listener.accept().await?);
        }
        Result::Ok(())
    };
    let come = async {
        for _ in 0..clients {
            drop(TcpStream::connect(("127.0.0.1", gateway.port)).await?);
        }
        Result::Ok(())
    };
    tokio::try_join!(serve, come)?;
    gateway.signal("TERM").await?;
    assert!(gateway.wait().await?.success());
    Ok(())
}

#[tokio::test]
async fn the_longest_times_are_times() -> Result<()> {
    let more = ["--login-timeout", "1e19"];
    let (_gateway, mut client, mut server) = greeted("imap", "* OK x", &more).await?;
    client.say("a NOOP\r\n").await?;
    assert_eq!(server.hear().await?, "a NOOP");
    Ok(())
}

/// Some clients say goodbye and are gone, without a close_notify; what is done at the goodbye, such as
/// deleting mail, is to be done.
#[tokio::test]
async fn the_last_words_of_a_client_arrive() -> Result<()> {
    let listener = listen()?;
    let gateway = Gateway::start("pop3", listener.local_addr()?, &[]).await?;
    for _ in 0..50 {
        let mut client = Connection::new(connect(gateway.port).await?);
        let mut server = Talk::accept(&listener).await?;
        server.say("+OK x\r\n").await?;
        client.read_exact(&mut [0; 7]).await?;
        client.write_all(b"STLS\r\n").await?;
        client.read_exact(&mut [0; 14]).await?;
        client.push(crate::tls(&gateway.authority)?).await?;
        client.write_all(b"USER a\r\n").await?;
        client.flush().await?;
        assert_eq!(server.hear().await?, "USER a");
        client.write_all(b"PASS b\r\nDELE 1\r\nQUIT\r\n").await?;
        client.flush().await?;
        drop(client);
        assert_eq!(server.hear_all().await?, b"PASS b\r\nDELE 1\r\nQUIT\r\n");
    }
    Ok(())
}

/// A client that has said all is still answered, in TLS and compressed.
#[tokio::test]
async fn a_client_may_end_first() -> Result<()> {
    const ANSWER: &[u8] = b"* SEARCH 1 2 3\r\n";
    let listener = listen()?;
    let mut gateway = Gateway::start("imap", listener.local_addr()?, &[]).await?;
    let mut client = Connection::new(connect(gateway.port).await?);
    let mut server = Talk::accept(&listener).await?;
    server.say("* OK x\r\n").await?;
    client.read_exact(&mut [0; 8]).await?;
    client.write_all(b"a STARTTLS\r\n").await?;
    client.read_exact(&mut [0; 15]).await?;
    client.push(crate::tls(&gateway.authority)?).await?;
    client.write_all(b"b LOGIN c d\r\n").await?;
    client.flush().await?;
    assert_eq!(server.hear().await?, "b LOGIN c d");
    server.say("b OK x\r\n").await?;
    client.read_exact(&mut [0; 8]).await?;
    client.write_all(b"e COMPRESS DEFLATE\r\n").await?;
    client.read_exact(&mut [0; 21]).await?;
    client.push(CompressLayer::deflate(6)).await?;
    client.write_all(b"f SEARCH ALL\r\n").await?;
    client.shutdown().await?;
    assert_eq!(server.hear_all().await?, b"f SEARCH ALL\r\n");
    server.say(ANSWER.repeat(10_000)).await?;
    drop(server);
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).await?;
    assert!(heard == ANSWER.repeat(10_000));
    let account = gateway.account().await?;
    assert!(
        account.contains(" compressed=") && account.ends_with("end=clean"),
        "{account}"
    );
    Ok(())
}
