//! Small servers, each of which knows the few lines of its protocol that clients need.

mod command;
mod ftp;
mod imap;
mod ldap;
mod mailbox;
mod pop3;
mod postgres;
mod smtp;
mod xmpp;

use std::{fmt, io};

pub use mailbox::Mailbox;

use crate::conversation::Conversation;

/// The mail that IMAP and POP3 have, for those who speak TLS only.
pub const MAIL: &str = "Subject: sealed\r\n\r\nOnly who speaks TLS may read this.\r\n";

/// A protocol that upgrades to TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// STARTTLS (RFC 3207).
    Smtp,
    /// STARTTLS (RFC 9051), and COMPRESS (RFC 4978).
    Imap,
    /// STLS (RFC 2595).
    Pop3,
    /// AUTH TLS, protected data connections, and CCC, which takes TLS off (RFC 4217).
    Ftp,
    /// `<starttls/>` (RFC 6120).
    Xmpp,
    /// The extended operation StartTLS (RFC 4511).
    Ldap,
    /// SSLRequest.
    Postgres,
}

impl Service {
    /// Serves one client to its end.
    pub(crate) async fn serve(self, talk: &mut Conversation) -> io::Result<()> {
        match self {
            Self::Smtp => smtp::serve(talk).await,
            Self::Imap => imap::serve(talk).await,
            Self::Pop3 => pop3::serve(talk).await,
            Self::Ftp => ftp::serve(talk).await,
            Self::Xmpp => xmpp::serve(talk).await,
            Self::Ldap => ldap::serve(talk).await,
            Self::Postgres => postgres::serve(talk).await,
        }
    }
}

/// As `openssl s_client -starttls` and `gnutls-cli --starttls-proto` call it.
impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Smtp => "smtp",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Ftp => "ftp",
            Self::Xmpp => "xmpp",
            Self::Ldap => "ldap",
            Self::Postgres => "postgres",
        })
    }
}

/// A line's first word in capitals, and the rest.
fn verb(line: &str) -> (String, &str) {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    (verb.to_ascii_uppercase(), rest)
}
