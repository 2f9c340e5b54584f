//! Servers of ours, small ones, and the clients that people use.

mod attacks;
mod curl;
mod gnutls;
mod injection;
mod ldapsearch;
mod lftp;
mod openssl;
mod psql;
mod python;
mod setting;
mod swaks;
