//! What is not let through.

use peers::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::connect;
use crate::gateway::Gateway;
use crate::stranger::{Talk, listen};

/// CVE-2011-0411 and CVE-2021-23214: what stands behind the question in one segment goes nowhere.
#[tokio::test]
async fn what_is_smuggled_in_behind_starttls_never_arrives() -> Result<()> {
    let cases: [(&str, &[u8], &[u8]); 4] = [
        ("smtp", b"220 x\r\n", b"STARTTLS\r\nMAIL FROM:<a>\r\n"),
        ("imap", b"* OK x\r\n", b"a STARTTLS\r\nb LOGIN c d\r\n"),
        ("pop3", b"+OK x\r\n", b"STLS\r\nUSER a\r\n"),
        (
            "postgres",
            b"",
            b"\0\0\0\x08\x04\xd2\x16\x2f\0\0\0\x08\0\x03\0\0",
        ),
    ];
    for (protocol, greeting, question) in cases {
        let listener = listen()?;
        let mut gateway = Gateway::start(protocol, listener.local_addr()?, &[]).await?;
        let mut client = connect(gateway.port).await?;
        let mut server = Talk::accept(&listener).await?;
        server.say(greeting).await?;
        let mut greeted = vec![0; greeting.len()];
        client.read_exact(&mut greeted).await?;
        client.write_all(question).await?;
        assert_eq!(server.hear_all().await?, b"", "{protocol}");
        let mut heard = Vec::new();
        // It may be reset, for there is something that nobody has read.
        let _ = client.read_to_end(&mut heard).await;
        assert_eq!(heard, b"", "{protocol}");
        let account = gateway.account().await?;
        assert!(account.contains("end=\"tls: "), "{account}");
    }
    Ok(())
}

/// One question and its answer at a time; what the gateway answers itself the server never hears.
#[tokio::test]
async fn before_tls_nobody_logs_in_where_it_is_required() -> Result<()> {
    let cases: [(_, _, &[_]); 3] = [
        (
            "smtp",
            "220 x",
            &[
                (
                    "MAIL FROM:<a>",
                    "530 5.7.0 Must issue a STARTTLS command first",
                ),
                (
                    "AUTH PLAIN AGEAYg==",
                    "530 5.7.0 Must issue a STARTTLS command first",
                ),
                ("DATA", "530 5.7.0 Must issue a STARTTLS command first"),
            ],
        ),
        (
            "imap",
            "* OK x",
            &[
                ("a LOGIN b c", "a NO [PRIVACYREQUIRED] STARTTLS first"),
                (
                    "a AUTHENTICATE PLAIN",
                    "a NO [PRIVACYREQUIRED] STARTTLS first",
                ),
                (
                    "a COMPRESS DEFLATE",
                    "a NO [PRIVACYREQUIRED] STARTTLS first",
                ),
                ("a LOGIN {1}", "a NO [PRIVACYREQUIRED] STARTTLS first"),
                ("a LOGIN {1+}", "* BYE [PRIVACYREQUIRED] STARTTLS first"),
            ],
        ),
        (
            "pop3",
            "+OK x",
            &[
                ("USER a", "-ERR STLS first"),
                ("APOP a b", "-ERR STLS first"),
            ],
        ),
    ];
    for (protocol, greeting, questions) in cases {
        let listener = listen()?;
        let backend = listener.local_addr()?;
        let gateway = Gateway::start(protocol, backend, &["--require-tls"]).await?;
        let mut client = Talk::new(connect(gateway.port).await?);
        let mut server = Talk::accept(&listener).await?;
        server.say(format!("{greeting}\r\n")).await?;
        assert_eq!(client.hear().await?, greeting);
        for (question, answer) in questions {
            client.say(format!("{question}\r\n")).await?;
            assert_eq!(client.hear().await?, *answer, "{question}");
        }
        drop(client);
        assert_eq!(server.hear_all().await?, b"", "{protocol}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_offered_depends_on_how_far_one_is() -> Result<()> {
    let listener = listen()?;
    let backend = listener.local_addr()?;
    let gateway = Gateway::start("imap", backend, &["--require-tls"]).await?;
    let mut client = Talk::new(connect(gateway.port).await?);
    let mut server = Talk::accept(&listener).await?;
    server
        .say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN COMPRESS=DEFLATE] x\r\n")
        .await?;
    let offered = "* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] x";
    assert_eq!(client.hear().await?, offered);
    // Two questions at once are answered one by one.
    client.say("a CAPABILITY\r\nb NOOP\r\n").await?;
    assert_eq!(server.hear().await?, "a CAPABILITY");
    server
        .say("* CAPABILITY IMAP4rev1 AUTH=PLAIN STARTTLS\r\na OK x\r\n")
        .await?;
    assert_eq!(server.hear().await?, "b NOOP");
    server.say("b OK x\r\n").await?;
    assert_eq!(
        client.hear().await?,
        "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED"
    );
    assert_eq!(client.hear().await?, "a OK x");
    assert_eq!(client.hear().await?, "b OK x");
    Ok(())
}

/// A question that was asked in plain is answered in plain, before TLS begins.
#[tokio::test]
async fn tls_waits_for_what_was_asked_before() -> Result<()> {
    let listener = listen()?;
    let gateway = Gateway::start("imap", listener.local_addr()?, &[]).await?;
    let mut client = Talk::new(connect(gateway.port).await?);
    let mut server = Talk::accept(&listener).await?;
    server.say("* OK x\r\n").await?;
    client.hear().await?;
    client.say("a NOOP\r\nb STARTTLS\r\n").await?;
    assert_eq!(server.hear().await?, "a NOOP");
    server.say("* OK first\r\na OK then\r\n").await?;
    assert_eq!(client.hear().await?, "* OK first");
    assert_eq!(client.hear().await?, "a OK then");
    assert_eq!(client.hear().await?, "b OK go ahead");
    Ok(())
}

/// A literal that the server does not want never comes; what comes instead is a command again.
#[tokio::test]
async fn a_literal_that_is_refused_is_not_waited_for() -> Result<()> {
    let listener = listen()?;
    let gateway = Gateway::start("imap", listener.local_addr()?, &[]).await?;
    let mut client = Talk::new(connect(gateway.port).await?);
    let mut server = Talk::accept(&listener).await?;
    server.say("* PREAUTH x\r\n").await?;
    client.hear().await?;
    client.say("a APPEND INBOX {100}\r\n").await?;
    assert_eq!(server.hear().await?, "a APPEND INBOX {100}");
    server.say("a NO [TRYCREATE] there is none\r\n").await?;
    assert_eq!(client.hear().await?, "a NO [TRYCREATE] there is none");
    client.say("b RENAME {1}\r\n").await?;
    assert_eq!(server.hear().await?, "b RENAME {1}");
    server.say("+ go on\r\n").await?;
    assert_eq!(client.hear().await?, "+ go on");
    client.say("x {3}\r\n").await?;
    assert_eq!(server.hear().await?, "x {3}");
    server.say("b NO not that\r\n").await?;
    assert_eq!(client.hear().await?, "b NO not that");
    client.say("c COMPRESS DEFLATE\r\n").await?;
    assert_eq!(client.hear().await?, "c OK DEFLATE active");
    Ok(())
}

#[tokio::test]
async fn a_line_without_end_is_refused() -> Result<()> {
    let listener = listen()?;
    let mut gateway = Gateway::start("smtp", listener.local_addr()?, &[]).await?;
    let mut client = connect(gateway.port).await?;
    let mut server = Talk::accept(&listener).await?;
    server.say("220 x\r\n").await?;
    // It may be gone before all of it is written.
    let _ = client.write_all(&[b'x'; 20_000]).await;
    let account = gateway.account().await?;
    assert!(account.contains("a line is too long"), "{account}");
    assert_eq!(server.hear_all().await?, b"");
    Ok(())
}

#[tokio::test]
async fn whoever_does_not_log_in_is_sent_away() -> Result<()> {
    for protocol in ["smtp", "imap", "pop3", "postgres"] {
        let listener = listen()?;
        let more = ["--login-timeout", "0.05"];
        let mut gateway = Gateway::start(protocol, listener.local_addr()?, &more).await?;
        let mut client = connect(gateway.port).await?;
        let _server = Talk::accept(&listener).await?;
        assert_eq!(client.read(&mut [0]).await?, 0);
        let account = gateway.account().await?;
        assert!(account.contains("end=\"timed out\""), "{account}");
    }
    Ok(())
}
