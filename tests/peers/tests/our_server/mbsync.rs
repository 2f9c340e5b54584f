//! `mbsync`, which compresses wherever it can.

use peers::{Leaving, Mailbox, Result, Server, is_here, text};
use stack::Blame;

use crate::mailbox::{Maildir, mail, mailbox_has, mails, serve, session, ways};
use crate::setting::{Setting, run};

/// It marks each mail that it carries, so that it finds it again.
const ADDS: [&str; 1] = ["X-TUID"];

#[tokio::test]
async fn mbsync_fetches_sends_and_deletes_mails_compressed_in_clear_and_in_tls() -> Result<()> {
    if !is_here(&["mbsync"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    for (n, (way, sealed)) in ways().enumerate() {
        let mailbox = Mailbox::new(mails());
        let mut server = serve(&setting, way, &mailbox).await?;
        let maildir = Maildir::new(setting.folder.path().join(n.to_string()), &[])?;

        mbsync(&setting, &server, &maildir, sealed).await?;
        maildir.has(&mails(), &ADDS)?;
        let down = session(&mut server, way, sealed).await?;

        let more = [
            mail("more", "Hello back.\r\n"),
            mail("much more", &text(2, 300_000)),
        ];
        maildir.add("more", &more[0])?;
        maildir.add("much-more", &more[1])?;
        maildir.remove("Subject: small")?;
        mbsync(&setting, &server, &maildir, sealed).await?;
        let up = session(&mut server, way, sealed).await?;
        let heard = |what: &str| up.heard.iter().filter(|line| line.contains(what)).count();
        // A large literal it announces, a small one it sends at once (LITERAL+).
        assert_eq!((heard("APPEND"), heard("+}")), (2, 1), "{up:#?}");
        assert_eq!(heard("BODY"), 0, "it fetched again: {up:#?}");
        let sent = mailbox.split_off(mails().len() - 1);
        mailbox_has(&mailbox, &mails()[1..], &[])?;
        mailbox_has(&sent, &more, &ADDS)?;

        for session in [down, up] {
            // It just closes, in clear as in TLS.
            let Some(Leaving::Error(error)) = &session.leaving else {
                panic!("{way:?}: {session:#?}");
            };
            assert_ne!(error.blame(), Blame::Local, "{session:#?}");
        }
    }
    Ok(())
}

async fn mbsync(setting: &Setting, server: &Server, maildir: &Maildir, sealed: bool) -> Result<()> {
    let config = format!(
        "IMAPAccount peer
        Host localhost
        Port {}
        User alice
        Pass secret
        AuthMechs LOGIN
        SSLType {}
        CertificateFile {}
        SystemCertificates no

        IMAPStore far
        Account peer

        MaildirStore near
        Inbox {}

        Channel inbox
        Far :far:
        Near :near:
        Expunge Both
        SyncState *
        ",
        server.port,
        if sealed { "STARTTLS" } else { "None" },
        setting.ca(),
        maildir.path().display(),
    );
    let config = setting.folder.file("mbsyncrc", config)?;
    run(
        "mbsync",
        &["-c", &config.display().to_string(), "inbox"],
        "",
    )
    .await?;
    Ok(())
}
