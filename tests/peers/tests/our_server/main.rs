//! Servers of ours, small ones, and the clients that people use.

mod attacks;
mod curl;
mod gnutls;
mod injection;
mod ldapsearch;
mod lftp;
mod mails;
mod mbsync;
mod openssl;
mod psql;
mod python;
mod setting;
mod swaks;
