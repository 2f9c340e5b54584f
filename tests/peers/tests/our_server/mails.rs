//! Mails, and the Maildirs that clients keep them in.

use std::fs;
use std::path::{Path, PathBuf};

use peers::Result;

/// Small mails, and a large one, which compresses about as well as text does.
pub(crate) fn mails() -> Vec<Vec<u8>> {
    let mut state = 1_u64;
    let mut word = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        format!("{:x}", (state >> 33) % 4096)
    };
    let mut large = String::new();
    while large.len() < 300_000 {
        let words: Vec<_> = (0..14).map(|_| word()).collect();
        large += &(words.join(" ") + "\r\n");
    }
    vec![
        mail("small", "Hello.\r\n"),
        mail("empty", ""),
        mail("dots", ".\r\n..\r\n\r\n.\r\n* OK\r\na OK {3}\r\n"),
        mail("large", &large),
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

/// Makes a Maildir, with this mail in it or none.
pub(crate) fn make(maildir: PathBuf) -> Result<PathBuf> {
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(maildir.join(part))?;
    }
    Ok(maildir)
}

/// The mails in a Maildir, where lines end in LF, sorted.
pub(crate) fn kept(maildir: &Path) -> Result<Vec<String>> {
    let mut mails = Vec::new();
    for part in ["cur", "new"] {
        for entry in fs::read_dir(maildir.join(part))? {
            mails.push(fs::read_to_string(entry?.path())?);
        }
    }
    mails.sort();
    Ok(mails)
}

/// The same mails as a Maildir keeps them, sorted.
pub(crate) fn as_kept(mails: &[Vec<u8>]) -> Result<Vec<String>> {
    let mut kept = Vec::new();
    for mail in mails {
        kept.push(String::from_utf8(mail.clone())?.replace("\r\n", "\n"));
    }
    kept.sort();
    Ok(kept)
}
