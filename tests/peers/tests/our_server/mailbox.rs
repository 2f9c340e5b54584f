//! What the tests of COMPRESS have in common: a mailbox to serve, and where clients keep its mails.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use peers::{Mailbox, Result, Server, Service, Session, text};
use rustls::version::TLS12;

use crate::setting::{Setting, WAYS, Way};

/// Each way of TLS, and the two without.
pub(crate) fn ways() -> impl Iterator<Item = (Way, bool)> {
    let cuts = WAYS.into_iter().filter(|way| way.version == &TLS12);
    let sealed = WAYS.into_iter().map(|way| (way, true));
    sealed.chain(cuts.map(|way| (way, false)))
}

/// A server that has this mailbox, also for who speaks no TLS.
pub(crate) async fn serve(setting: &Setting, way: Way, mailbox: &Mailbox) -> Result<Server> {
    let mut manner = setting.manner(way)?;
    manner.clear = true;
    manner.mailbox = mailbox.clone();
    Server::start(Service::Imap, manner).await
}

/// The server's next session, which must have ended well, over TLS if it is `sealed`, and must have
/// saved something by COMPRESS in both directions.
pub(crate) async fn session(server: &mut Server, way: Way, sealed: bool) -> Result<Session> {
    let session = server.session().await?;
    assert!(session.end.is_ok(), "{way:?}: {session:#?}");
    let tls = session.tls.as_ref().map(|tls| tls.version);
    assert_eq!(tls, sealed.then(|| way.tls()), "{session:#?}");
    let info = session.compression.as_ref().ok_or("no COMPRESS")?;
    assert!(info.sent.compressed < info.sent.plain, "{session:#?}");
    assert!(
        info.received.compressed < info.received.plain,
        "{session:#?}"
    );
    let last = session.heard.last().map_or("", String::as_str);
    let crossed = if sealed {
        "tls: deflate: "
    } else {
        "deflate: "
    };
    assert!(last.starts_with(crossed), "{session:#?}");
    assert!(last.ends_with(" LOGOUT"), "{session:#?}");
    Ok(session)
}

/// Small mails, and a large one.
pub(crate) fn mails() -> Vec<Vec<u8>> {
    vec![
        mail("small", "Hello.\r\n"),
        mail("empty", ""),
        mail("dots", ".\r\n..\r\n\r\n.\r\n* OK\r\na OK {3}\r\n"),
        mail("large", &text(1, 300_000)),
        mail("last", "And so on.\r\n"),
    ]
}

/// A mail of this subject.
pub(crate) fn mail(subject: &str, body: &str) -> Vec<u8> {
    format!(
        "From: Bob <bob@peer.test>\r\nTo: Alice <alice@peer.test>\r\nSubject: {subject}\r\n\
         Date: Sat, 09 May 2015 12:00:00 +0000\r\nMessage-ID: <{subject}@peer.test>\r\n\r\n{body}"
    )
    .into()
}

/// A folder of mails on the client's side.
pub(crate) struct Maildir(PathBuf);

impl Maildir {
    /// Makes one, with these mails in it.
    pub(crate) fn new(path: PathBuf, mails: &[Vec<u8>]) -> Result<Self> {
        let maildir = Self(path);
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(maildir.0.join(part))?;
        }
        for (n, mail) in mails.iter().enumerate() {
            maildir.add(&n.to_string(), mail)?;
        }
        maildir.age()?;
        Ok(maildir)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Puts a mail into it.
    pub(crate) fn add(&self, name: &str, mail: &[u8]) -> Result<()> {
        fs::write(self.0.join("new").join(name), as_kept(mail)?)?;
        self.age()
    }

    /// Removes the mails of which this is a line.
    pub(crate) fn remove(&self, line: &str) -> Result<()> {
        for path in self.files()? {
            if fs::read_to_string(&path)?.lines().any(|its| its == line) {
                fs::remove_file(path)?;
            }
        }
        self.age()
    }

    fn files(&self) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for part in ["cur", "new"] {
            for entry in fs::read_dir(self.0.join(part))? {
                files.push(entry?.path());
            }
        }
        Ok(files)
    }

    /// mbsync waits while changes are young.
    fn age(&self) -> Result<()> {
        for part in ["cur", "new"] {
            File::open(self.0.join(part))?.set_modified(SystemTime::UNIX_EPOCH)?;
        }
        Ok(())
    }

    /// Checks that it has these mails and no others, byte for byte, but for the lines in each head
    /// that the client `adds`.
    pub(crate) fn has(&self, mails: &[Vec<u8>], adds: &[&str]) -> Result<()> {
        let mut found = Vec::new();
        for path in self.files()? {
            found.push(without(&fs::read_to_string(path)?, adds)?);
        }
        let mut expected = Vec::new();
        for mail in mails {
            expected.push(as_kept(mail)?);
        }
        same(found, expected);
        Ok(())
    }
}

/// Checks that the mailbox has these mails, byte for byte, but for what the client `adds`.
pub(crate) fn mailbox_has(mailbox: &Mailbox, mails: &[Vec<u8>], adds: &[&str]) -> Result<()> {
    let mut found = Vec::new();
    for content in mailbox.contents() {
        found.push(without(&String::from_utf8(content)?, adds)?);
    }
    let mails = mails.iter().cloned();
    let expected: std::result::Result<Vec<_>, _> = mails.map(String::from_utf8).collect();
    same(found, expected?);
    Ok(())
}

/// In whatever order. A large difference is not shown.
fn same(mut found: Vec<String>, mut expected: Vec<String>) {
    found.sort();
    expected.sort();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        let head = &found[..found.len().min(1000)];
        assert!(
            found == expected,
            "{head}\n{} bytes, not {}",
            found.len(),
            expected.len()
        );
    }
}

/// A Maildir's lines end in LF.
fn as_kept(mail: &[u8]) -> Result<String> {
    Ok(str::from_utf8(mail)?.replace("\r\n", "\n"))
}

/// The mail without the lines of these names in its head, of which there must be one, if there are names.
fn without(mail: &str, names: &[&str]) -> Result<String> {
    let end = mail
        .find("\n\n")
        .or(mail.find("\n\r\n"))
        .ok_or("it has no head")?
        + 1;
    let (head, body) = mail.split_at(end);
    let named = |line: &&str| {
        names
            .iter()
            .any(|name| line.starts_with(&format!("{name}: ")))
    };
    let kept: String = head
        .split_inclusive('\n')
        .filter(|line| !named(line))
        .collect();
    assert_eq!(kept.len() < head.len(), !names.is_empty(), "{head}");
    Ok(kept + body)
}
