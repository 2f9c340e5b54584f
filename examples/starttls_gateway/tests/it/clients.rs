//! Clients that are not ours, before servers that are not ours.

use std::fs;

use peers::clients::{Imap, Smtp};
use peers::{Daemon, Program, Result};

use crate::gateway::Gateway;
use crate::{connect, tls};

const DOVECOT: &[&str] = &["IMAP", "IMAPS", "POP3", "IMAP_PROXY", "POP3_PROXY"];

/// Runs a client, which must do well.
async fn run(program: &str, arguments: &[&str], input: &str) -> Result<String> {
    let done = Program::run(program, arguments, input).await?;
    match done.status.success() {
        true => Ok(done.output),
        false => Err(format!("{program} {arguments:?}: {done:#?}").into()),
    }
}

/// OpenSSL's client, which begins TLS, says this, and hears the rest.
async fn s_client(gateway: &Gateway, protocol: &str, words: &str) -> Result<()> {
    let (root, address) = (gateway.root()?, format!("localhost:{}", gateway.port));
    let arguments = [
        "s_client",
        "-starttls",
        protocol,
        "-connect",
        &address,
        "-CAfile",
        &root,
        "-verify_return_error",
        "-quiet",
        "-ign_eof",
    ];
    run("openssl", &arguments, words).await?;
    Ok(())
}

/// What the server has logged, or said.
fn told(server: &Daemon, file: &str) -> Result<String> {
    Ok(fs::read_to_string(server.folder().path().join(file))?)
}

#[tokio::test]
async fn curl_and_openssl_read_mail_behind_starttls_and_dovecot_knows_them() -> Result<()> {
    if !Daemon::is_here(&["dovecot", "curl", "openssl"]) {
        return Ok(());
    }
    let dovecot = Daemon::start("dovecot", DOVECOT).await?;
    for (protocol, version) in [("imap", "v2"), ("pop3", "v1")] {
        let backend = dovecot.address(&format!("{}_PROXY", protocol.to_uppercase()))?;
        let more = ["--proxy-protocol", version, "--require-tls"];
        let mut gateway = Gateway::start(protocol, backend, &more).await?;
        let (root, port) = (gateway.root()?, gateway.port);

        let address = format!("{protocol}://localhost:{port}/");
        let curl = [
            "--silent",
            "--show-error",
            "--ssl-reqd",
            "--cacert",
            &root,
            "--interface",
            "127.0.0.9",
            "--user",
            "alice:secret",
            &address,
        ];
        let listed = run("curl", &curl, "").await?;
        if protocol == "imap" {
            assert!(listed.contains("INBOX"), "{listed}");
        }
        let account = gateway.account().await?;
        assert!(account.starts_with("client=127.0.0.9:"), "{account}");
        assert!(
            account.contains("tls=TLSv1.3") || account.contains("tls=TLS 1.3"),
            "{account}"
        );
        assert!(account.ends_with("end=clean"), "{account}");
        let log = told(&dovecot, "log")?;
        let log_in = format!("{protocol}-login: ");
        let mut log_ins = log.lines().filter(|line| line.contains(&log_in));
        let latest = log_ins.next_back().unwrap_or_default();
        assert!(latest.contains("rip=127.0.0.9"), "{log}");

        let leave = if protocol == "imap" {
            "x LOGOUT\n"
        } else {
            "QUIT\n"
        };
        s_client(&gateway, protocol, leave).await?;
        let account = gateway.account().await?;
        assert!(account.contains("end=clean"), "{account}");
    }
    Ok(())
}

#[tokio::test]
async fn mbsync_sends_and_fetches_mail_compressed() -> Result<()> {
    if !Daemon::is_here(&["dovecot", "mbsync"]) {
        return Ok(());
    }
    let dovecot = Daemon::start("dovecot", DOVECOT).await?;
    let more = ["--proxy-protocol", "v2", "--require-tls"];
    let mut gateway = Gateway::start("imap", dovecot.address("IMAP_PROXY")?, &more).await?;
    let mail = format!(
        "Subject: long\n\n{}",
        "the same again, and once more\n".repeat(5_000)
    );
    for side in ["one", "other"] {
        let maildir = gateway.folder.path().join(side);
        for folder in ["cur", "new", "tmp"] {
            fs::create_dir_all(maildir.join("INBOX").join(folder))?;
        }
        if side == "one" {
            fs::write(maildir.join("INBOX/cur/1.mail:2,S"), &mail)?;
        }
        let config = format!(
            "IMAPAccount peer\nHost localhost\nPort {}\nUser alice\nPass secret\nAuthMechs LOGIN\n\
             SSLType STARTTLS\nCertificateFile {}\nSystemCertificates no\n\n\
             IMAPStore far\nAccount peer\n\nMaildirStore near\nInbox {}/INBOX\nPath {}/\n\n\
             Channel all\nFar :far:\nNear :near:\nPatterns INBOX\nSync All\nCreate Both\nSyncState *\n",
            gateway.port,
            gateway.root()?,
            maildir.display(),
            maildir.display(),
        );
        let config = gateway.folder.file(&format!("{side}.rc"), config)?;
        let config = config.to_str().ok_or("no text")?;
        run("mbsync", &["-c", config, "-a"], "").await?;
        let account = gateway.account().await?;
        let compressed = account
            .split("compressed=")
            .nth(1)
            .ok_or_else(|| format!("it is not compressed: {account}"))?;
        assert!(!compressed.starts_with("0/"), "{account}");
    }
    // It has come back, marked by mbsync and with other ends of lines.
    let inbox = gateway.folder.path().join("other/INBOX");
    let mails = ["cur", "new"].map(|it| fs::read_dir(inbox.join(it)));
    let mut paths = mails
        .into_iter()
        .flatten()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let come = fs::read_to_string(paths.next().ok_or("no mail has come")?)?.replace("\r\n", "\n");
    let body = |mail: &str| mail.split_once("\n\n").map(|(_, body)| body.to_owned());
    assert!(body(&come) == body(&mail), "the mail has changed");
    Ok(())
}

#[tokio::test]
async fn postfix_gets_mail_behind_starttls_and_knows_whose() -> Result<()> {
    if !Daemon::is_here(&["curl", "openssl", "postfix"]) {
        return Ok(());
    }
    let postfix = Daemon::start("postfix", &["SMTP", "SMTP_PROXY"]).await?;
    for version in ["v1", "v2"] {
        let backend = postfix.address("SMTP_PROXY")?;
        let more = ["--proxy-protocol", version, "--require-tls"];
        let mut gateway = Gateway::start("smtp", backend, &more).await?;
        let (root, port) = (gateway.root()?, gateway.port);
        let address = format!("smtp://localhost:{port}/client.test");
        let curl = [
            "--silent",
            "--show-error",
            "--ssl-reqd",
            "--cacert",
            &root,
            "--interface",
            "127.0.0.9",
            "--mail-from",
            "alice@client.test",
            "--mail-rcpt",
            "bob@peer.test",
            "--upload-file",
            "-",
            &address,
        ];
        // A line of the mail that would be a command elsewhere.
        run("curl", &curl, "Subject: hello\r\n\r\nSTARTTLS\r\nhello\r\n").await?;
        let account = gateway.account().await?;
        assert!(
            account.contains("end=clean") && !account.contains("tls=none"),
            "{account}"
        );
        let log = told(&postfix, "maillog")?;
        assert!(
            log.contains("client=unknown[127.0.0.9]") || log.contains("[127.0.0.9]"),
            "{log}"
        );

        s_client(&gateway, "smtp", "QUIT\n").await?;
    }
    Ok(())
}

#[tokio::test]
async fn psql_asks_postgresql_in_tls() -> Result<()> {
    if !Daemon::is_here(&["psql", "pg_ctlcluster"]) {
        return Ok(());
    }
    let postgres = Daemon::start_for("postgresql", &["POSTGRES"], &[("PLAIN", 1)]).await?;
    let backend = postgres.address("POSTGRES")?;
    let mut gateway = Gateway::start("postgres", backend, &["--require-tls"]).await?;
    for mode in ["require", "verify-full"] {
        for gss in ["disable", "prefer"] {
            let to = format!(
                "host=localhost port={} user=alice dbname=postgres sslmode={mode} sslrootcert={} \
                 gssencmode={gss}",
                gateway.port,
                gateway.root()?
            );
            // Much comes back, and it takes its time to begin with.
            let query = "select repeat('x', 1000000); select 6 * 7";
            let answer = run("psql", &[&to, "-XAtc", query], "").await?;
            assert!(answer.ends_with("\n42\n") && answer.len() > 1_000_000);
            let account = gateway.account().await?;
            assert!(
                account.contains("end=clean") && !account.contains("tls=none"),
                "{account}"
            );
        }
    }
    let to = format!(
        "host=localhost port={} user=alice dbname=postgres sslmode=disable",
        gateway.port
    );
    let refused = Program::run("psql", &[&to, "-XAtc", "select 1"], "").await?;
    assert!(
        !refused.status.success() && refused.errors.contains("TLS is required"),
        "{refused:#?}"
    );
    Ok(())
}

/// Our own clients believe nothing that was said in plain, and compress.
#[tokio::test]
async fn our_clients_find_all_as_before() -> Result<()> {
    if !Daemon::is_here(&["dovecot"]) {
        return Ok(());
    }
    let dovecot = Daemon::start("dovecot", DOVECOT).await?;
    let mut gateway = Gateway::start("imap", dovecot.address("IMAP")?, &[]).await?;
    let mut imap = Imap::start(connect(gateway.port).await?, tls(&gateway.authority)?).await?;
    imap.log_in("alice", "secret").await?;
    // What looks like a command, in a literal.
    let mail = "Subject: x\r\n\r\na COMPRESS DEFLATE\r\nb STARTTLS\r\nc LOGOUT\r\n".repeat(1000);
    imap.append("INBOX", &mail).await?;
    imap.compress(6).await?;
    imap.append("INBOX", &mail).await?;
    imap.select("INBOX").await?;
    for number in [1, 2] {
        assert!(imap.fetch(number).await? == mail.as_bytes());
    }
    imap.quit().await?;
    let account = gateway.account().await?;
    assert!(account.contains(" compressed="), "{account}");
    assert!(account.ends_with("end=clean"), "{account}");
    Ok(())
}

#[tokio::test]
async fn without_a_need_for_tls_plain_clients_are_served_too() -> Result<()> {
    if !Daemon::is_here(&["dovecot", "postfix"]) {
        return Ok(());
    }
    let dovecot = Daemon::start("dovecot", DOVECOT).await?;
    let mut gateway = Gateway::start("imap", dovecot.address("IMAP")?, &[]).await?;
    let mut imap = Imap::plain(connect(gateway.port).await?).await?;
    imap.log_in("alice", "secret").await?;
    imap.compress(6).await?;
    imap.append("INBOX", "Subject: plain\r\n\r\n").await?;
    imap.quit().await?;
    let account = gateway.account().await?;
    assert!(account.contains("tls=none compressed="), "{account}");

    let postfix = Daemon::start("postfix", &["SMTP"]).await?;
    let gateway = Gateway::start("smtp", postfix.address("SMTP")?, &[]).await?;
    let mut smtp = Smtp::start(connect(gateway.port).await?, tls(&gateway.authority)?).await?;
    smtp.send("a@client.test", "b@peer.test", "Subject: x\r\n\r\nSTARTTLS")
        .await?;
    smtp.quit().await?;
    Ok(())
}
