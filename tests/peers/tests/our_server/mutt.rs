//! `mutt`, which compresses if it is told to.

use peers::{Leaving, Mailbox, Result, is_here};
use stack::Blame;

use crate::mailbox::{Maildir, mailbox_has, mails, serve, session, ways};
use crate::setting::{Setting, run};

/// It measures the mails that it moves, and says the one or the other.
const ADDS: [&str; 2] = ["Content-Length", "Lines"];

#[tokio::test]
async fn mutt_moves_mails_compressed_from_imap_in_clear_and_in_tls() -> Result<()> {
    moves(|imap, maildir| (imap, maildir), &mails(), &[]).await
}

#[tokio::test]
async fn mutt_moves_mails_compressed_to_imap_in_clear_and_in_tls() -> Result<()> {
    moves(|imap, maildir| (maildir, imap), &[], &mails()).await
}

/// Moves all between a mailbox of the server's with the mails `there`, and a Maildir with those `here`,
/// of which only one has any. `direct` says from where to where.
async fn moves(
    direct: impl Fn(String, String) -> (String, String),
    there: &[Vec<u8>],
    here: &[Vec<u8>],
) -> Result<()> {
    if !is_here(&["mutt", "script"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    for (n, (way, sealed)) in ways().enumerate() {
        let mailbox = Mailbox::new(there.iter().cloned());
        let mut server = serve(&setting, way, &mailbox).await?;
        let maildir = Maildir::new(setting.folder.path().join(n.to_string()), here)?;
        let imap = format!("imap://localhost:{}/INBOX", server.port);
        let (from, to) = direct(imap, maildir.path().display().to_string());
        move_all(&setting, &from, &to, sealed).await?;
        if here.is_empty() {
            maildir.has(there, &ADDS)?;
            mailbox_has(&mailbox, &[], &[])?;
        } else {
            mailbox_has(&mailbox, here, &ADDS)?;
            maildir.has(&[], &[])?;
        }
        let session = session(&mut server, way, sealed).await?;
        // It ends TLS, but not its deflate stream.
        match &session.leaving {
            Some(Leaving::Marked(layer)) if sealed => assert_eq!(layer, "tls", "{session:#?}"),
            Some(Leaving::Error(error)) => assert_ne!(error.blame(), Blame::Local, "{session:#?}"),
            _ => panic!("{way:?}: {session:#?}"),
        }
    }
    Ok(())
}

/// Moves all mails, as somebody at a terminal would.
async fn move_all(setting: &Setting, from: &str, to: &str, sealed: bool) -> Result<()> {
    let (home, ca) = (setting.folder.path().display(), setting.ca());
    let tls = if sealed { "yes" } else { "no" };
    let config = format!(
        "set folder={home}
        set imap_deflate=yes
        set imap_user=alice imap_pass=secret
        set ssl_starttls={tls} ssl_force_tls={tls}
        set ssl_ca_certificates_file={ca}
        set certificate_file={ca}
        set mbox_type=Maildir
        set spoolfile={from}
        set confirmcreate=no confirmappend=no delete=yes
        push '<tag-pattern>~A<enter><tag-prefix-cond><save-message>{to}<enter><sync-mailbox><exit>'
        "
    );
    let config = setting.folder.file("muttrc", config)?;
    let command = format!("TERM=xterm HOME={home} mutt -n -F {}", config.display());
    run("script", &["-qec", &command, "/dev/null"], "").await?;
    Ok(())
}
