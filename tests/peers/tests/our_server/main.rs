//! Servers of ours, small ones, and the clients that people use.

mod attacks;
mod compress;
mod curl;
mod gnutls;
mod injection;
mod ldapsearch;
mod lftp;
mod mailbox;
mod mbsync;
mod mutt;
mod openssl;
mod psql;
mod python;
mod setting;
mod swaks;
mod tsql;
