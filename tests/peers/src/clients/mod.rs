//! Small clients that want TLS, or nothing.
//!
//! Each begins in plain and asks for TLS ([`Smtp::start`] and so on); there is no client to log in
//! with before TLS is up. What the server told in plain is forgotten then. Only who says so by name
//! goes on in plain ([`Imap::plain`], [`Nntp::plain`]).

mod error;
mod ftp;
mod imap;
mod ldap;
mod lines;
mod nntp;
mod pop3;
mod postgres;
mod session;
mod smtp;
mod xmpp;

pub use error::ClientError;
pub use ftp::Ftp;
pub use imap::Imap;
pub use ldap::Ldap;
pub use lines::Lines;
pub use nntp::Nntp;
pub use pop3::Pop3;
pub use postgres::Postgres;
pub use session::{Ending, Session};
pub use smtp::Smtp;
pub use xmpp::Xmpp;

type Result<T> = std::result::Result<T, ClientError>;
